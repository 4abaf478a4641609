"""Artifacts: round trip, ledger, and errors for every damaged or hostile file."""

import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from golf.artifact import body, container
from golf.artifact import packing as artifact
from golf.artifact.container import Header
from golf.artifact.packing import MAGIC, QuantizeConfig, load, load_bytes, pack, save, unpack
from golf.errors import InputError
from golf.model.gpt import GPT, ModelConfig
from golf.model.state_dict import config_from_state, num_parameters, tensor_shapes
from golf.selftest import BUNDLED

SMALL = ModelConfig(
    num_layers=1, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, vocab_size=48, bigram_buckets=520
)
TINY = ModelConfig(
    num_layers=1, model_dim=4, num_heads=1, num_kv_heads=1, mlp_hidden=2, vocab_size=2, bigram_buckets=2, bigram_dim=1
)
PREFIX = len(MAGIC) + 32
CODECS = [QuantizeConfig(), QuantizeConfig(codec="zstd", level=3)]


def random_state(model: ModelConfig, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in tensor_shapes(model).items()}


def signed(rest: bytes) -> bytes:
    """A file of this version with a digest that is right, whatever it holds."""
    return MAGIC + hashlib.sha256(rest).digest() + rest


def with_header(text: bytes, body: bytes) -> bytes:
    return signed(struct.pack("<I", len(text)) + text + body)


def claim(body: bytes = b"", codec: str = "ans", bits: Any = 6, **constants: Any) -> bytes:
    """A file with a correct digest and any header."""
    header = {"bits": bits, "codec": codec, "model": {**asdict(TINY), **constants}}
    return with_header(json.dumps(header, sort_keys=True, separators=(",", ":")).encode(), body)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    model = GPT(SMALL)
    model.initialize(torch.Generator().manual_seed(0))
    return model.state_dict()


@pytest.fixture(scope="module", params=CODECS, ids=["ans", "zstd"])
def content(state: dict[str, Tensor], request: pytest.FixtureRequest) -> bytes:
    return pack(state, SMALL, request.param)[0]


@pytest.mark.parametrize("config", CODECS, ids=["ans", "zstd"])
@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_a_round_trip_scores_like_the_original_implementation(
    folder: Path, config: QuantizeConfig, tmp_path: Path
) -> None:
    state = load_file(folder / "model.safetensors")
    save(tmp_path / "model.golf", state, config_from_state(state), config)
    document = torch.tensor(json.loads((folder / "cases.json").read_text())["documents"][0])
    model = load(tmp_path / "model.golf")
    loss = torch.nn.functional.cross_entropy(model.logits(model.hidden(document[None, :-1]))[0], document[1:])
    expected = json.loads((folder / "base.json").read_text())["int6_mean_nll"]
    assert float(loss) == pytest.approx(expected, abs=5e-6)  # a few roundings of an fp32 number near 10


def test_a_container_restores_names_shapes_and_architecture(state: dict[str, Tensor], content: bytes) -> None:
    restored, config = unpack(content)
    assert config == SMALL
    assert {name: t.shape for name, t in restored.items()} == {name: t.shape for name, t in state.items()}
    torch.testing.assert_close(restored["blocks.0.attn.q_gain"], state["blocks.0.attn.q_gain"], rtol=0, atol=0)
    torch.testing.assert_close(restored["tok_emb.weight"], state["tok_emb.weight"].half().float(), rtol=0, atol=0)


def test_a_weight_that_is_not_finite_is_refused(state: dict[str, Tensor]) -> None:
    broken = {**state, "smear.gate": torch.full((16,), float("nan"))}
    with pytest.raises(InputError, match=r"smear\.gate holds values that are not finite"):
        pack(broken, SMALL, QuantizeConfig())
    with pytest.raises(InputError, match="not finite in fp16"):
        pack({**state, "smear.gate": torch.full((16,), 1e6)}, SMALL, QuantizeConfig())


def test_loading_names_the_file_and_what_it_should_be(tmp_path: Path, state: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match=r"missing\.golf: cannot be read"):
        load(tmp_path / "missing.golf")
    (tmp_path / "foreign").write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(InputError, match=r"foreign: neither an artifact nor a complete \.safetensors"):
        load(tmp_path / "foreign")
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"other\.safetensors: model: tensor 'tok_emb\.weight' is missing"):
        load(tmp_path / "other.safetensors")
    wrong = {**state, "smear.gate": torch.zeros(3)}
    save_file(wrong, tmp_path / "shape.safetensors")
    with pytest.raises(InputError, match=r"tensor smear\.gate has shape \(3,\), expected \(16,\)"):
        load(tmp_path / "shape.safetensors")


