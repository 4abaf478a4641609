"""What status and show say of failures: in plain words, with the last lines of the log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.retry import judge
from jobs.budget import Budget
from jobs.events import Failure
from jobs.files import FileStore
from jobs.paths import Home
from jobs.state import JobState, SweepState
from jobs.store import JobRecord, Store
from sweeps.session import Workplace
from sweeps.show import describe
from sweeps.status import lines, state_of
from tests.jobs.test_store import FACTS, order

LOG = "\n".join(f"line {number}" for number in range(20))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    home = Home(tmp_path)
    store = Store.open(home.database_url)
    store.put_sweep("s", {"file": {}}, Budget(gpu_hours=2.0))
    store.beat("a")
    yield Workplace(home=home, store=store, files=FileStore(home.files))
    store.close()


def fail(place: Workplace, failure: Failure, reason: str, times: int = 1) -> JobRecord:
    """A job that has failed so many times in one way."""
    key = place.store.put_job(order(1)).key
    for number in range(times):
        place.store.claim("a", 1)
        attempt = place.store.start_attempt(key, "a", **FACTS)
        verdict = judge(failure, [failure] * number)
        place.store.fail(
            key, attempt, f"{failure}: {reason}", counted=verdict.counted, final=verdict.final, log=LOG, failure=failure
        )
    found = place.store.job(key)
    assert found is not None
    return found


def shown(place: Workplace) -> str:
    sweep = place.store.sweep("s")
    assert sweep is not None
    return "\n".join(lines(state_of(sweep, place.store)))


def test_a_failed_job_is_explained_with_its_last_words(place: Workplace) -> None:
    job = fail(place, Failure.HANG, "no step for 300 s", times=3)
    assert job.state == JobState.FAILED
    text = shown(place)
    assert f"seed 1 ({job.key[:12]}) failed: hang: no step for 300 s" in text
    assert "failed after 3 attempts, the last on here: it showed no advance for longer than its deadline" in text
    assert "    | line 15\n    | line 16\n    | line 17\n    | line 18\n    | line 19" in text
    assert "line 14" not in text
    found = describe(job.key, place)
    assert "it showed no advance" in found["explanation"]
    assert found["attempts"][-1]["log"] == LOG


@pytest.mark.parametrize("failure", list(Failure))
def test_every_failure_is_explained_while_it_is_tried_again_and_after(place: Workplace, failure: Failure) -> None:
    job = fail(place, failure, "what it said")
    text = shown(place)
    if job.state == JobState.QUEUED:
        assert f"seed 1 waits: tried again after 1 attempt, the last on here: {failure}: what it said; " in text
    else:
        assert f"failed: {failure}: what it said" in text


def test_a_sweep_that_ended_early_says_why(place: Workplace) -> None:
    place.store.end_sweep("s", SweepState.OVER_BUDGET, "needs 3 GPU-hours")
    assert shown(place) == "s: over budget (needs 3 GPU-hours); no jobs yet"
    found = describe("s", place)
    assert (found["state"], found["reason"], found["gpu_hours"]) == ("over budget", "needs 3 GPU-hours", 0.0)


def test_a_cancelled_job_says_who_asks_for_it_again(place: Workplace) -> None:
    job = fail(place, Failure.LOST, "node gone")
    place.store.cancel_jobs("s", [job.key])
    assert "cancelled (cancelled by a user)" in describe(job.key, place)["explanation"]
