"""An attempt on its slots: its progress, and when it has been silent for too long."""

import pytest

from cluster.policy.policy import Placement
from cluster.scheduling.state.running import Running
from jobs.events import Failure
from tests.cluster.scheduling.test_placing import job

START, SILENCE = 300.0, 900.0


def running(*tasks: str) -> Running:
    """An attempt whose tasks were started at 1000 s."""
    made = Running(job(1, 2), 1, Placement(key="1", node="n", slots=(0, 1)), 1000.0)
    for task in tasks:
        made.open(task, 1000.0)
    return made


@pytest.mark.parametrize(
    ("now", "failure"), [(1300.0, None), (1300.1, Failure.UNFIT), (2005.0, Failure.UNFIT), (2905.1, Failure.UNFIT)]
)
def test_a_task_has_so_long_to_begin(now: float, failure: Failure | None) -> None:
    overdue = running("a").overdue(now, start=START, silence=SILENCE)
    assert (overdue.failure if overdue else None) == failure


def test_a_task_that_has_begun_may_be_silent_for_longer_but_not_for_ever() -> None:
    attempt = running("a")
    attempt.note_report("a", 1250.0)
    assert attempt.overdue(2150.0, start=START, silence=SILENCE) is None
    overdue = attempt.overdue(2150.1, start=START, silence=SILENCE)
    assert overdue is not None
    assert (overdue.failure, overdue.reason) == (Failure.HANG, "no message from its worker for 900 s")


def test_the_quietest_of_several_tasks_counts_and_one_that_has_ended_does_not() -> None:
    attempt = running("a", "b")
    attempt.note_report("a", 1290.0)
    overdue = attempt.overdue(1301.0, start=START, silence=SILENCE)
    assert overdue is not None and overdue.failure == Failure.UNFIT, "b has not begun"
    attempt.note_report("b", 1299.0)
    attempt.open_tasks.discard("a")
    assert attempt.overdue(2199.0, start=START, silence=SILENCE) is None


def test_an_attempt_is_as_far_as_its_tasks_on_average_and_costs_all_its_slots() -> None:
    attempt = running("a", "b")
    attempt.fractions["a"] = 0.5
    assert attempt.fraction == 0.25
    assert attempt.hours(1000.0 + 1800) == 1.0
