"""What a command waits for is said once, then from time to time."""

import threading

import pytest

from jobs.state import JobState
from jobs.store import JobRecord
from sweeps.driver.snapshot import Snapshot
from sweeps.run import waiting
from sweeps.run.waiting import HOW_TO_STOP, REMIND_SECONDS, SLOW_SECONDS, WaitNotice, say_if_slow
from tests.jobs.stores import Clock, order

NO_NODE = "No usable node; waiting."


def snapshot(*states: JobState, reason: str | None = None) -> Snapshot:
    jobs = tuple(
        JobRecord(
            key=str(number), order=order(number), state=state, reason=reason, created=0.0, failures=0, claimed_by=None,
            attempt=0, fraction=0.0, note="", checkpoint=None, outputs=None, finished=None, seconds=None,
        )
        for number, state in enumerate(states)
    )  # fmt: skip
    return Snapshot(phase="train", done=False, jobs=jobs, trials=0, trials_done=0, best=None, to_come={})


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notice(said: list[str], clock: Clock) -> WaitNotice:
    return WaitNotice(said.append, clock)


def test_a_wait_for_a_node_is_said_at_once_and_again_after_a_while(
    notice: WaitNotice, said: list[str], clock: Clock
) -> None:
    queued = snapshot(JobState.QUEUED)
    for _ in range(3):
        notice.update(NO_NODE, queued)
    assert said == [NO_NODE]
    clock.now += REMIND_SECONDS
    notice.update(NO_NODE, queued)
    assert said == [NO_NODE] * 2
    notice.update(None, snapshot(JobState.RUNNING))
    notice.update(NO_NODE, queued)
    assert said == [NO_NODE] * 3


def test_jobs_that_do_not_start_are_said_with_their_reason(notice: WaitNotice, said: list[str], clock: Clock) -> None:
    reason = "unfit node: node h: its 8 GPU are not free, or it is gone"
    waiting_jobs = snapshot(JobState.QUEUED, JobState.QUEUED, JobState.DONE, reason=reason)
    notice.update(None, waiting_jobs)
    clock.now += SLOW_SECONDS - 1
    notice.update(None, waiting_jobs)
    assert said == []
    clock.now += 1
    notice.update(None, waiting_jobs)
    assert said == [f"No job of this sweep runs: 2 wait for slots ({reason}). {HOW_TO_STOP}."]


def test_a_sweep_whose_jobs_run_waits_for_nothing(notice: WaitNotice, said: list[str], clock: Clock) -> None:
    for running in (True, False, True, False):
        notice.update(None, snapshot(JobState.QUEUED, JobState.RUNNING if running else JobState.QUEUED))
        clock.now += SLOW_SECONDS - 1
    clock.now += 10 * SLOW_SECONDS
    notice.update(None, snapshot(JobState.DONE))
    assert said == []


def test_only_a_slow_wait_is_said(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with say_if_slow(said.append, "Waiting for x"):
        pass
    assert said == []
    spoke = threading.Event()
    monkeypatch.setattr(waiting, "SLOW_SECONDS", 0.0)
    with say_if_slow(lambda text: (said.append(text), spoke.set())[0], "Waiting for x"):
        assert spoke.wait(30.0)
    assert said == [f"Waiting for x. {HOW_TO_STOP}."]
