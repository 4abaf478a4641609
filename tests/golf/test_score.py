"""Scores against their closed forms."""

import math

import numpy as np
import pytest

from golf.score import Scores, bits_per_byte, nats_per_token_to_bpb


def test_bits_per_byte_of_uniform_bytes_is_eight() -> None:
    assert bits_per_byte(100 * math.log(256), 100) == pytest.approx(8.0, rel=1e-15)


def test_the_margin_in_bpb_matches_the_challenges() -> None:
    # 1.69 nats a token per BPB with 1,024 pieces, 2.59 with 8,192: 0.005 nats are 0.0030 and 0.0019 BPB.
    assert round(nats_per_token_to_bpb(0.005, 1_000, round(1_000 * 1.69 / math.log(2))), 4) == 0.0030


def test_sums_are_taken_in_float64() -> None:
    nll = np.full(3_000_000, 0.1, np.float32)
    scores = Scores(token_nll=(nll, nll[:1]), adapted=np.array([True, False]), counted_pass=np.zeros(2, np.int32))
    assert scores.nll[0] == pytest.approx(float(np.float32(0.1)) * 3_000_000, rel=1e-12)
    assert scores.tokens.tolist() == [3_000_000, 1]
    assert scores.nll_per_token == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_no_scores_have_no_mean() -> None:
    nothing = Scores(token_nll=(), adapted=np.array([], bool), counted_pass=np.array([], np.int32))
    assert math.isnan(nothing.nll_per_token)


def test_wrong_shapes_and_values_are_errors() -> None:
    none, one = np.zeros(0, np.int32), np.zeros(1, np.int32)
    with pytest.raises(ValueError, match=r"1 documents .* adapted"):
        Scores(token_nll=(np.zeros(2, np.float32),), adapted=none.astype(bool), counted_pass=one)
    with pytest.raises(ValueError, match=r"1 documents .* counted_pass"):
        Scores(token_nll=(np.zeros(2, np.float32),), adapted=one.astype(bool), counted_pass=none)
    with pytest.raises(ValueError, match="expected one finite number"):
        Scores(token_nll=(np.array([np.nan], np.float32),), adapted=one.astype(bool), counted_pass=one)
    with pytest.raises(ValueError, match="at least one"):
        bits_per_byte(1.0, 0)
