"""A driver on a real store, whose jobs a made-up worker plays in any order: what is run, and what comes of it."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from jobs.spec import Job
from jobs.state import JobState
from jobs.store import JobRecord, Store
from sweeps.spec.file import SweepSpec
from tests.sweeps.made_up_world import (
    DATA,
    FILE,
    PROMOTED,
    SEARCH,
    SEARCHED,
    Fails,
    World,
    bpb_of,
    searching,
    spec_of,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds, each with a store of its own unless one is handed on."""
    stores: list[Store] = []

    def make(spec: SweepSpec, store: Store | None = None, **settings: Any) -> World:
        if store is None:
            store = Store.open(f"sqlite:///{tmp_path}/{len(stores)}.db")
            stores.append(store)
        return World(spec, store, **settings)

    yield make
    for store in stores:
        store.close()


Make = Callable[..., World]


@pytest.fixture(scope="module", autouse=True)
def early_model() -> Iterator[None]:
    """Let the sampler use its model of the results within the few trials that are played here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sweeps.search.samplers.optuna_sampler.STARTUP_TRIALS", 2)
        yield


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The whole sweep, played once without any mishap; tests only read it."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('played')}/store.db")
    here = World(spec_of(), store)
    here.play()
    yield here
    store.close()


def evaluations(jobs: list[JobRecord], split: str, count: int | None) -> list[Job]:
    kinds = [record.order.job for record in jobs if record.order.job.stage == "eval"]
    return [
        job
        for job in kinds
        if (job.settings["documents"]["split"], job.settings["documents"]["count"]) == (split, count)
    ]


def test_a_whole_sweep_trains_searches_promotes_and_confirms(played: World) -> None:
    here, snapshot = played, played.look()
    jobs = here.store.jobs()
    assert (snapshot.phase, snapshot.trials_done) == ("done", 8)
    assert snapshot.failures == []
    assert {job.state for job in jobs} == {JobState.DONE}
    assert dict(snapshot.to_come) == {"train": 0, "quantize": 0, "eval": 0, "audit": 0}

    kinds = Counter(job.order.job.stage for job in jobs)
    # Four seeds of one way to train; nothing that is tuned or compared here costs another gang.
    assert (kinds["train"], kinds["quantize"]) == (4, 4)
    searched = evaluations(jobs, "tune", SEARCHED)
    assert {job.seed for job in searched} == {1}
    lrs = {number: trial.parameters["eval.lr"] for number, trial in here.trials().items()}
    assert lrs[0] == 0.05
    assert Counter(job.settings["eval"]["lr"] for job in searched) == Counter(lrs.values())

    best = sorted(here.trials().values(), key=lambda trial: trial.value or 9)[:3]
    promoted = evaluations(jobs, "tune", PROMOTED)
    expected = {(trial.parameters["eval.lr"], seed) for trial in best for seed in (1, 2)}
    assert {(job.settings["eval"]["lr"], job.seed) for job in promoted} == expected
    assert len(promoted) == 6

    means = {
        trial.number: sum(bpb_of(job) for job in promoted if job.settings["eval"]["lr"] == lrs[trial.number])
        for trial in best
    }
    winner = min(means, key=lambda number: means[number])
    assert winner != best[0].number
    rows = here.result()["rows"]
    assert list(rows) == [("base", 3), ("base", 4), ("none", 3), (f"trial {winner}", 3), (f"trial {winner}", 4)]
    assert len(evaluations(jobs, "val", None)) == len(rows)
    for job in evaluations(jobs, "val", None):
        assert job.seed in (3, 4)
        assert job.inputs["tokens"] == DATA.val_digest


def audits(jobs: list[JobRecord]) -> dict[str, Job]:
    return {record.order.label: record.order.job for record in jobs if record.order.job.stage == "audit"}


def test_every_row_is_audited_on_its_first_seeds_artifact_and_shortly_on_the_others(played: World) -> None:
    jobs, result = played.store.jobs(), played.result()["rows"]
    rows = list(dict.fromkeys(row for row, _ in result))
    assert audits(jobs).keys() == {f"audit {row} seed {seed}" for row, seed in result}
    scored = {
        (json.dumps(evaluation.settings["eval"]), evaluation.seed): evaluation
        for evaluation in evaluations(jobs, "val", None)
    }
    seconds = played.spec.options["audit"]["seconds"]
    for job in audits(jobs).values():
        inputs = scored[json.dumps(job.settings["eval"]), job.seed].inputs
        assert job.inputs == {**inputs, "training": job.inputs["training"]}
        assert job.settings["seconds"] == (seconds if job.seed == 3 else seconds / 4)
    assert played.driver.audits().keys() == set(rows)
    further = {(row, seed) for row, audited in played.driver.further_audits().items() for seed in audited}
    assert further == {(row, seed) for row, seed in result if seed != 3}


def test_where_the_first_seed_fails_the_next_one_is_audited(world: Make) -> None:
    spec = spec_of(search=None, arm=[{"name": "base"}], confirm={"top": 0})
    here = world(spec, fails=lambda job: job.stage == "eval" and job.seed == 3)
    here.play()
    assert {job.seed for job in audits(here.store.jobs()).values()} == {4}


def test_a_row_whose_audit_fails_is_confirmed_and_not_audited(world: Make) -> None:
    here = world(spec_of(search=None, confirm={"top": 0}), fails=lambda job: job.stage == "audit")
    snapshot = here.play()
    assert {job.order.label for job in snapshot.failures} == {
        f"audit {name}" for name in ("base seed 3", "base seed 4", "none seed 3")
    }
    assert {row for row, _ in here.result()["rows"]} == {"base", "none"}
    assert here.driver.audits() == {}


def test_every_job_builds_on_what_came_of_the_one_before(played: World) -> None:
    here = played
    ended = [record.key for record in here.ended]
    by_output = {
        output: job for job in here.store.jobs() for output in (job.outputs or {}).values() if isinstance(output, str)
    }
    for job in here.store.jobs():
        name = {"quantize": "weights", "eval": "artifact", "audit": "artifact"}.get(job.order.job.stage)
        if name is not None:
            before = by_output[job.order.job.inputs[name]]
            assert before.order.job.seed == job.order.job.seed
            assert ended.index(before.key) < ended.index(job.key)


def test_each_job_is_run_once(world: Make) -> None:
    here = world(spec_of(), workers=8, fresh=True)
    here.play()
    assert len({job.key for job in here.ended}) == len(here.ended)
    assert all(len(here.store.attempts(job.key)) == 1 for job in here.store.jobs())


def fails_often(job: Job) -> bool:
    return job.stage == "eval" and (job.settings["eval"]["epochs"] == 2 or job.settings["eval"]["lr"] > 0.03)


@pytest.mark.parametrize("fails", [lambda job: False, fails_often], ids=["smoothly", "with failures"])
def test_order_of_completion_workers_and_lost_drivers_change_nothing(world: Make, fails: Fails) -> None:
    first = world(spec_of(), workers=1, fails=fails)
    first.play()
    for seed, workers in enumerate((2, 8)):
        other = world(spec_of(), workers=workers, fails=fails, fresh=True, chance=random.Random(seed))
        other.play()
        assert other.result() == first.result()


@pytest.mark.parametrize("left", [1, 9, 25])
def test_a_sweep_goes_on_wherever_it_was_left(world: Make, played: World, left: int) -> None:
    before = world(spec_of())
    for _ in range(left):
        before.look()
        before.work()
    before.store.release([job.key for job, _ in before.running])
    after = world(spec_of(), store=before.store)
    after.play()
    assert after.result() == played.result()
    assert not {job.key for job in before.ended} & {job.key for job in after.ended}


def test_the_first_look_orders_every_training_that_is_certain(world: Make) -> None:
    here = world(spec_of())
    jobs = here.look().jobs
    assert [job.order.job.stage for job in jobs] == ["train"] * 4
    assert {job.order.job.seed for job in jobs} == {1, 2, 3, 4}
    assert {job.order.slots for job in jobs} == {2}
    assert sorted(here.trials()) == [0, 1, 2]


def test_no_trial_is_asked_for_before_its_window(world: Make) -> None:
    here = world(spec_of(), workers=8, chance=random.Random(3))
    widest = 0
    while not here.look().done:
        trials = here.trials()
        running = [number for number, trial in trials.items() if trial.state == "running"]
        if running:
            assert max(trials) < min(running) + 3
            widest = max(widest, len(running))
        here.work()
    assert widest == 3


def test_search_jobs_come_before_evaluations_that_nothing_waits_for(world: Make) -> None:
    here = world(spec_of(priority=2), workers=1)
    while not (snapshot := here.look()).done:
        waiting = [job.order.job for job in snapshot.jobs if job.state == JobState.QUEUED]
        here.work()
        last = here.ended[-1].order.job
        if any(job.stage == "eval" and job.settings["documents"]["split"] == "tune" for job in waiting):
            assert last.stage not in ("eval", "audit") or last.settings["documents"]["split"] == "tune"
    assert {(job.order.priority, job.order.awaited) for job in snapshot.jobs} == {(2, False), (2, True)}


def test_failed_evaluations_are_failed_trials_and_are_never_promoted(world: Make) -> None:
    here = world(spec_of(), fails=fails_often)
    snapshot = here.play()
    for trial in here.trials().values():
        failed = trial.parameters["eval.epochs"] == 2 or trial.parameters["eval.lr"] > 0.03
        assert (trial.state, trial.value is None) == (("failed", True) if failed else ("complete", False))
    assert snapshot.trials_done == 8
    states = {trial.state for trial in here.trials().values()}
    assert states == {"failed", "complete"}
    assert len(snapshot.failures) == sum(trial.state == "failed" for trial in here.trials().values())
    assert all(job.settings["eval"]["epochs"] != 2 for job in evaluations(list(snapshot.jobs), "tune", PROMOTED))


def test_a_trial_that_fails_on_one_seed_of_its_promotion_is_not_chosen(world: Make, played: World) -> None:
    lost = next(row for row, _ in played.result()["rows"] if row.startswith("trial"))
    lr = played.trials()[int(lost.split()[1])].parameters["eval.lr"]

    def fails(job: Job) -> bool:
        return job.stage == "eval" and job.settings["eval"]["lr"] == lr and job.seed == 2

    here = world(spec_of(), fails=fails)
    assert here.play().done
    rows = {row for row, _ in here.result()["rows"] if row.startswith("trial")}
    assert lost not in rows
    assert len(rows) == 1


@pytest.mark.parametrize("kind", ["train", "quantize"])
def test_a_search_stands_still_where_what_all_its_trials_need_fails_and_goes_on(
    world: Make, played: World, kind: str
) -> None:
    here = world(spec_of(), fails=lambda job: job.stage == kind and job.seed == 1)
    snapshot = here.play()
    assert [job.order.label for job in snapshot.failures] == [f"{kind} seed 1"]
    assert snapshot.blocked == snapshot.failures[0]
    assert {trial.state for trial in here.trials().values()} == {"running"}
    assert snapshot.best is None
    assert {row for row, _ in here.result()["rows"]} == {"base", "none"}
    mended = world(spec_of(), store=here.store)
    assert mended.play().blocked is None
    assert mended.result() == played.result()


@pytest.mark.parametrize(("kind", "key", "bad", "good"), [("train", "ema_decay", 0.5, 0.9), ("quantize", "bits", 5, 6)])
def test_a_trial_whose_own_training_or_quantization_fails_has_failed_for_good(
    world: Make, kind: str, key: str, bad: float, good: float
) -> None:
    space = {f"{kind}.{key}": {"choices": [bad, good]}}
    spec = searching(space=space, first=[], sampler="grid", trials=2, promote=None)

    def fails(job: Job) -> bool:
        return job.stage == kind and job.settings[kind][key] == bad

    snapshot = (here := world(spec, fails=fails)).play()
    assert snapshot.blocked is None
    assert Counter(trial.state for trial in here.trials().values()) == {"failed": 1, "complete": 1}
    attempts = {job.key: len(here.store.attempts(job.key)) for job in here.store.jobs()}
    world(spec, store=here.store, fails=fails).play()
    assert {job.key: len(here.store.attempts(job.key)) for job in here.store.jobs()} == attempts


@pytest.mark.parametrize("kind", ["train", "quantize", "eval"])
def test_a_seed_that_fails_to_confirm_is_missing_from_its_rows(world: Make, kind: str) -> None:
    spec = spec_of(search=None, arm=[{"name": "base"}], confirm={"top": 0})
    here = world(spec, fails=lambda job: job.stage == kind and job.seed == 4)
    snapshot = here.play()
    assert len(snapshot.failures) == 1
    assert dict(snapshot.to_come) == {"train": 0, "quantize": 0, "eval": 0, "audit": 0}
    assert list(here.result()["rows"]) == [("base", 3)]


def test_what_the_file_has_no_use_for_any_more_is_obsolete(world: Make) -> None:
    before = world(spec_of(), fails=lambda job: job.stage == "audit" or fails_often(job))
    assert before.play().failures
    # Jobs that failed and are asked for again, or were told to the search, are of use.
    assert before.driver.obsolete() == []
    without = world(spec_of(arm=[{"name": "base", "baseline": True}]), store=before.store)
    obsolete = {job.order.label for job in before.store.jobs() if job.key in without.driver.obsolete()}
    assert obsolete == {"audit none seed 3"}
    other = world(spec_of(recipe={"train": {"gpus": 2, "steps": 8}}), store=before.store)
    unfinished = {job.key for job in before.store.jobs() if job.state != JobState.DONE}
    assert set(other.driver.obsolete()) == unfinished


@pytest.mark.parametrize("left", [1, 9, 25])
def test_what_is_open_is_of_use_to_the_same_file(world: Make, left: int) -> None:
    here = world(spec_of())
    for _ in range(left):
        here.look()
        here.work()
    here.look()
    assert here.store.jobs(states=[JobState.QUEUED, JobState.RUNNING])
    assert here.driver.obsolete() == []


REPORTED: dict[str, Any] = {"seeds": {**FILE["seeds"], "report": [7, 8]}, "confirm": {"top": 2}}


def test_the_best_confirmed_trial_is_measured_once_more_on_seeds_that_chose_nothing(world: Make) -> None:
    here = world(spec_of(**REPORTED))
    while not any(job.order.job.seed in (7, 8) for job in here.store.jobs()):
        assert not here.look().done
        here.work()
    rows = here.result()["rows"]
    assert len([row for row, _ in rows if row.startswith("trial ")]) == 4, "its seeds wait for all that it follows from"
    here.play()
    rows = here.result()["rows"]
    means = {row: bpb for (row, seed), bpb in rows.items() if seed == 3 and row.startswith("trial ")}
    best = min(means, key=lambda row: means[row])
    assert {seed for row, seed in rows if row == f"{best} report"} == {7, 8}
    assert [job.order.label for job in here.store.jobs() if "report" in job.order.label and "audit" in job.order.label]
    other = next(row for row in means if row != best)
    assert (here.driver.seeds_of(f"{best} report"), here.driver.seeds_of(other)) == ((7, 8), (3, 4))
    second = world(spec_of(**REPORTED), workers=8, fresh=True)
    second.play()
    assert second.result() == here.result()


def test_a_trial_that_failed_on_a_confirm_seed_is_not_reported(world: Make) -> None:
    undisturbed = world(spec_of(**REPORTED))
    undisturbed.play()
    [best] = {row.removesuffix(" report") for row, _ in undisturbed.result()["rows"] if row.endswith(" report")}
    lr = undisturbed.trials()[int(best.split()[1])].parameters["eval.lr"]

    def fails(job: Job) -> bool:
        return job.stage == "eval" and job.seed == 4 and job.settings["eval"]["lr"] == lr

    here = world(spec_of(**REPORTED), fails=fails)
    here.play()
    [other] = {row for row, _ in here.result()["rows"] if row.endswith(" report")}
    assert other != f"{best} report"


def test_a_follower_orders_nothing_and_sees_what_the_driver_sees(world: Make) -> None:
    here = world(spec_of(), fails=fails_often)
    follower = here.sweep.driver(here.store, read_only=True)
    assert not follower.step().done
    assert (here.store.jobs(), here.trials()) == ([], {})
    while True:
        done = here.look().done
        jobs, trials = here.store.jobs(), here.trials()
        seen = follower.step()
        assert (here.store.jobs(), here.trials()) == (jobs, trials)
        assert len(seen.jobs) == len(jobs)
        if done:
            break
        here.work()
        before = here.store.jobs(), here.trials()
        # Results that nobody has told yet are not this one's to tell.
        follower.step()
        assert (here.store.jobs(), here.trials()) == before
    assert seen.done
    confirmed = {(chain.entry, chain.measurement.seed): chain.value for chain in follower.confirmed()}
    assert confirmed == here.result()["rows"]


def test_a_lengthened_search_keeps_its_trials(world: Make, played: World) -> None:
    short = world(searching(trials=5))
    short.play()
    trials = short.trials()
    long = world(searching(), store=short.store)
    long.play()
    assert {number: long.trials()[number] for number in trials} == trials
    searched = {job.key for job in short.ended if job.order.job.settings.get("documents", {}).get("count") == 4}
    assert not searched & {job.key for job in long.ended}
    assert long.trials() == played.trials()
    assert long.result()["rows"] == played.result()["rows"]


def test_a_shortened_search_ends(world: Make) -> None:
    long = world(searching(), workers=1)
    while len(long.trials()) < 6:
        long.look()
        long.work()
    assert any(trial.state == "running" for trial in long.trials().values())
    long.store.release([job.key for job, _ in long.running])
    short = world(searching(trials=4), store=long.store)
    snapshot = short.play()
    assert (snapshot.trials, snapshot.trials_done) == (4, 4)
    alone = world(searching(trials=4))
    alone.play()
    assert short.result()["rows"] == alone.result()["rows"]


MUON = {"space": {"train.muon_lr": [0.01, 0.02, 0.03]}, "first": []}


BITS = {"space": {"quantize.bits": [5, 6, 7]}, "first": []}


@pytest.mark.parametrize("space", [MUON, BITS], ids=["train", "quantize"])
def test_a_setting_of_an_earlier_stage_costs_that_stage_once_a_choice(world: Make, space: dict[str, Any]) -> None:
    here = world(spec_of(search={**SEARCH, **space}, arm=[]))
    snapshot = here.play()
    kinds = Counter(job.order.job.stage for job in snapshot.jobs)
    drawn = {str(trial.parameters) for trial in here.trials().values()}
    assert len(drawn) == 3
    searched = {job.order.job.key for job in snapshot.jobs if job.order.job.seed == 1}
    kinds_of_seed_1 = Counter(job.order.job.stage for job in snapshot.jobs if job.key in searched)
    assert kinds_of_seed_1["train"] == (3 if space is MUON else 1)
    assert kinds_of_seed_1["quantize"] == 3
    assert kinds["train"] <= kinds["quantize"]


def test_a_job_that_several_runs_wait_for_is_to_come_once(world: Make) -> None:
    to_come = world(spec_of(search=None, confirm={"top": 0})).look().to_come
    assert dict(to_come) == {"train": 2, "quantize": 2, "eval": 3, "audit": 3}


def test_the_best_so_far_is_the_lowest_and_the_phase_is_named(world: Make) -> None:
    here = world(spec_of(), workers=1)
    phases = []
    while not (snapshot := here.look()).done:
        phases.append(snapshot.phase)
        known = {n: trial.value for n, trial in here.trials().items() if trial.value is not None}
        if known:
            number = min(known, key=lambda n: known[n])
            assert snapshot.best == (f"trial {number}", known[number])
        else:
            assert snapshot.best is None
        here.work()
    assert list(dict.fromkeys(phases)) == ["train", "search", "confirm"]


def test_no_trial_can_stop_the_sweep_by_settings_that_do_not_fit_together(world: Make) -> None:
    space = {"eval.chunk": [256, 1024], "eval.window": [1024, 512]}
    try:
        spec = searching(sampler="grid", trials=4, space=space, first=[])
    except InputError:
        return
    world(spec).play()


def test_what_is_lost_on_the_way_is_made_again_and_the_sweep_ends_as_ever(world: Make, played: World) -> None:
    here = world(spec_of())
    lost: list[str] = []
    while len(lost) < 3:
        here.look()
        waiting = [job.order.job for job in here.store.jobs(states=[JobState.QUEUED])]
        for digest in [job.inputs[name] for job in waiting for name in ("weights", "artifact") if name in job.inputs]:
            if digest not in lost and here.store.lose_content(digest):
                lost.append(digest)
        here.work()
    here.play()
    assert here.result() == played.result()
    ended = Counter(job.key for job in here.ended)
    assert sum(count - 1 for count in ended.values()) >= len(lost)


def test_a_sweep_runs_nothing_that_another_has_run(world: Make) -> None:
    first = world(spec_of())
    first.play()
    other = world(spec_of(name="another"), store=first.store)
    # Each look can tell only what the one before has asked.
    assert any(other.look().done for _ in range(30))
    assert [job.state for job in other.store.jobs(states=[JobState.QUEUED])] == []
    assert other.result()["rows"] == first.result()["rows"]
