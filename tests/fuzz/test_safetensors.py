"""Hostile state dicts: changed anywhere, with other names, shapes, dtypes and offsets in the header."""

import json
import random
import struct

import torch
from safetensors.torch import save

from golf.artifact.packing import load_bytes
from tests.fuzz.harness import fuzz, is_refused
from tests.fuzz.mutations import dump, mutate, mutate_json, nest
from tests.golf.tiny import tiny_model

DTYPES = ("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "F64", "I64",
          "U64", "C64", "F4", "f32")  # fmt: skip


def test_every_changed_state_dict_is_refused_or_a_finite_model() -> None:
    content = save({name: tensor.clone() for name, tensor in tiny_model().state_dict().items()})
    (length,) = struct.unpack_from("<Q", content)
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]

    def join(text: bytes) -> bytes:
        return struct.pack("<Q", len(text)) + text + data

    def attempt(chance: random.Random) -> None:
        kind = chance.randrange(4)
        if kind == 0:
            changed = mutate(content, chance)
        elif kind == 1:
            changed = join(dump(mutate_json(header, chance)))
        elif kind == 2:
            name = chance.choice(list(header))
            dtype = {**header[name], "dtype": chance.choice(DTYPES)}
            renamed = chance.choice([name, name.replace("0", chance.choice(["9" * 30, "-1", "²", ""]))])
            changed = join(dump({**{key: value for key, value in header.items() if key != name}, renamed: dtype}))
        else:
            changed = join(nest(chance.choice([10, 1000, 100_000]), chance))
        if not is_refused(lambda: load_bytes(changed, "changed")):
            values = load_bytes(changed, "changed").state_dict().values()
            assert all(bool(torch.isfinite(value).all()) for value in values)

    fuzz(attempt, name="safetensors", attempts=4000)
