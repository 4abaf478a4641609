"""Recent use of a cluster against its closed form."""

import math

import pytest

from cluster.policy.fairness import AHEAD_SECONDS, HALF_LIFE_SECONDS, Usage


def test_use_halves_in_a_half_life_and_saturates_while_slots_are_held() -> None:
    usage = Usage()
    usage.advance(0.0)
    usage.hold("a", 3)
    assert usage.share("a") == 3 * AHEAD_SECONDS
    usage.advance(50 * HALF_LIFE_SECONDS)
    full = 3 * HALF_LIFE_SECONDS / math.log(2)
    assert usage.share("a") == pytest.approx(full + 3 * AHEAD_SECONDS)
    usage.hold("a", -3)
    usage.advance(51 * HALF_LIFE_SECONDS)
    assert usage.share("a") == pytest.approx(full / 2)


def test_use_does_not_depend_on_how_often_one_looks() -> None:
    often, once = Usage(), Usage()
    for usage in (often, once):
        usage.advance(0.0)
        usage.hold("a", 2)
    for step in range(1, 101):
        often.advance(36.0 * step)
    once.advance(3600.0)
    assert often.share("a") == pytest.approx(once.share("a"), rel=1e-9)


def test_a_sweep_that_has_used_nothing_lately_is_forgotten() -> None:
    usage = Usage()
    usage.advance(0.0)
    usage.hold("a", 1)
    usage.advance(10.0)
    usage.hold("a", -1)
    usage.advance(100 * HALF_LIFE_SECONDS)
    assert usage.share("a") == 0
    assert not usage._recent
