"""A new kind of work goes through driver, scheduler, both executors, plan and status, none of which knows of it."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.executor import Executor
from cluster.scheduling.scheduler import Scheduler
from jobs.spec import Job
from jobs.stages import registry
from jobs.state import JobState
from jobs.workplace import Workplace
from sweeps.driver.driver import Driver
from sweeps.driver.sweep import Sweep
from sweeps.planning.plan import plan
from sweeps.views.status import lines, state_of
from tests.sweeps.made_up_world import DATA, MACHINE, World, outputs_of, spec_of
from tests.toy_stage import WEIGH

ARMS = [{"name": "base", "baseline": True}, {"name": "small", "quantize": {"bits": 5}}]
SPEC = spec_of(search=None, confirm={"top": 0}, arm=ARMS)
PATIENCE_SECONDS = 120.0


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    monkeypatch.setattr(registry, "STAGES", (*registry.STAGES, WEIGH))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    opened = Workplace.open(tmp_path)
    yield opened
    opened.store.close()


def test_the_driver_orders_it_for_every_entry_on_its_first_seeds_artifact(place: Workplace) -> None:
    world = World(SPEC, place.store)
    assert world.look().to_come["weigh"] == 2
    last = world.play()
    weighed = [job.order for job in last.jobs if job.order.job.stage == "weigh"]
    assert sorted((order.label, order.entry, order.job.seed) for order in weighed) == [
        ("weigh base", "base", 3), ("weigh small", "small", 3),
    ]  # fmt: skip
    artifacts = {job.outputs["artifact"] for job in last.jobs if job.outputs and "artifact" in job.outputs}
    assert {order.job.inputs["artifact"] for order in weighed} <= artifacts
    assert world.driver.entry_jobs("weigh").keys() == world.driver.audits().keys() == {"base", "small"}


def test_a_stage_of_one_sweep_is_in_no_other(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "STAGES", tuple(stage for stage in registry.STAGES if stage is not WEIGH))
    mine = replace(SPEC, own_stages=(WEIGH,))
    assert [stage.name for stage in mine.pipeline()] == [*(stage.name for stage in SPEC.pipeline()), "weigh"]
    assert World(mine, place.store).look().to_come["weigh"] == 2
    assert "weigh" not in World(replace(SPEC, name="other"), place.store).look().to_come


def test_entries_that_share_an_artifact_share_its_job(place: Workplace) -> None:
    world = World(spec_of(search=None, confirm={"top": 0}), place.store)
    [shared] = [job for job in world.play().jobs if job.order.job.stage == "weigh"]
    assert (shared.needed_by, shared.order.label) == ({"base": None, "none": None}, "weigh seed 3")
    assert world.driver.entry_jobs("weigh").keys() == {"base", "none"}


def test_its_failure_is_that_of_no_entry_and_the_sweep_ends(place: Workplace) -> None:
    world = World(SPEC, place.store, fails=lambda job: job.stage == "weigh")
    assert {job.order.label for job in world.play().failures} == {"weigh base", "weigh small"}
    assert {entry for entry, _ in world.result()["rows"]} == {"base", "small"}


def test_a_plan_counts_it_and_learns_what_it_takes(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeps.planning.plan.document_lengths", lambda data, split: (400,) * 16)
    sweep = Sweep(spec=SPEC, data=DATA, machine=MACHINE)
    before = plan(sweep, place.store, nodes=1, slots=4, now=0.0).to_json()
    assert (before["stages"]["weigh"]["jobs"], before["stages"]["weigh"]["slot_hours"]) == (2, None)
    World(SPEC, place.store).play()
    others = spec_of(search=None, confirm={"top": 0}, name="others", seeds={"confirm": [8]}, arm=[{"name": "base"}])
    after = plan(Sweep(spec=others, data=DATA, machine=MACHINE), place.store, nodes=1, slots=4, now=0.0).to_json()
    assert (after["stages"]["weigh"]["jobs"], after["stages"]["weigh"]["slot_seconds_each"]) == (1, 1.0)


def test_both_executors_run_it_and_status_shows_it(place: Workplace, executor: Executor) -> None:
    sweep = Sweep(spec=SPEC, data=DATA, machine=executor.nodes()[0].machine)
    place.store.put_sweep(SPEC.name, sweep.to_json())
    driver = sweep.driver(place.store)
    finish_all_else(driver, place)
    [record] = place.store.sweeps()
    assert {job.order.label for job in place.store.jobs(states=[JobState.QUEUED])} == {"weigh base", "weigh small"}
    scheduler = Scheduler(place.store, place.files, executor, place.home)
    seen = set[str]()
    until = time.monotonic() + PATIENCE_SECONDS
    while not driver.step().done:
        assert time.monotonic() < until
        scheduler.step(0.05)
        seen |= {line.split("  ")[1] for line in lines(state_of(record, place.store)) if "%" in line}
    scheduler.stop()
    assert seen == {"weigh base", "weigh small"}
    artifacts = {chain.entry: artifact_of(chain.jobs["quantize"].order.job) for chain in driver.confirmed()[::-1]}
    weights = {entry: job.outputs["weight"] for entry, job in driver.entry_jobs("weigh").items() if job.outputs}
    assert weights == {entry: len(set(artifact)) for entry, artifact in artifacts.items()}
    assert Counter(job.order.job.stage for job in place.store.jobs())["weigh"] == 2


def artifact_of(job: Job) -> bytes:
    return f"artifact of {job.key[:7]}".encode()


def finish_all_else(driver: Driver, place: Workplace) -> None:
    """End all jobs but those of the new stage, with results that are made up."""

    def outputs(job: Job) -> dict[str, Any]:
        made = {"artifact": place.files.put(artifact_of(job))} if job.stage == "quantize" else {}
        return {**outputs_of(job), **made}

    place.store.beat("worker")
    while not all(job.order.job.stage == "weigh" for job in driver.step().jobs if job.state != JobState.DONE):
        for job in place.store.claim("worker", 100):
            if job.order.job.stage != "weigh":
                facts: dict[str, Any] = {"host": "here", "workdir": "/", "versions": {}, "commit": None}
                attempt = place.store.start_attempt(job.key, "worker", **facts)
                place.store.finish(job.key, attempt, outputs(job.order.job), seconds=1.0, peak_bytes=None)
    place.store.forget_scheduler("worker")