def test_a_state_dict_loads_as_it_is(tmp_path: Path, state: dict[str, Tensor]) -> None:
    save_file(state, tmp_path / "weights.safetensors")
    model = load(tmp_path / "weights.safetensors")
    assert model.config.num_heads == 2
    assert model.config.num_kv_heads == 1
    np.testing.assert_array_equal(model.tok_emb.weight.numpy(), state["tok_emb.weight"].numpy())


def test_both_codecs_hold_the_same_weights(state: dict[str, Tensor]) -> None:
    ans, zstd = (unpack(pack(state, SMALL, config)[0])[0] for config in CODECS)
    assert ans.keys() == zstd.keys()
    assert all(torch.equal(ans[name], zstd[name]) for name in ans)


@given(layers=st.integers(1, 3), seed=st.integers(0, 9), bits=st.integers(2, 8))
@settings(max_examples=6)
def test_any_quantized_model_round_trips(layers: int, seed: int, bits: int) -> None:
    model = replace(SMALL, num_layers=layers, bigram_buckets=600)
    state = random_state(model, seed)
    found, config = unpack(pack(state, model, QuantizeConfig(bits=bits))[0])
    values, scales = artifact.quantize_rows(state["bigram.embed.weight"], bits)
    assert config == model
    assert torch.equal(found["bigram.embed.weight"], values.float() * scales.float()[:, None])
    assert torch.equal(found["blocks.0.resid_mix"], state["blocks.0.resid_mix"])
    assert torch.equal(found["tok_emb.weight"], state["tok_emb.weight"].half().float())


@pytest.mark.parametrize("config", CODECS, ids=["ans", "zstd"])
def test_the_ledger_adds_up(config: QuantizeConfig) -> None:
    state = random_state(SMALL)
    content, ledger = pack(state, SMALL, config)
    assert ledger.model_bytes == len(content) == ledger.header_bytes + ledger.body_bytes
    shown = ledger.to_json()
    groups = ledger.groups
    assert set(groups) == {"attention", "mlp", "embedding", "bigram", "control", "scales"}
    assert sum(group.weights for group in groups.values()) == sum(tensor.numel() for tensor in state.values())
    assert groups["scales"].stored_bytes == 2 * SMALL.bigram_buckets
    assert groups["mlp"].stored_bytes == 2 * 2 * 16 * 24
    assert shown["entropy_bytes"] == pytest.approx(sum(group.entropy_bytes for group in groups.values()))
    assert shown["above_entropy"] == pytest.approx(ledger.body_bytes / shown["entropy_bytes"] - 1)
    coded = [group.coded_bytes for group in groups.values()]
    assert coded == [None] * 6 if config.codec == "zstd" else sum(coded) == ledger.body_bytes


def test_equal_weights_give_equal_bytes(state: dict[str, Tensor]) -> None:
    for config in CODECS:
        again = pack(dict(reversed(state.items())), SMALL, config)[0]
        assert again == pack(state, SMALL, config)[0]


def test_only_zstd_has_a_level() -> None:
    assert QuantizeConfig(level=3) == QuantizeConfig()
    assert QuantizeConfig(codec="zstd", level=3) != QuantizeConfig(codec="zstd")
    with pytest.raises(InputError, match=r"quantize\.level = 23: must be at least 1 and at most 22"):
        QuantizeConfig(codec="zstd", level=23)


def test_tensors_that_do_not_fit_the_model_are_input_errors(state: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match=r"tensor smear\.gate has shape none, expected \(16,\)"):
        pack({name: tensor for name, tensor in state.items() if name != "smear.gate"}, SMALL, QuantizeConfig())
    with pytest.raises(InputError, match=r"tensor extra has shape \(1,\), expected none"):
        pack({**state, "extra": torch.zeros(1)}, SMALL, QuantizeConfig())
    with pytest.raises(InputError, match="weights; an artifact has at most"):
        pack(state, replace(SMALL, mlp_hidden=2**22), QuantizeConfig())
    huge = {**state, "bigram.embed.weight": torch.full((520, 128), 1e7)}
    with pytest.raises(InputError, match="too large for a row scale in fp16"):
        pack(huge, SMALL, QuantizeConfig())


