"""Reservations as properties over drawn budgets, and what a refusal says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.budget import Account, Budget, reservation

HOURS = st.floats(0, 100)


@given(limit=st.floats(0.1, 100), spent=HOURS, reserved=HOURS, slots=st.integers(1, 8), seconds=HOURS)
def test_what_is_set_aside_never_goes_beyond_the_budget(
    limit: float, spent: float, reserved: float, slots: int, seconds: float
) -> None:
    budget, account = Budget(gpu_hours=limit), Account(spent=spent, reserved=reserved)
    for known in (seconds, None):
        hours = reservation(budget, account, slots, known, now=0.0)
        if isinstance(hours, float):
            assert hours + spent + reserved <= limit * (1 + 1e-12)
            assert known is None or hours == pytest.approx(slots * known / 3600)


def test_a_job_of_which_nothing_is_known_takes_all_that_is_left() -> None:
    budget = Budget(gpu_hours=10.0)
    assert reservation(budget, Account(spent=3.0, reserved=2.0), 8, None, now=0.0) == 5.0
    assert "all that is left" in str(reservation(budget, Account(spent=3.0, reserved=7.0), 8, None, now=0.0))


def test_a_refusal_names_the_limit_as_the_file_has_it() -> None:
    hours = reservation(
        Budget(gpu_hours=2.0, dollars=99.0, dollars_per_gpu_hour=1.0), Account(spent=1.5, reserved=0.25), 8, 600.0, 0.0
    )
    assert (
        hours
        == "needs 1.33 GPU-hours; of budget.gpu_hours = 2 1.5 GPU-hours are spent and 0.25 reserved for running jobs"
    )
    dollars = reservation(Budget(dollars=3.0, dollars_per_gpu_hour=3.0), Account(spent=1.0, reserved=0.0), 1, 60.0, 0.0)
    assert "budget.dollars = 3 (1 GPU-hours)" in str(dollars)


def test_nothing_starts_that_cannot_end_before_the_deadline() -> None:
    budget, free = Budget(deadline=1000.0), Account(spent=0.0, reserved=0.0)
    assert reservation(budget, free, 8, 300.0, now=600.0) == pytest.approx(8 * 300 / 3600)
    assert "before the deadline, 1970-01-01T00:16+00:00" in str(reservation(budget, free, 8, 300.0, now=800.0))
    assert reservation(budget, free, 8, None, now=999.0) == 0.0
    assert isinstance(reservation(budget, free, 8, None, now=1000.0), str)


def test_without_limits_only_the_price_counts() -> None:
    assert reservation(Budget(dollars_per_gpu_hour=3.0), Account(spent=1e9, reserved=0.0), 8, None, 0.0) == 0.0
    assert Budget(dollars_per_gpu_hour=3.0).cost(2.0) == 6.0
    assert Budget().cost(2.0) is None
