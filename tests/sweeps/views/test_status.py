"""What status and show say: who drives a sweep, what runs and waits, failures with the last lines of the log."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.policy.retry import judge
from jobs.budget import Budget
from jobs.database import tables
from jobs.events import Failure
from jobs.files import FileStore
from jobs.machine.host import identity
from jobs.paths import Home
from jobs.state import JobState, SweepState
from jobs.store import JobRecord, NodeRecord, Store
from jobs.store.transactions import write_row
from jobs.workplace import Workplace
from sweeps.views.show import describe
from sweeps.views.status import lines, quarantined, state_of
from tests.jobs.stores import DONE, FACTS, Clock, order

LOG = "\n".join(f"line {number}" for number in range(20))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    home = Home(tmp_path)
    store = Store.open(home.database_url)
    store.put_sweep("s", {"file": {}}, Budget(gpu_hours=2.0))
    store.beat("a", "cluster", 8, 8)
    drive(store, "s")
    yield Workplace(home=home, store=store, files=FileStore(home.files))
    store.close()


def drive(store: Store, sweep: str) -> None:
    """Have this process hold the driver's lease on a sweep."""
    now = store._clock()
    row = {"sweep": sweep, "name": "driver", "host": identity(), "pid": os.getpid(), "cluster": "cluster"}
    times = {"since": now, "heartbeat": now, "beat": store._ticks()}
    with store._write() as connection:
        write_row(connection, tables.drivers, {"sweep": sweep}, row | times)


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
    failed = place.store.job(key)
    assert failed is not None
    return failed


def shown(place: Workplace) -> str:
    sweep = place.store.sweep("s")
    assert sweep is not None
    return "\n".join(lines(state_of(sweep, place.store)))


def test_a_failed_job_is_explained_with_its_last_words(place: Workplace) -> None:
    job = fail(place, Failure.HANG, "no step for 300 s", times=3)
    assert job.state == JobState.FAILED
    text = shown(place)
    assert f"seed 1 ({job.key[:12]}) failed: hang: no step for 300 s" in text
    assert "failed after 3 attempts, the last on here: it made no progress for too long" in text
    assert "    | line 15\n    | line 16\n    | line 17\n    | line 18\n    | line 19" in text
    assert "line 14" not in text
    described = describe(job.key, place)
    assert "it made no progress" in described["explanation"]
    assert described["attempts"][-1]["log"] == LOG


@pytest.mark.parametrize("failure", list(Failure))
def test_every_failure_is_explained_while_it_is_tried_again_and_after(place: Workplace, failure: Failure) -> None:
    job = fail(place, failure, "what it said")
    text = shown(place)
    if job.state == JobState.QUEUED:
        assert f"seed 1 waits: retried after 1 attempt, the last on here: {failure}: what it said; " in text
    else:
        assert f"failed: {failure}: what it said" in text


def test_a_sweep_runs_only_as_long_as_its_driver_lives(tmp_path: Path) -> None:
    clock = Clock()
    store = Store.open(f"sqlite:///{tmp_path}/clock.db", clock)
    store.put_sweep("s", {"file": {}}, Budget(dollars=9.0, dollars_per_gpu_hour=3.0, deadline=clock.now + 9000))
    store.beat("a", "cluster", 8, 8)
    key = store.put_job(order(1)).key
    store.claim("a", 1)
    store.start_attempt(key, "a", sweep="s", slots=2, **FACTS)
    drive(store, "s")
    alive = "\n".join(lines(state_of(store.sweeps()[0], store)))
    assert alive.startswith("s: running; 1 running")
    assert f"  driven by process {os.getpid()} on {identity()}, which also schedules 8 slots" in alive
    clock.now += 3600
    store.beat("other", "another cluster", 8, 8)  # one that has nothing to do with this sweep
    shown = state_of(store.sweeps()[0], store)
    assert (shown["state"], shown["driver"], shown["scheduler"]) == ("stopped", None, None)
    dead = "\n".join(lines(shown))
    assert dead.startswith("s: stopped (not running; resume with golfsweep run FILE); 1 running")
    assert "starting  (not running: its scheduler has stopped)" in dead
    store.beat("b")
    store.claim("b", 1)
    store.start_attempt(key, "b", sweep="s", slots=2, **FACTS)
    assert state_of(store.sweeps()[0], store)["scheduler"]["name"] == "b"
    clock.now += 1800
    store.beat("b")
    store.finish(key, 2, {}, **DONE | {"seconds": 1800.0})
    assert "1.00 GPU-hours; $3.00 of $9.00; deadline 1970-01-12T16:16+00:00" in "\n".join(
        lines(state_of(store.sweeps()[0], store))
    )
    store.close()