@pytest.mark.parametrize("model", [SMALL, TINY, ModelConfig(), ModelConfig(num_layers=10)])
def test_shapes_are_those_of_the_model(model: ModelConfig) -> None:
    with torch.device("meta"):
        built = GPT(model).state_dict()
    assert tensor_shapes(model) == {name: tuple(tensor.shape) for name, tensor in built.items()}
    assert num_parameters(model) == sum(tensor.numel() for tensor in built.values())


# Damage: the digest finds all of it


def test_every_truncation_and_extension_is_refused(content: bytes) -> None:
    for damaged in [
        *(content[:n] for n in [*range(400), *range(400, len(content), 997)]),
        content[:-1],
        content + b"x",
    ]:
        with pytest.raises(InputError):
            load_bytes(damaged, "it")


@pytest.mark.parametrize("config", [QuantizeConfig(), QuantizeConfig(codec="zstd", level=1)], ids=["ans", "zstd"])
def test_every_flipped_bit_of_a_small_file_is_refused(config: QuantizeConfig) -> None:
    content = pack(random_state(TINY), TINY, config)[0]
    unpack(content)
    for place in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(InputError):
            load_bytes(bytes(damaged), "it")


# Malice: the digest is right, the rest is not


@settings(max_examples=80)
@given(data=st.data(), count=st.integers(1, 4))
def test_no_body_under_a_right_digest_crashes(content: bytes, data: st.DataObject, count: int) -> None:
    damaged = bytearray(content[PREFIX:])
    for _ in range(count):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        state, config = unpack(signed(bytes(damaged)))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(bool(tensor.isfinite().all()) for tensor in state.values())
        assert {name: tuple(tensor.shape) for name, tensor in state.items()} == tensor_shapes(config)


