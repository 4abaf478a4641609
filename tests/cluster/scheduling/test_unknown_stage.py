"""A job of a stage that this version does not have: it fails with a reason, and nothing else suffers."""

from dataclasses import replace

from jobs.state import JobState
from tests.cluster.dictated import TRAINED, World
from tests.cluster.orders import Orders


def test_it_fails_at_once_with_one_clear_reason_beside_jobs_that_run(world: World, orders: Orders) -> None:
    known = orders.quantize(world.files.put(b"weights"))
    unknown = world.put(replace(known, job=replace(known.job, stage="distill")))
    key = world.put(orders.train())
    world.step()
    world.step(TRAINED)
    assert world.job(key).state == JobState.DONE
    world.step()
    record = world.job(unknown)
    assert record.state == JobState.FAILED
    assert record.reason is not None
    assert record.reason.startswith('bad configuration: stage "distill": this version of golfsweep has no such stage')
