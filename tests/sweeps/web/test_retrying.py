"""What the service queues again is what the command does, although the service loads no driver."""

from pathlib import Path

import pytest

from jobs.state import JobState
from jobs.store import Store
from sweeps.driver.sweep import Sweep
from sweeps.web.actions import deciding
from tests.sweeps.made_up_world import World, searching


@pytest.mark.parametrize("stage", ["eval", "quantize"])
def test_failed_jobs_are_needed_or_not_as_the_driver_says(tmp_path: Path, stage: str) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    world = World(searching(trials=8), store)
    world.fails = lambda job: job.stage == stage and int(job.key[:2], 16) % 3 == 0
    for _ in range(200):
        snapshot = world.look()
        if snapshot.done or not (world.running or store.jobs(states=[JobState.QUEUED])):
            break
        world.work()
    failed = {job.key for job in store.jobs("made-up", [JobState.FAILED])}
    record = store.sweep("made-up")
    assert record is not None and failed
    needed = Sweep.from_json(record.spec).driver(store, read_only=True).needed()
    queued = {job.key for job in deciding.retry_sweep("made-up", store)}
    assert queued == failed & needed
    assert {job.key for job in store.jobs("made-up", [JobState.QUEUED])} >= queued
    if stage == "eval":
        assert failed - needed, "some trials count as failed"
    store.close()
