"""The container: exact int6 values, round trip, and refusal of every damaged or hostile file."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from golf import artifact
from golf.artifact import MAGIC, QuantizeConfig, load, pack, quantise_rows, save, unpack
from golf.errors import InputError
from golf.model import GPT, ModelConfig, config_from_state, model_from_state
from golf.selftest import BUNDLED

SMALL = ModelConfig(num_layers=1, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, vocab_size=48)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    model = GPT(SMALL)
    model.initialise(torch.Generator().manual_seed(0))
    return model.state_dict()


@pytest.fixture(scope="module")
def content(state: dict[str, Tensor]) -> bytes:
    return pack(state, SMALL, QuantizeConfig(level=3))[0]


@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_int6_values_and_scales_equal_the_original_implementations(folder: Path) -> None:
    expected = load_file(folder / "int6.safetensors")
    weight = load_file(folder / "model.safetensors")["bigram.embed.weight"]
    values, scales = quantise_rows(weight)
    assert torch.equal(values, expected["bigram.embed.weight"])
    if "bigram.embed.weight.scale" in expected:
        assert torch.equal(scales, expected["bigram.embed.weight.scale"])


@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_the_round_trip_scores_as_the_original_implementations(folder: Path, tmp_path: Path) -> None:
    state = load_file(folder / "model.safetensors")
    save(tmp_path / "model.golf", state, config_from_state(state), QuantizeConfig(level=1))
    document = torch.tensor(json.loads((folder / "cases.json").read_text())["documents"][0])
    model = load(tmp_path / "model.golf")
    loss = torch.nn.functional.cross_entropy(model.logits(model.hidden(document[None, :-1]))[0], document[1:])
    expected = json.loads((folder / "base.json").read_text())["int6_mean_nll"]
    assert float(loss) == pytest.approx(expected, abs=5e-6)  # a few roundings of an fp32 number near 10


@settings(max_examples=50, deadline=None, derandomize=True)
@given(rows=st.integers(1, 5), columns=st.integers(2, 40), scale=st.floats(1e-3, 50.0), bits=st.integers(2, 8))
def test_quantising_is_off_by_half_a_step_at_most(rows: int, columns: int, scale: float, bits: int) -> None:
    weight = scale * torch.randn(rows, columns, generator=torch.Generator().manual_seed(columns))
    values, scales = quantise_rows(weight, bits)
    largest = 2 ** (bits - 1) - 1
    assert int(values.abs().max()) <= largest
    clip = torch.quantile(weight.abs(), artifact.CLIP_QUANTILE, dim=1, keepdim=True)
    error = (values * scales.float()[:, None] - weight.clamp(-clip, clip)).abs()
    # Half a step, and what fp16 takes from the scale at the largest value.
    assert bool((error <= scales.float()[:, None] * (0.5 + largest * 2.0**-11) + 1e-6).all())


def test_the_ledger_adds_up(state: dict[str, Tensor]) -> None:
    content, ledger = pack(state, SMALL, QuantizeConfig())
    assert ledger.model_bytes == len(content)
    assert ledger.body_bytes == sum(ledger.tensor_bytes.values())
    sources = sum(len(path.read_bytes()) for path in Path(artifact.__file__).parent.glob("*.py"))
    assert ledger.to_json()["total_bytes"] == len(content) + sources
    assert ledger.to_json()["limit_bytes"] == 16_000_000


def test_equal_weights_give_equal_bytes(state: dict[str, Tensor], content: bytes) -> None:
    again, _ = pack(dict(reversed(state.items())), SMALL, QuantizeConfig(level=3))
    assert again == content


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


def test_every_truncation_is_one_clear_error(content: bytes) -> None:
    for length in [*range(40), *range(40, len(content), 997), len(content) - 1]:
        with pytest.raises(InputError):
            unpack(content[:length])


def test_bytes_after_the_end_are_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="do not belong"):
        unpack(content + b"x")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_never_crashes(content: bytes, place: float, bit: int) -> None:
    damaged = bytearray(content)
    damaged[int(place * len(damaged))] ^= 1 << bit
    try:
        state, config = unpack(bytes(damaged))
        model_from_state(state, config)
    except InputError as error:
        assert "\n" not in str(error)


def test_a_header_that_promises_terabytes_is_refused_before_allocation() -> None:
    header = {
        "model": {},
        "codec": "zstd",
        "bits": 6,
        "tensors": [{"name": "x", "encoding": "fp32", "shape": [2**20, 2**20]}],
    }
    text = json.dumps(header).encode()
    body = zstandard.ZstdCompressor().compress(b"")
    with pytest.raises(InputError, match="at most"):
        unpack(MAGIC + struct.pack("<I", len(text)) + text + body)


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    header = {"model": {}, "codec": "zstd", "bits": 6, "tensors": [{"name": "x", "encoding": "fp16", "shape": [4]}]}
    text = json.dumps(header).encode()
    bomb = zstandard.ZstdCompressor(level=3).compress(bytes(2**28))
    with pytest.raises(InputError, match="states 268435456 bytes"):
        unpack(MAGIC + struct.pack("<I", len(text)) + text + bomb)


def test_loading_names_the_file_and_what_it_should_be(tmp_path: Path, state: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match=r"missing\.golf: cannot be read"):
        load(tmp_path / "missing.golf")
    (tmp_path / "foreign").write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(InputError, match=r"foreign: neither an artifact nor a whole \.safetensors"):
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
