"""Entropy coding: lossless round trips, sizes near the entropy, and a ledger that adds up."""

import hashlib
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from golf.artifact.coder import Decoder, Encoder
from golf.artifact.entropy import code_floats, code_integers

PINNED = "4ec30b2f37d256d92e0c62bda59af3e1853f4ff10dd556fa7428ba01c705044e"
RANDOM = np.random.default_rng(5)


def coded(*parts: NDArray[Any], bits: int = 6) -> bytes:
    """The parts after one another; that they come back bit for bit is asserted here."""
    encoder = Encoder()
    for part in parts:
        code_integers(encoder, part, bits) if part.dtype == np.int8 else code_floats(encoder, part)
    content, spent = encoder.finish()
    assert sum(spent.values()) == len(content) or not spent
    decoder = Decoder(content)
    for part in parts:
        blank = np.zeros_like(part)
        found = code_integers(decoder, blank, bits) if part.dtype == np.int8 else code_floats(decoder, blank)
        assert found.dtype == part.dtype
        assert found.shape == part.shape
        assert found.tobytes() == part.tobytes()
    assert decoder.at_end()
    return content


@given(
    bits=st.integers(2, 8),
    shape=st.tuples(st.sampled_from([1, 31, 32, 60]), st.sampled_from([1, 31, 32, 60])),
    spread=st.sampled_from([0.0, 0.3, 5.0, 300.0]),
    seed=st.integers(0, 99),
)
def test_quantized_values_round_trip(bits: int, shape: tuple[int, int], spread: float, seed: int) -> None:
    largest = 2 ** (bits - 1) - 1
    values = np.random.default_rng(seed).normal(0, spread, shape)
    coded(np.clip(np.rint(values), -largest, largest).astype(np.int8), bits=bits)


