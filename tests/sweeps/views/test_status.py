"""What status and show say of failures: in plain words, with the last lines of the log."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.policy.retry import judge
from jobs.budget import Budget
from jobs.events import Failure
from jobs.files import FileStore
from jobs.paths import Home
from jobs.state import JobState, SweepState
from jobs.store import JobRecord, NodeRecord, Store
from jobs.workplace import Workplace
from sweeps.views.show import describe
from sweeps.views.status import lines, set_aside, state_of
from tests.jobs.stores import DONE, FACTS, Clock, order

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


def test_what_a_dead_scheduler_ran_does_not_look_alive(tmp_path: Path) -> None:
    clock = Clock()
    store = Store.open(f"sqlite:///{tmp_path}/clock.db", clock)
    store.put_sweep("s", {"file": {}}, Budget(dollars=9.0, dollars_per_gpu_hour=3.0, deadline=clock.now + 9000))
    store.beat("a")
    key = store.put_job(order(1)).key
    store.claim("a", 1)
    store.start_attempt(key, "a", sweep="s", slots=2, **FACTS)
    alive = "\n".join(lines(state_of(store.sweeps()[0], store)))
    assert "gone" not in alive
    clock.now += 3600
    dead = "\n".join(lines(state_of(store.sweeps()[0], store)))
    assert "nobody runs it now: its scheduler is gone; golfsweep run goes on with it" in dead
    assert "starting  (its scheduler is gone: it runs no more)" in dead
    store.beat("b")
    store.claim("b", 1)
    store.start_attempt(key, "b", sweep="s", slots=2, **FACTS)
    clock.now += 1800
    store.beat("b")
    store.finish(key, 2, {}, **DONE)
    assert "1.00 slot-hours; $3.00 of $9.00; deadline 1970-01-12T16:16+00:00" in "\n".join(
        lines(state_of(store.sweeps()[0], store))
    )
    store.close()


def test_nodes_that_get_no_work_are_named() -> None:
    good = NodeRecord(cluster="x", name="n", host="gpu-1", good=True, reason="", checked=1.0)
    bad = replace(good, host="gpu-2", good=False, reason="slow: 3.1 steps/s")
    assert list(set_aside([good, bad])) == [
        "node gpu-2 is set aside: slow: 3.1 steps/s; golfsweep doctor checks it again"
    ]


def test_a_sweep_that_ended_early_says_why(place: Workplace) -> None:
    place.store.end_sweep("s", SweepState.OVER_BUDGET, "needs 3 GPU-hours")
    assert shown(place) == "s: over budget (needs 3 GPU-hours); no jobs yet\n  0.00 slot-hours of 2"
    found = describe("s", place)
    assert (found["state"], found["reason"], found["gpu_hours"]) == ("over budget", "needs 3 GPU-hours", 0.0)


def test_a_cancelled_job_says_who_asks_for_it_again(place: Workplace) -> None:
    job = fail(place, Failure.LOST, "node gone")
    place.store.cancel_jobs("s", [job.key])
    assert "cancelled (cancelled by a user)" in describe(job.key, place)["explanation"]
