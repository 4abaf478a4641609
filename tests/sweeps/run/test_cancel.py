"""Cancelling, and what a driver and a second run make of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from jobs.spec import Job
from jobs.state import AttemptState, JobState, SweepState
from jobs.store import Store
from jobs.store.work.needs import TrialKeys
from sweeps.run.cancel import cancel
from tests.sweeps.made_up_world import SEARCH, World, spec_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


@pytest.fixture
def searching(store: Store) -> World:
    """A sweep in the middle of its search."""
    world = World(spec_of(), store)
    while not any(job.order.label.startswith("trial ") for job, _ in world.running):
        world.look()
        world.work()
    return world


def acknowledge(store: Store) -> Any:
    """A scheduler that ends what was cancelled as soon as somebody waits for it."""
    return lambda seconds: store.confirm_ended(store.cancelled("worker"))


def test_a_cancelled_sweep_ends_and_its_search_is_told_nothing(searching: World, store: Store) -> None:
    name, before = searching.spec.name, searching.trials()
    outcome = cancel(name, None, store, sleep=acknowledge(store))
    running = {job.key for job, _ in searching.running}
    assert set(outcome.of(JobState.RUNNING)) == running
    ran, waited = len(running), len(outcome.of(JobState.QUEUED))
    assert waited > 1
    assert outcome.message == (
        f"sweep {name}: cancelled {ran} jobs that ran and {waited} jobs that waited; none of their processes is left"
    )
    snapshot = searching.look()
    assert (snapshot.done, snapshot.ended) == (False, "cancelled: cancelled by a user")
    assert searching.trials() == before
    assert not store.jobs(states=[JobState.QUEUED, JobState.RUNNING])
    for job, attempt in searching.running:
        assert store.attempts(job.key)[attempt - 1].state == AttemptState.CANCELLED


def test_the_same_command_goes_on_after_a_sweep_was_cancelled(searching: World, store: Store) -> None:
    undisturbed = World(spec_of(), Store.empty())
    undisturbed.play()
    cancel(searching.spec.name, None, store, sleep=acknowledge(store))
    searching.running.clear()
    store.put_sweep(searching.spec.name, searching.sweep.to_json())
    searching.driver = searching.sweep.driver(store)
    searching.play()
    assert searching.result() == undisturbed.result()


def test_a_cancelled_trial_is_one_that_failed_and_stays_so(searching: World, store: Store) -> None:
    [job, *_] = [job for job, _ in searching.running if job.order.label.startswith("trial ")]
    number = int(job.order.label.split()[1])
    outcome = cancel(searching.spec.name, str(number), store, sleep=acknowledge(store))
    assert list(outcome.before) == [job.key]
    searching.running = [running for running in searching.running if running[0].key != job.key]
    searching.look()
    assert searching.trials()[number].state == "failed"
    searching.driver = searching.sweep.driver(store)
    assert searching.play().done
    job_now = store.job(job.key)
    assert job_now is not None
    assert job_now.state == JobState.CANCELLED


MUON: dict[str, Any] = {"train.muon_lr": [0.01, 0.02]}


def training(store: Store, first: list[float]) -> World:
    """A sweep whose trials train, the first of them as `first` says; all trainings are running."""
    given = [{"train": {"muon_lr": lr}} for lr in first]
    search = {**SEARCH, "space": MUON, "first": given, "trials": 3, "promote": None}
    world = World(spec_of(search=search, arm=[]), store)
    world.look()
    store.beat("worker")
    for job in store.claim("worker", 8):
        facts: dict[str, Any] = {"host": "here", "workdir": "/", "versions": {}, "commit": None}
        world.running.append((job, store.start_attempt(job.key, "worker", **facts)))
    return world


def open_labels(store: Store) -> set[str]:
    return {job.order.label for job in store.jobs(states=[JobState.QUEUED, JobState.RUNNING])}


def test_cancelling_a_trial_ends_what_it_is_training(store: Store) -> None:
    world = training(store, [0.01, 0.02, 0.02])
    [job] = [job for job in store.jobs() if job.needed_by == {"trial 0": 0}]
    assert job.order.label == "train trial 0 seed 1"
    assert job.state == JobState.RUNNING
    assert cancel(world.spec.name, "0", store, sleep=acknowledge(store)).of(JobState.RUNNING) == [job.key]
    world.running = [running for running in world.running if running[0].key != job.key]
    assert world.play().done
    assert [trial.state for trial in world.trials().values()] == ["failed", "complete", "complete"]


def test_what_another_trial_trains_as_well_goes_on(store: Store) -> None:
    world = training(store, [0.01, 0.02, 0.02])
    [shared] = [job for job in store.jobs() if len(job.needed_by) == 2]
    assert shared.order.label == "train seed 1"
    outcome = cancel(world.spec.name, "trial 1", store, sleep=acknowledge(store))
    assert not outcome.before
    assert outcome.message == (
        f"{world.spec.name}: trial 1: nothing to cancel: none of its own jobs is open; "
        f"{shared.key[:12]} goes on: another entry or trial of the sweep needs it"
    )
    assert "train seed 1" in open_labels(store)


def test_what_a_driver_requests_meanwhile_is_cancelled_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training ends and the driver looks, just after somebody who cancels its trial has read the sweep's jobs."""
    world = training(store, [0.01, 0.02, 0.02])
    [index] = [index for index, (job, _) in enumerate(world.running) if job.needed_by == {"trial 0": 0}]
    keys_of_trial = store.keys_of_trial

    def end_training_first(sweep: str, number: int) -> TrialKeys | None:
        monkeypatch.setattr(world.chance, "randrange", lambda most: index)
        world.work()
        world.look()
        return keys_of_trial(sweep, number)

    monkeypatch.setattr(store, "keys_of_trial", end_training_first)
    outcome = cancel(world.spec.name, "0", store, sleep=acknowledge(store))
    [quantization] = [job for job in store.jobs() if job.order.label == "quantize trial 0 seed 1"]
    assert outcome.before == {quantization.key: JobState.QUEUED}
    assert quantization.state == JobState.CANCELLED


