"""What follows from failures: bounds of each kind and of all together, where to go next, and words for each."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.policy.retry import MAX_FAILURES, MAX_LOST, RULES, avoided, judge, strikes
from jobs.events import Failure

FAILURES = st.lists(st.sampled_from(list(Failure)), max_size=MAX_LOST + 5)


def attempts_until_final(failures: Sequence[Failure]) -> int | None:
    """How many attempts are made when they fail in this order; None if even the last is followed by another."""
    for number, failure in enumerate(failures):
        if judge(failure, failures[:number]).final:
            return number + 1
    return None


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        (Failure.LOST, 20),
        (Failure.DIED, 5),
        (Failure.UNFIT, None),
        (Failure.NOT_READY, 1),
        (Failure.CRASH, 3),
        (Failure.HANG, 3),
        (Failure.COLLECTIVE, 3),
        (Failure.HOST_MEMORY, 3),
        (Failure.GPU_MEMORY, 2),
        (Failure.DIVERGED, 2),
        (Failure.DISK_FULL, 2),
        (Failure.BAD_CONFIGURATION, 1),
        (Failure.OVER_TIME, 1),
        (Failure.TOO_LARGE, 1),
    ],
)
def test_each_failure_has_its_bound(failure: Failure, attempts: int | None) -> None:
    assert attempts_until_final([failure] * 30) == attempts


def test_every_failure_has_a_rule_in_words() -> None:
    assert RULES.keys() == set(Failure)
    assert all(rule.meaning and "\n" not in rule.meaning for rule in RULES.values())


@given(FAILURES)
def test_no_job_is_tried_for_ever_and_losses_are_nobodys_fault(failures: list[Failure]) -> None:
    faults = [failure for failure in failures if RULES[failure].counted]
    end = attempts_until_final(failures)
    if len(faults) >= MAX_FAILURES:
        assert end is not None
    assert judge(Failure.LOST, failures).counted is False
    # Losses of a node do not bring a job nearer to the bound of its own faults.
    assert judge(Failure.CRASH, failures).final == judge(Failure.CRASH, faults).final


def test_a_node_is_avoided_where_it_may_have_been_its_fault() -> None:
    assert avoided([("a", Failure.HANG), ("b", Failure.CRASH), ("c", Failure.LOST)]) == {"a", "c"}
    assert strikes(Failure.COLLECTIVE)
    assert not strikes(Failure.CRASH)