@given(
    shapes=st.tuples(*[st.sampled_from([(), (1,), (9,), (2, 40), (40, 3), (33, 32), (0, 5)])] * 2),
    common=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_finite_floats_round_trip(shapes: tuple[tuple[int, ...], tuple[int, ...]], common: float, seed: int) -> None:
    """All bit patterns alike, −0 and subnormal numbers among them, and a share of one value."""
    random = np.random.default_rng(seed)
    half = random.integers(0, 2**16, shapes[0], np.uint16).view(np.float16)
    single = random.integers(0, 2**32, shapes[1], np.uint32).view(np.float32)
    for values in (half, single):
        values[~np.isfinite(values)] = -0.0
        values[random.random(values.shape) < common] = 1.0
    coded(half, single)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_similar_rows_round_trip_and_cost_less(dtype: type[Any]) -> None:
    drift = RANDOM.normal(0, 0.1, 64)
    seen, unseen = RANDOM.normal(0, 0.3, (100, 64)), drift + RANDOM.normal(0, 0.005, (100, 64))
    whole = coded(np.concatenate([seen, unseen]).astype(dtype))
    apart = len(coded(seen.astype(dtype))) + len(coded(unseen[:, RANDOM.permutation(64)].astype(dtype)))
    scattered = len(coded(np.concatenate([seen, RANDOM.permuted(unseen, axis=1)]).astype(dtype)))
    assert len(whole) < apart + 300
    # Known to 0.005 instead of 0.1: log2(20) = 4.3 bits a weight, of which the classes of rows save some anyway.
    assert (scattered - len(whole)) * 8 / unseen.size > 3


def test_a_source_without_structure_takes_its_entropy() -> None:
    values = np.clip(np.rint(RANDOM.normal(0, 5, (512, 512))), -31, 31).astype(np.int8)
    counts = np.unique(values, return_counts=True)[1]
    entropy = -(counts * np.log2(counts / values.size)).sum() / 8
    # Learning 40-odd frequencies costs about ½·log2(n) bits each: 50 bytes.
    assert entropy < len(coded(values)) < entropy + 200


@pytest.mark.parametrize("axis", [0, 1])
def test_scales_of_rows_or_columns_save_bytes(axis: int) -> None:
    """σ of 1 and 8 in turn: known, they cost the mean of the two entropies, log2(σ√(2πe)); the histogram costs more."""
    scale = np.where(np.arange(256) % 2, 1.0, 8.0)
    values = np.rint(RANDOM.normal(0, 1, (256, 256)) * np.expand_dims(scale, 1 - axis))
    values = np.clip(values, -31, 31).astype(np.int8)
    ideal = np.log2(np.sqrt(2 * np.pi * np.e) * np.array([1.0, 8.0])).mean() / 8 * values.size
    assert len(coded(values)) == pytest.approx(ideal, rel=0.02)


def test_pruned_and_constant_tensors_cost_next_to_nothing() -> None:
    ones, mixed = np.ones((2, 512), np.float32), np.stack([np.ones(512), np.zeros(512)]).astype(np.float32)
    assert len(coded(ones, mixed, np.full(2048, 1 / 31, np.float16))) < 200
    weights = RANDOM.normal(0, 1, (128, 128)).astype(np.float16)
    pruned = np.where(RANDOM.random(weights.shape) < 0.25, np.float16(0), weights)
    # A quarter of the weights for one bit of 0.81 (H(¼)) each instead of 13.5.
    saved = (len(coded(weights)) - len(coded(pruned))) * 8 / weights.size
    assert saved == pytest.approx(13.5 / 4 - 0.81, abs=0.1)


def test_matrices_of_zeros_cost_next_to_nothing_and_do_not_affect_others() -> None:
    normal = [np.rint(RANDOM.normal(0, 5, (128, 256))).clip(-31, 31).astype(np.int8) for _ in range(3)]
    zeros = np.zeros((256, 256), np.int8)
    apart = len(coded(*normal))
    assert len(coded(normal[0], zeros, normal[1], zeros, normal[2], zeros)) < apart + 250


def test_bytes_that_no_encoder_wrote_decode_to_something_in_range_and_end_wrongly() -> None:
    for seed in range(20):
        content = np.random.default_rng(seed).bytes(8000)
        decoder = Decoder(content)
        values = code_integers(decoder, np.zeros((40, 40), np.int8), 6)
        assert np.abs(values).max() <= 31
        floats = code_floats(decoder, np.zeros((40, 40), np.float16))
        assert floats.shape == (40, 40)
        assert not decoder.at_end()
    with pytest.raises(ValueError, match="multiple"):
        Decoder(b"abc")


def test_the_format_is_stable() -> None:
    """Files outlive the versions of the libraries that wrote them: the coded bytes are pinned."""
    integers = (np.arange(1600) * 7919 % 23 - 11).astype(np.int8).reshape(40, 40)
    floats = ((np.arange(1600) * 7919 % 997 - 498) / 512).astype(np.float16).reshape(40, 40)
    singles = ((np.arange(50) * 7919 % 31 - 7) / 16).astype(np.float32)
    assert hashlib.sha256(coded(integers, floats, singles)).hexdigest() == PINNED


def test_content_that_claims_all_rows_similar_is_rejected() -> None:
    encoder = Encoder()
    encoder.adaptive("common", np.array([0]), 2)
    encoder.adaptive("similar", np.array([1]), 2)
    encoder.adaptive("is similar", np.ones(40, np.int64), 2)
    with pytest.raises(ValueError, match="all rows"):
        code_floats(Decoder(encoder.finish()[0]), np.zeros((40, 40), np.float16))


def test_content_that_is_too_short_or_too_long_has_no_end_mark() -> None:
    values = np.rint(RANDOM.normal(0, 5, (40, 40))).astype(np.int8)
    content = coded(values)
    for damaged in (content + b"\1\0\0\0", b"\1\0\0\0" + content):
        decoder = Decoder(damaged)
        code_integers(decoder, np.zeros_like(values), 6)
        assert not decoder.at_end()
    for damaged in (b"", content[4:], content[:-4]):
        decoder = Decoder(damaged)
        with pytest.raises(ValueError, match="ends before its last weight"):
            code_integers(decoder, np.zeros_like(values), 6)


@pytest.mark.parametrize("word", [1, 2**23, 2**24 - 1, 2**32 - 1])
def test_an_exhausted_decoder_raises(word: int) -> None:
    """It stops at what it cannot know, and never takes memory for the weights that would follow."""
    decoder = Decoder(np.array([word], "<u4").tobytes())
    tracemalloc.start()
    with pytest.raises(ValueError, match="ends before its last weight"):
        code_integers(decoder, np.zeros((60_000, 512), np.int8), 6)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 33_000_000  # the zeros that it is given, 30.7 MB, and little else
