"""A sweep that is played through asks for the jobs that it asks for when it is run."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.policy.policy import Policy
from cluster.policy.simulate import Machines
from jobs.budget import Budget
from jobs.state import JobState
from jobs.store import JobRecord, Store
from sweeps.driver.sweep import Sweep
from sweeps.planning.dry_run import DryRun, dry_run
from sweeps.planning.earlier_search import earlier_trials
from sweeps.planning.expected_trials import counts_at_most, with_expected_trials
from sweeps.spec.file import SweepSpec
from tests.sweeps.made_up_world import DATA, FILE, MACHINE, PROMOTED, SEARCH, World, searching, spec_of

SECONDS = {"train": 60.0, "quantize": 2.0, "eval": 10.0, "audit": 2.0}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


def by_kind(job: JobRecord) -> float:
    return SECONDS[job.order.job.stage]


def forecast(spec: SweepSpec, store: Store, nodes: int = 1, slots: int = 8, **settings: Any) -> DryRun:
    sweep = Sweep(spec=spec, data=DATA, machine=MACHINE)
    return dry_run(sweep, store, Machines(nodes=nodes, slots=slots).free(), by_kind, **settings)


def kinds(jobs: Any) -> dict[str, int]:
    return dict(Counter(job.order.job.stage for job in jobs))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"search": None, "confirm": {"top": 0}},
        {"search": {**SEARCH, "promote": None}},
        {"search": {**SEARCH, "trials": 2, "promote": {"top": 2, "documents": 6}}},
        {"arm": [*FILE["arm"], {"name": "deep", "train": {"model": {"num_layers": 4}}}]},
        {"arm": [*FILE["arm"], {"name": "small", "quantize": {"bits": 4}}]},
        {"arm": [], "confirm": {"top": 0}},
        {"search": {**SEARCH, "sampler": "random"}},
    ],
    ids=[
        "all",
        "arms",
        "no promotion",
        "few trials",
        "another training",
        "another quantizer",
        "search alone",
        "random",
    ],
)
def test_the_plan_has_the_jobs_that_are_run(changes: dict[str, Any], store: Store) -> None:
    spec = spec_of(**changes)
    planned = forecast(spec, store)
    assert planned.done
    assert store.jobs() == []
    ran = World(spec, store).play()
    assert kinds(planned.jobs) == kinds(ran.jobs)
    assert len(planned.spans) == len(planned.jobs)
    assert not any(counts_at_most(spec, kind) for kind in SECONDS)


MUON: dict[str, Any] = {"space": {"train.muon_lr": [0.01, 0.02, 0.03]}, "first": []}
BITS: dict[str, Any] = {"space": {"quantize.bits": [5, 6, 7]}, "first": []}
MIXED: dict[str, Any] = {**SEARCH, "space": {**SEARCH["space"], "train.muon_lr": [0.01, 0.02]}}


@pytest.mark.parametrize(
    ("space", "sampler"),
    [(MUON, "tpe"), (BITS, "random"), (MIXED, "tpe"), (MIXED, "random")],
    ids=["train", "quantize", "mixed", "mixed, random"],
)
def test_where_trials_can_share_jobs_the_plan_counts_them_at_most(
    space: dict[str, Any], sampler: str, store: Store
) -> None:
    spec = spec_of(search={**SEARCH, **space, "sampler": sampler}, arm=[], confirm={"top": 3})
    planned = kinds(forecast(spec, store).jobs)
    ran = kinds(World(spec, store).play().jobs)
    assert all(ran[kind] <= planned[kind] for kind in ran)
    seeds, values = 4, 2 if space is MIXED else 3
    assert planned["train"] == (seeds if space is BITS else seeds * values)
    assert planned["quantize"] == seeds * values
    assert counts_at_most(spec, "train") == (space is not BITS)
    assert counts_at_most(spec, "quantize")
    assert counts_at_most(spec, "eval") == (space is not MIXED)


def test_grid_and_random_trials_are_the_very_ones_that_are_drawn(store: Store) -> None:
    for sampler in ("grid", "random"):
        spec = searching(sampler=sampler, trials=6)
        known = with_expected_trials(spec).search
        assert known is not None
        here = World(spec, store)
        here.play()
        assert [dict(parameters) for parameters in known.first] == [
            dict(trial.parameters) for trial in here.driver.trials()
        ]


def test_a_search_that_learns_is_expected_to_go_as_the_last_one_over_the_same_space(store: Store) -> None:
    before = World(spec_of(name="before"), store)
    before.play()
    spec = spec_of(name="after", seeds={"tune": [21, 22], "confirm": [23, 24]})
    planned = forecast(spec, store)

    def searched(jobs: Any, label: str) -> set[tuple[float, int]]:
        tried = [job.order.job.settings["eval"] for job in jobs if job.order.label.startswith(label)]
        return {(parameters["lr"], parameters["epochs"]) for parameters in tried}

    def promoted(jobs: Any) -> set[str]:
        tuned = [job.order for job in jobs if job.order.job.settings.get("documents", {}).get("count") == PROMOTED]
        return {order.label.partition(" seed")[0] for order in tuned}

    for number in before.trials():
        [settings] = searched(planned.jobs, f"trial {number} ")
        assert {settings} == searched(store.jobs(sweep="before"), f"trial {number} ")
    assert promoted(planned.jobs) == promoted(store.jobs(sweep="before"))


def test_another_space_or_a_search_that_is_not_done_is_no_precedent(store: Store) -> None:
    World(spec_of(name="before"), store).play()
    assert len(earlier_trials(spec_of(), store)) == SEARCH["trials"]
    fewer = {**SEARCH, "space": dict(list(SEARCH["space"].items())[:1]), "first": []}
    longer = {**SEARCH, "trials": SEARCH["trials"] + 1}
    for search in (fewer, longer, {**SEARCH, "sampler": "random"}, MIXED, None):
        assert earlier_trials(spec_of(search=search, confirm={"top": 0}), store) == ()
    begun = World(spec_of(name="begun"), store)
    begun.look()
    assert len(earlier_trials(spec_of(), store)) == SEARCH["trials"]


def test_no_more_trials_run_at_once_than_the_search_allows(store: Store) -> None:
    planned = forecast(searching(parallel=2, promote=None), store, nodes=4)
    trials = {job.key for job in planned.jobs if job.order.label.startswith("trial") and job.order.job.seed == 1}
    spans = [planned.spans[key] for key in trials]
    assert len(spans) == SEARCH["trials"]
    assert max(sum(other.start <= span.start < other.end for other in spans) for span in spans) == 2


def test_what_is_finished_is_reused_and_only_the_rest_takes_time(store: Store) -> None:
    spec = spec_of()
    here = World(spec, store)
    for _ in range(9):
        here.look()
        here.work()
    done = {job.key for job in store.jobs(states=[JobState.DONE])}
    planned = forecast(spec, store)
    assert done <= {job.key for job in planned.jobs}
    assert done.isdisjoint(planned.spans)
    assert kinds(planned.jobs) == kinds(here.play().jobs)
    second = forecast(spec, store)
    assert second.done
    assert second.spans == {}
    assert {job.key for job in second.jobs} == {job.key for job in store.jobs()}


def test_the_clock_is_the_policys_and_the_first_job_of_a_worker_waits_for_it(store: Store) -> None:
    spec = spec_of(search=None, confirm={"top": 0}, arm=[{"name": "base", "seeds": [3]}])
    assert forecast(spec, store, slots=2).totals.seconds == 60 + 2 + 10 + 2
    # One slot has to start once; evaluation and audit go where the quantization has started it.
    assert forecast(spec, store, slots=2, start_seconds=5.0).totals.seconds == 60 + 5 + 2 + 10 + 2


def test_a_budget_shows_what_would_not_start(store: Store) -> None:
    spec = spec_of(search=None, confirm={"top": 0})
    policy = Policy(budgets={spec.name: Budget(gpu_hours=2 * 60 / 3600 + 1e-6)})
    planned = forecast(spec, store, policy=policy)
    assert not planned.done
    assert len(planned.spans) == 1
    assert all("budget.gpu_hours" in why for why in planned.refused.values())
    assert len(planned.refused) == 2  # the other training, and the quantization of the first


def test_playing_twice_gives_the_same(store: Store) -> None:
    assert forecast(spec_of(), store) == forecast(spec_of(), store)
