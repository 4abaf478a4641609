"""What `[challenge]` in a sweep file must fit."""

from typing import Any

import pytest

from golf.errors import InputError
from sweeps.spec.file import SweepSpec, parse_sweep

CHALLENGE: dict[str, Any] = {
    "entry": "main/new", "against": "main/old", "gain": 0.01, "margin": 0.002, "analyses": [3, 5],
}  # fmt: skip
ARMS = [{"name": "new"}, {"name": "old", "baseline": True, "eval": {"lr": 0.02}}]


def parse(arm: list[dict[str, Any]] = ARMS, more: dict[str, Any] | None = None, **changes: Any) -> SweepSpec:
    file = {"name": "one", "data": {"tokens": "demo"}, "seeds": {"confirm": [1, 2, 3, 4, 5]}, "arm": arm}
    return parse_sweep({**file, "challenge": {**CHALLENGE, **changes}, **(more or {})}, "test")


def test_a_challenge_is_read() -> None:
    section = parse().challenge
    assert section is not None and section.analyses == (3, 5)
    assert parse([ARMS[0]], {"baseline": {"mean": 1.2}}).challenge is not None


@pytest.mark.parametrize(
    ("arm", "more", "changes", "problem"),
    [
        (ARMS, {}, {"analyses": [5, 3]}, "expected rising numbers of seeds"),
        (ARMS, {}, {"analyses": [3, 4]}, "the last of them the number of seeds.confirm, 5"),
        (ARMS, {}, {"analyses": []}, "challenge.analyses"),
        (ARMS, {}, {"gain": 0.002}, "challenge.gain = 0.002: expected more than challenge.margin = 0.002"),
        (ARMS[:1], {}, {}, "expected one arm beside the baseline"),
        ([*ARMS, {"name": "third"}], {}, {}, "expected one arm beside the baseline"),
        (ARMS, {"confirm": {"train_only": 2}}, {}, "leave out search and confirm.train_only"),
        ([{"name": "new", "seeds": [7, 8]}, ARMS[1]], {}, {}, "an arm has seeds of its own"),
    ],
)
def test_what_does_not_fit_is_refused(
    arm: list[dict[str, Any]], more: dict[str, Any], changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        parse(arm, more, **changes)
