"""Quantization: the original implementation's values, torch's quantile bit for bit, an error of half a step."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from golf.artifact.quantize import CLIP_QUANTILE, dequantize_rows, encoding_of, quantize_rows, upper_quantile
from golf.selftest import BUNDLED


@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_int6_values_and_scales_equal_the_original_implementations(folder: Path) -> None:
    expected = load_file(folder / "int6.safetensors")
    weight = load_file(folder / "model.safetensors")["bigram.embed.weight"]
    values, scales = quantize_rows(weight)
    assert torch.equal(values, expected["bigram.embed.weight"])
    if "bigram.embed.weight.scale" in expected:
        assert torch.equal(scales, expected["bigram.embed.weight.scale"])


@given(rows=st.integers(1, 5), columns=st.integers(2, 40), scale=st.floats(1e-3, 50.0), bits=st.integers(2, 8))
def test_the_quantization_error_is_at_most_half_a_step(rows: int, columns: int, scale: float, bits: int) -> None:
    weight = scale * torch.randn(rows, columns, generator=torch.Generator().manual_seed(columns))
    values, scales = quantize_rows(weight, bits)
    largest = 2 ** (bits - 1) - 1
    assert int(values.abs().max()) <= largest
    clip = torch.quantile(weight.abs(), CLIP_QUANTILE, dim=1, keepdim=True)
    error = (dequantize_rows(values, scales) - weight.clamp(-clip, clip)).abs()
    # Half a step, and what fp16 takes from the scale at the largest value.
    assert bool((error <= scales.float()[:, None] * (0.5 + largest * 2.0**-11) + 1e-6).all())


@given(
    rows=st.integers(1, 4),
    columns=st.one_of(st.integers(1, 9), st.sampled_from([512, 1536, 4097])),
    quantile=st.sampled_from([CLIP_QUANTILE, 0.999, 0.9]),
    ties=st.booleans(),
    seed=st.integers(0, 9),
)
def test_the_quantile_is_bit_identical_to_torchs(
    rows: int, columns: int, quantile: float, ties: bool, seed: int
) -> None:
    values = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)).abs()
    values = (values * 2).round() if ties else values
    assert torch.equal(upper_quantile(values, quantile), torch.quantile(values, quantile, dim=1))


def test_which_tensors_are_quantized() -> None:
    assert encoding_of("blocks.0.mlp.fc.weight", (1536, 512)) == "int"
    assert encoding_of("blocks.0.attn.c_k.weight", (256, 256)) == "fp16"  # 65,536 elements are not more than that
    assert encoding_of("tok_emb.weight", (1024, 512)) == "fp16"
    assert [encoding_of(f"blocks.0.{name}", (2, 512)) for name in ("resid_mix", "attn_scale")] == ["fp32", "fp32"]