def test_a_driver_may_use_the_scheduler_of_another_process(place: Workplace) -> None:
    place.store.forget_scheduler("a")
    state = state_of(place.store.sweeps()[0], place.store)
    assert "; no scheduler runs its cluster" in "\n".join(lines(state))
    elsewhere = {"host": "node-2", "pid": 7, "heartbeat": place.store._clock(), "slots": 16, "widest": 8}
    with place.store._write() as connection:
        write_row(connection, tables.schedulers, {"name": "far"}, elsewhere, cluster="cluster")
    state = state_of(place.store.sweeps()[0], place.store)
    assert "; scheduled by process 7 on node-2, 16 slots" in "\n".join(lines(state))


def test_jobs_are_counted_by_stage_and_say_what_needs_them(place: Workplace) -> None:
    running = replace(order(1), entry="trial 3", trial=3)
    train = order(2)
    train = replace(train, job=replace(train.job, stage="train"), slots=2, awaited=False)
    place.store.put_job(running)
    place.store.claim("a", 1)
    place.store.start_attempt(running.job.key, "a", **FACTS)
    place.store.put_job(train)
    state = state_of(place.store.sweeps()[0], place.store)
    assert state["stages"] == {
        "eval": {"queued": 0, "running": 1, "done": 0, "failed": 0, "cancelled": 0},
        "train": {"queued": 1, "running": 0, "done": 0, "failed": 0, "cancelled": 0},
    }
    assert state["jobs"] == {"queued": 1, "running": 1, "done": 0, "failed": 0, "cancelled": 0}
    [shown] = state["running"]
    assert (shown["stage"], shown["seed"], shown["row"], shown["trial"]) == ("eval", 1, "trial 3", 3)
    waits = {"key": train.job.key, "label": "seed 2", "reason": "waits for 2 slots", "retried": False}
    assert state["waiting"] == [waits]
    place.store.put_job(replace(running, entry="another"))
    shown = state_of(place.store.sweeps()[0], place.store)["running"][0]
    assert (shown["row"], shown["trial"]) == (None, None)
    assert json.loads(json.dumps(state)) == state


def test_nodes_that_get_no_work_are_named() -> None:
    good = NodeRecord(cluster="x", name="n", host="gpu-1", good=True, reason="", checked=1.0)
    bad = replace(good, host="gpu-2", good=False, reason="slow: 3.1 steps/s")
    assert list(quarantined([good, bad])) == [
        "node gpu-2 is quarantined: slow: 3.1 steps/s; golfsweep doctor checks it again"
    ]


def test_a_sweep_that_ended_early_says_why(place: Workplace) -> None:
    place.store.end_sweep("s", SweepState.OVER_BUDGET, "needs 3 GPU-hours")
    assert shown(place) == "s: over budget (needs 3 GPU-hours); no jobs yet\n  0.00 GPU-hours of 2"
    described = describe("s", place)
    stated = (described["state"], described["reason"], described["gpu_hours"])
    assert stated == ("over budget", "needs 3 GPU-hours", 0.0)


def test_a_cancelled_job_says_who_asks_for_it_again(place: Workplace) -> None:
    job = fail(place, Failure.LOST, "node gone")
    place.store.cancel_jobs("s", [job.key])
    assert "cancelled (cancelled by a user)" in describe(job.key, place)["explanation"]