def test_a_trial_that_waits_for_what_all_share_has_nothing_to_cancel(store: Store) -> None:
    world = World(spec_of(), store)
    world.look()
    outcome = cancel(world.spec.name, "0", store, sleep=acknowledge(store))
    assert (outcome.before, outcome.ending) == ({}, [])
    assert outcome.message == f"{world.spec.name}: 0: nothing to cancel: it has no job of its own yet"
    assert "train seed 1" in open_labels(store)


def test_what_failed_is_asked_for_again_but_for_evaluations_that_a_search_was_told_of(store: Store) -> None:
    def fails(job: Job) -> bool:
        return job.stage == "quantize" or (job.stage == "eval" and job.settings["documents"]["split"] == "tune")

    for kind, retried in (("quantize", True), ("eval", False)):
        world = World(spec_of(name=kind), store, fails=lambda job, kind=kind: fails(job) and job.stage == kind)
        world.play()
        failed = store.jobs(sweep=kind, states=[JobState.FAILED])
        assert failed
        world.driver = world.sweep.driver(store)
        world.look()
        assert bool(store.jobs(sweep=kind, states=[JobState.FAILED])) is not retried


def test_a_job_is_cancelled_by_the_first_digits_of_its_key(searching: World, store: Store) -> None:
    [(job, _), *_] = searching.running
    assert cancel(searching.spec.name, job.key[:10], store, sleep=acknowledge(store)).of(JobState.RUNNING) == [job.key]


def test_a_scheduler_that_does_not_end_it_is_named(searching: World, store: Store) -> None:
    waits: list[float] = []
    outcome = cancel(searching.spec.name, None, store, sleep=waits.append)
    assert outcome.ending
    assert "has not ended its processes yet; golfsweep status shows when it has" in outcome.message
    assert sum(waits) == pytest.approx(60.0)
    sweep = store.sweep(searching.spec.name)
    assert sweep is not None
    assert sweep.state == SweepState.CANCELLED


@pytest.mark.parametrize("what", ["99", "trial 99", "ffffffffff", "xyz"])
def test_what_the_sweep_does_not_have_is_named(searching: World, store: Store, what: str) -> None:
    with pytest.raises(InputError, match=f'has no trial or job "{what}"'):
        cancel(searching.spec.name, what, store)


def test_what_is_cancelled_or_done_already_is_left_as_it_is(searching: World, store: Store) -> None:
    name = searching.spec.name
    cancel(name, None, store, sleep=acknowledge(store))
    events = len(store.events())
    [done, *_] = store.jobs(sweep=name, states=[JobState.DONE])
    assert cancel(name, None, store).message == f"sweep {name}: already cancelled: nothing to cancel"
    outcome = cancel(name, done.key[:12], store)
    assert outcome.message == f"{name}: {done.key[:12]}: already done: nothing to cancel"
    assert outcome.to_json(name) == {
        "sweep": name, "cancelled": [], "running": [], "waiting": [], "finished": {done.key: "done"},
        "continuing": [], "ended": True, "message": outcome.message,
    }  # fmt: skip
    assert len(store.events()) == events


def test_a_finished_trial_has_nothing_to_cancel(store: Store) -> None:
    world = World(spec_of(), store)
    world.play()
    before = [job.state for job in store.jobs()]
    assert cancel(world.spec.name, "0", store).message == f"{world.spec.name}: 0: already done: nothing to cancel"
    assert [job.state for job in store.jobs()] == before


def test_what_another_sweep_needs_goes_on(store: Store) -> None:
    worlds = [World(spec_of(name=name), store) for name in ("a", "b")]
    for world in worlds:
        world.look()
    keys = [job.key for job in store.jobs(sweep="a")]
    outcome = cancel("a", None, store, sleep=acknowledge(store))
    assert set(outcome.continuing) == set(keys)
    listed = ", ".join(key[:12] for key in outcome.continuing)
    go = "goes" if len(keys) == 1 else "go"
    assert outcome.message == f"sweep a: cancelled, no job had to end; {listed} {go} on: another sweep needs it"
    assert {job.state for job in store.jobs(sweep="b")} == {JobState.QUEUED}


def test_a_second_cancel_waits_for_processes_that_the_first_left(searching: World, store: Store) -> None:
    name = searching.spec.name
    assert cancel(name, None, store, sleep=lambda seconds: None).ending
    assert not cancel(name, None, store, sleep=acknowledge(store)).ending
