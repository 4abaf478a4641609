"""Hostile artifacts: changed anywhere, with a digest that is right again, with other headers and bodies."""

import hashlib
import json
import random
import struct

import pytest
import torch

from golf.artifact.container import MAGIC
from golf.artifact.packing import QuantizeConfig, load_bytes, pack
from tests.fuzz.harness import fuzz, is_refused
from tests.fuzz.mutations import dump, mutate, mutate_json, nest
from tests.golf.artifact.test_packing import SMALL, random_state

START = len(MAGIC) + 32
"""Where the part begins that the digest covers."""


def seal(rest: bytes) -> bytes:
    return MAGIC + hashlib.sha256(rest).digest() + rest


def with_header(text: bytes, body: bytes) -> bytes:
    return seal(struct.pack("<I", len(text)) + text + body)


@pytest.mark.parametrize("codec", ["ans", "zstd"])
def test_every_changed_artifact_is_refused_or_another_model(codec: str) -> None:
    content, _ = pack(random_state(SMALL), SMALL, QuantizeConfig(codec=codec, level=3))
    (length,) = struct.unpack_from("<I", content, START)
    header, body = content[START + 4 : START + 4 + length], content[START + 4 + length :]
    original = load_bytes(content, "original").state_dict()

    def attempt(chance: random.Random) -> None:
        kind = chance.randrange(5)
        if kind == 0:
            changed = mutate(content, chance)
            assert changed == content or is_refused(lambda: load_bytes(changed, "changed")), "a digest did not help"
            return
        if kind == 1:
            changed = seal(mutate(content[START:], chance))
        elif kind == 2:
            changed = with_header(header, mutate(body, chance))
        elif kind == 3:
            changed = with_header(dump(mutate_json(json.loads(header), chance)), body)
        else:
            changed = with_header(nest(chance.choice([10, 1000, 2000]), chance), body)
        if changed == content or is_refused(lambda: load_bytes(changed, "changed")):
            return
        model = load_bytes(changed, "changed")
        if codec == "zstd":
            return  # zstd has many frames for the same weights; the file's digest tells them apart
        values = model.state_dict()
        same = model.config == SMALL and all(torch.equal(values[name], original[name]) for name in original)
        assert not same, "a changed artifact was accepted as the original"

    fuzz(attempt, name=f"artifact, {codec}", attempts={"ans": 250, "zstd": 4000}[codec], share=0.5)
