"""The arithmetic of budgets: exact values, and that no order of reserving and settling spends beyond the limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.budget import Account, Budget, reservation

NOTHING = Account(spent=0.0, reserved=0.0)


def test_of_hours_and_dollars_whichever_buys_less_is_the_limit() -> None:
    assert Budget(gpu_hours=2.0).hours == 2.0
    assert Budget(gpu_hours=2.0, dollars=3.0, dollars_per_gpu_hour=3.0).hours == 1.0
    assert Budget(gpu_hours=2.0, dollars=30.0, dollars_per_gpu_hour=3.0).hours == 2.0
    assert Budget(gpu_hours=2.0, dollars=3.0, dollars_per_gpu_hour=0.0).hours == 2.0
    assert Budget().hours is None


def test_what_is_set_aside_for_others_is_not_left() -> None:
    budget = Budget(gpu_hours=10.0)
    assert reservation(budget, Account(spent=3.0, reserved=4.0), 2, 5400.0, 0.0) == 3.0
    refusal = reservation(budget, Account(spent=3.0, reserved=4.1), 2, 5400.0, 0.0)
    assert isinstance(refusal, str)
    assert "needs 3 GPU-hours; of budget.gpu_hours = 10 3 GPU-hours are spent and 4.1 set aside" in refusal


def test_for_a_job_of_unknown_cost_all_that_is_left_is_set_aside() -> None:
    assert reservation(Budget(gpu_hours=10.0), Account(spent=3.0, reserved=4.0), 8, None, 0.0) == 3.0
    assert isinstance(reservation(Budget(gpu_hours=10.0), Account(spent=10.0, reserved=0.0), 8, None, 0.0), str)
    assert reservation(Budget(), NOTHING, 8, None, 0.0) == 0.0


def test_nothing_starts_that_would_not_have_ended_by_the_deadline() -> None:
    budget = Budget(deadline=100.0)
    assert reservation(budget, NOTHING, 1, 9.0, 90.0) == pytest.approx(9 / 3600)
    assert "deadline, 1970-01-01T00:01+00:00 (takes about 11 s)" in str(reservation(budget, NOTHING, 1, 11.0, 90.0))
    assert "deadline" in str(reservation(budget, NOTHING, 1, None, 101.0))


@given(st.floats(1, 1000), st.lists(st.tuples(st.floats(0, 1e6), st.booleans()), max_size=30))
def test_attempts_that_take_no_longer_than_was_set_aside_never_exceed_the_limit(
    limit: float, wanted: list[tuple[float, bool]]
) -> None:
    budget, account, running = Budget(gpu_hours=limit), NOTHING, []
    for seconds, end_one in wanted:
        hours = reservation(budget, account, 1, seconds, 0.0)
        if isinstance(hours, float):
            running.append(hours)
            account = Account(spent=account.spent, reserved=account.reserved + hours)
        if end_one and running:
            done = running.pop(0)
            account = Account(spent=account.spent + done, reserved=account.reserved - done)
        assert account.spent + account.reserved <= limit * (1 + 1e-9)
