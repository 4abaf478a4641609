"""Which findings an entry's size, time, coverage and seeds make, and which findings flag."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.limits import LIMIT_BYTES
from sweeps.board.rules import (
    MARGIN_NATS,
    UNAUDITED_CODE,
    Measurements,
    Profile,
    RuleFinding,
    choose_track,
    judge_measurements,
)

WITHIN: dict[str, Any] = {
    "total_bytes": LIMIT_BYTES, "train_seconds": 600.0, "eval_seconds": 600.0, "whole_set": True, "fresh_seeds": True,
}  # fmt: skip
NOTED: dict[Profile, set[str]] = {"accepted": {"length", "resumed", "time-last-step"}, "strict": {"resumed"}}
CODES = (
    "C1", "C2", "C3", "C4", "bytes", "length", "cross-document", "nondeterminism", "size", "time", "coverage",
    "seeds", "resumed", "time-last-step", "unaudited", "something new",
)  # fmt: skip


def test_the_challenges_numbers() -> None:
    assert LIMIT_BYTES == 16_000_000
    assert MARGIN_NATS == 0.005


def test_a_limit_may_be_reached() -> None:
    assert judge_measurements(Measurements(**WITHIN)) == []


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"total_bytes": 16_000_001}, "size", "16,000,001 bytes, over 16,000,000"),
        ({"train_seconds": 600.2}, "time-last-step", "training took 600.2 s, over 600 s"),
        ({"train_seconds": 601.1}, "time", "training took 601.1 s, over 600 s"),
        ({"eval_seconds": 600.2}, "time", "evaluation took 600.2 s, over 600 s"),
        ({"eval_seconds": 700.0}, "time", "evaluation took 700.0 s, over 600 s"),
        ({"whole_set": False}, "coverage", "part of the validation set"),
        ({"fresh_seeds": False}, "seeds", "tuned on"),
    ],
)
def test_one_step_over_is_found_and_measured(changes: dict[str, Any], code: str, words: str) -> None:
    [finding] = judge_measurements(Measurements(**WITHIN | changes))
    assert finding.code == code
    assert words in finding.detail


def test_everything_that_is_wrong_is_named() -> None:
    wrong = {
        "total_bytes": 2 * LIMIT_BYTES, "train_seconds": 602.0, "eval_seconds": 601.0, "whole_set": False,
        "fresh_seeds": False,
    }  # fmt: skip
    codes = [finding.code for finding in judge_measurements(Measurements(**WITHIN | wrong))]
    assert codes == ["size", "time", "time", "coverage", "seeds"]


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(CODES)), st.sampled_from(["accepted", "strict"]))
def test_an_entry_is_legal_if_it_was_judged_and_has_only_notes(codes: list[str], profile: Profile) -> None:
    findings = [RuleFinding(code=code, detail="") for code in codes]
    against = set(codes) - NOTED[profile]
    expected = "legal" if not against else "unverified" if against == {UNAUDITED_CODE} else "flagged"
    assert choose_track(findings, profile) == expected