@settings(max_examples=100)
@given(text=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)), body=st.binary(max_size=50))
def test_no_header_under_a_right_digest_crashes(text: bytes, body: bytes) -> None:
    with pytest.raises(InputError):
        unpack(with_header(text, body))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "terabytes": (lambda: claim(mlp_hidden=2**26), "weights; an artifact has at most"),
    "more than memory by a product": (lambda: claim(model_dim=2**15, mlp_hidden=2**15), "weights; an artifact has"),
    "layers without end": (lambda: claim(num_layers=10**9), "num_layers = 1000000000: must be .* at most 256"),
    "negative size": (lambda: claim(mlp_hidden=-1), r"mlp_hidden = -1: must be at least 1"),
    "no multiple": (lambda: claim(model_dim=5), "must be an even multiple"),
    "heads too small to rotate": (lambda: claim(model_dim=2), r"model_dim = 2: must be .* num_heads = 1, ≥ 4"),
    "float for int": (lambda: claim(vocab_size=2.0), r"vocab_size = 2\.0, expected"),
    "bool for int": (lambda: claim(num_layers=True), "num_layers = True, expected"),
    "int for float": (lambda: claim(softcap=30), "softcap = 30, expected"),
    "text for int": (lambda: claim(vocab_size="2"), "vocab_size = '2', expected"),
    "NaN constant": (lambda: claim(softcap=float("nan")), "softcap = nan, expected"),
    "infinite constant": (lambda: claim(rope_base=float("inf")), "rope_base = inf, expected"),
    "constant out of proportion": (lambda: claim(rope_base=1e300), r"rope_base = 1e\+300"),
    "constant of nearly 0": (lambda: claim(softcap=1e-300), "softcap = 1e-300"),
    "unknown constant": (lambda: claim(depth=3), "unexpected keyword"),
    "unknown codec": (lambda: claim(codec="lzma"), "codec 'lzma'; expected 2 to 8 bits, codec ans or zstd"),
    "no bits": (lambda: claim(bits=0), "0 bits"),
    "many bits": (lambda: claim(bits=64), "64 bits"),
    "bits as text": (lambda: claim(bits="6"), "its header is damaged"),
    "true bits": (lambda: claim(bits=True), "its header is damaged"),
    "deep JSON": (lambda: with_header(b"[" * 4000, b""), "its header is damaged"),
    "white space": (
        lambda: with_header(Header(model=TINY, bits=6, codec="ans").to_bytes() + b" ", b""),
        "its header is damaged; expected",
    ),
    "long header": (lambda: with_header(b" " * 5000, b""), "its header claims 5000 bytes"),
    "header beyond the end": (lambda: signed(struct.pack("<I", 2**32 - 1)), "its header claims 4294967295 bytes"),
    "no header": (lambda: signed(b""), "truncated or damaged|its header"),
    "no body": (claim, "it ends before its last weight"),
    "a word for millions": (
        lambda: claim(bytes([0, 0, 128, 0]), mlp_hidden=8_000_000),
        "its body has 4 bytes for 80000244 bytes of weights",
    ),
    "floats that no file holds": (
        lambda: claim(vocab_size=65_536, model_dim=512),
        "weights are not quantized; an artifact has at most 16777216 of those",
    ),
    "odd body": (lambda: claim(b"abc"), "its body cannot be decoded"),
    "zero word": (lambda: claim(bytes(8)), "its body cannot be decoded"),
    "body too long": (lambda: claim(b"\x01" * 4000), "its body continues after the last weight"),
    "no frame": (lambda: claim(b"abc", "zstd"), "zstd cannot decompress"),
    "short frame": (lambda: claim(zstandard.compress(bytes(3)), "zstd"), "its body has 3 bytes, expected"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_false_content_with_a_correct_digest_is_an_input_error(name: str) -> None:
    make, message = HOSTILE[name]
    with pytest.raises(InputError, match=message) as caught:
        load_bytes(make(), "it.golf")
    assert str(caught.value).startswith("it.golf: ")


def test_a_decompression_bomb_is_rejected_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zstandard.ZstdCompressor(level=3).compress(bytes(2**28))
    monkeypatch.setattr(zstandard, "ZstdDecompressor", None)  # any attempt to decompress fails
    with pytest.raises(InputError, match="its body has 268435456 bytes"):
        unpack(claim(bomb, "zstd"))


@pytest.mark.parametrize("field", ["frame of another size", "frame without size", "bytes behind the frame"])
def test_frames_of_a_wrong_size_are_input_errors(field: str) -> None:
    size = sum(int(np.prod(shape)) * (4 if "scale" in name else 2) for name, shape in tensor_shapes(TINY).items())
    body = {
        "frame of another size": zstandard.compress(bytes(size + 1)),
        "frame without size": zstandard.ZstdCompressor(write_content_size=False).compress(bytes(size)),
        "bytes behind the frame": zstandard.compress(bytes(size)) + b"x",
    }[field]
    with pytest.raises(InputError):
        unpack(claim(body, "zstd"))


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 0.0, -1.0])
def test_invalid_row_scales_are_input_errors(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def hostile(weight: Tensor, bits: int = 6) -> tuple[Tensor, Tensor]:
        return torch.zeros(weight.shape, dtype=torch.int8), torch.full((len(weight),), scale, dtype=torch.float16)

    with monkeypatch.context() as patched:
        patched.setattr(artifact, "quantize_rows", hostile)
        patched.setattr(Tensor, "isfinite", lambda self: torch.ones(self.shape, dtype=torch.bool))
        made = [pack(random_state(SMALL), SMALL, config)[0] for config in CODECS[1:]]
    for content in made:
        with pytest.raises(InputError, match=r"bigram\.embed\.weight has a row scale that is not finite and above 0"):
            unpack(content)


def test_values_outside_the_claimed_bits_are_input_errors() -> None:
    content = pack(random_state(SMALL), SMALL, CODECS[1])[0]
    _, body = container.read(content, "it")
    fewer = container.write(Header(model=SMALL, bits=3, codec="zstd"), body)
    with pytest.raises(InputError, match="holds values outside ±3"):
        unpack(fewer)


def test_a_weight_that_is_not_a_number_is_refused_on_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {**random_state(SMALL), "smear.gate": torch.full((16,), float("nan"))}
    with monkeypatch.context() as patched:
        patched.setattr(Tensor, "isfinite", lambda self: torch.ones(self.shape, dtype=torch.bool))
        content = pack(state, SMALL, CODECS[1])[0]
    with pytest.raises(InputError, match=r"smear\.gate holds values that are not finite"):
        unpack(content)


def test_folders_and_huge_files_are_rejected_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="not a file; expected an artifact"):
        load(tmp_path)
    with pytest.raises(InputError, match="/dev/zero: not a file"):
        load(Path("/dev/zero"))
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(2**40)  # takes no room on the disk
    with pytest.raises(InputError, match=r"large: 1099511627776 bytes; expected .* at most 536870912"):
        load(tmp_path / "large")


def test_the_error_for_another_version_says_so() -> None:
    with pytest.raises(InputError, match="not an artifact of this version"):
        load_bytes(MAGIC[:-1] + b"\x01" + bytes(100), "it")


def test_every_codec_that_a_header_may_name_is_coded_and_decoded() -> None:
    assert body.CODECS.keys() == set(container.CODEC_NAMES) == {config.codec for config in CODECS}
