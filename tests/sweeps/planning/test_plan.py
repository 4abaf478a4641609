"""A plan's sums, and its reasons."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from jobs.store import Store
from sweeps.driver.sweep import Sweep
from sweeps.planning.plan import SweepPlan, plan, planned_machine, planned_runtime
from sweeps.spec.file import SweepSpec
from sweeps.statistics.double_sampling import cheapest_mix
from sweeps.views.terminal.show_plan import show_plan
from tests.sweeps.made_up_world import DATA, MACHINE, World, spec_of

NOW = 1_700_000_000.0
BUDGET: dict[str, Any] = {"dollars_per_gpu_hour": 3.0}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up data have no files."""
    monkeypatch.setattr("sweeps.planning.plan.document_lengths", lambda data, split: (400,) * 16)


def arms(**changes: Any) -> SweepSpec:
    """A sweep without a search."""
    return spec_of(search=None, confirm={"top": 0}, **changes)


def plan_of(spec: SweepSpec, store: Store, **cluster: int) -> SweepPlan:
    return plan(Sweep(spec=spec, data=DATA, machine=MACHINE), store, **{"nodes": 1, "slots": 4, **cluster}, now=NOW)


def text_of(made: SweepPlan) -> str:
    stream = io.StringIO()
    show_plan(made, Console(file=stream, width=120))
    return stream.getvalue()


def test_of_what_nothing_is_known_nothing_is_said(store: Store) -> None:
    recipe = {"train": {"gpus": 2, "steps": 9}, "eval": {"gpus": 1, "max_seconds": 30.0}}
    document = plan_of(arms(recipe=recipe), store).to_json()
    assert document["unknown"] == ["train", "quantize"]
    assert document["stages"]["train"]["slot_seconds_each"] is None
    assert document["stages"]["eval"]["source"] == "limit"
    # Three evaluations up to their limit, the audits of two rows up to theirs, and a short one of a second seed.
    assert document["gpu_hours"] == pytest.approx((3 * 30 + 2 * 12 + 3) / 3600)
    assert document["dollars"] is None
    assert document["seed_mix"] is None


def test_sums_follow_from_the_history(store: Store) -> None:
    World(arms(), store).play()  # every job took a second
    other = arms(seeds={"confirm": [8, 9]}, budget=BUDGET, name="other", arm=[{"name": "base"}])
    made = plan_of(other, store)
    document = made.to_json()
    assert document["unknown"] == []
    assert {kind: (stage["jobs"], stage["done"]) for kind, stage in document["stages"].items()} == {
        "train": (2, 0), "quantize": (2, 0), "eval": (2, 0), "audit": (2, 0),
    }  # fmt: skip
    assert document["stages"]["train"]["slot_seconds_each"] == 2.0
    assert document["gpu_hours"] == pytest.approx(10 / 3600)
    assert document["dollars"] == pytest.approx(3 * 10 / 3600)
    assert document["seconds"] == 4.0  # two gangs of two at once, then two quantizations, two evaluations, two audits
    assert document["utilization"] == pytest.approx(10 / 16)
    first = document["jobs"][0]
    assert (first["start"], first["end"], first["on"]) == (0.0, 1.0, [0, 1])
    assert first["differs"] == ["seed"]
    assert first["why"].endswith("seed = 8, not 4")
    [artifact] = {tuple(job["differs"]) for job in document["jobs"] if job["stage"] == "quantize"}
    assert artifact == ("inputs.weights", "seed")
    assert "inputs.weights = not made yet" in next(job["why"] for job in document["jobs"] if job["stage"] == "quantize")
    assert document["seed_mix"]["train_seconds"] == 3.0
    assert document["seed_mix"]["evaluate_seconds"] == 1.0
    assert document["seed_mix"]["cost_share"] == pytest.approx(cheapest_mix(3.0, 1.0).cost_share)
    text = text_of(made)
    assert "A seed takes 3 slot-seconds to train and 1 to evaluate: 2.7 train-only seeds (confirm.train_only)" in text
    assert "About 4 s on 4 slots: 0.00278 slot-hours, $0.01, 62% of the slots' time in use." in text
    assert "2 new, train: differs from the nearest finished job in seed" in text
    assert "node 0.3" in text


def test_what_is_done_is_reused_and_costs_nothing(store: Store) -> None:
    spec = arms(budget=BUDGET)
    World(spec, store).play()
    made = plan_of(spec, store)
    document = made.to_json()
    assert {job["state"] for job in document["jobs"]} == {"reused"}
    assert all('for sweep "made-up"' in job["why"] for job in document["jobs"])
    assert all(stage["done"] == stage["jobs"] for stage in document["stages"].values())
    assert (document["gpu_hours"], document["seconds"], document["dollars"]) == (0.0, 0.0, 0.0)
    assert document["complete"]


def test_what_the_budget_does_not_pay_for_is_named(store: Store) -> None:
    World(arms(), store).play()
    poor = arms(seeds={"confirm": [8, 9]}, budget={"gpu_hours": 5 / 3600})
    document = plan_of(poor, store).to_json()
    assert not document["complete"]
    assert {job["state"] for job in document["jobs"]} >= {"refused"}
    assert "would not start: needs" in text_of(plan_of(poor, store))


def test_as_much_is_set_aside_as_the_scheduler_sets_aside(store: Store) -> None:
    World(arms(), store).play()
    changes = {"seeds": {"confirm": [8]}, "arm": [{"name": "base"}]}
    # A gang of 2 × 1 s; the scheduler wants a fifth more to be there before it begins.
    assert plan_of(arms(**changes, budget={"gpu_hours": 2.3 / 3600}), store).dry_run.spans == {}
    assert len(plan_of(arms(**changes, budget={"gpu_hours": 2.5 / 3600}), store).dry_run.spans) == 1


def test_a_plan_is_for_the_class_of_machine_that_history_knows(store: Store) -> None:
    laptop = replace(MACHINE, device="cpu AVX2")
    assert planned_machine("made-up", store, laptop) == laptop
    World(arms(name="other"), store).play()
    assert planned_machine("made-up", store, laptop) == MACHINE
    assert planned_machine("made-up", store, MACHINE) == MACHINE
    store.put_sweep("made-up", Sweep(spec=arms(), data=DATA, machine=laptop).to_json())
    assert planned_machine("made-up", store, MACHINE) == laptop


def test_a_script_is_planned_for_the_interpreter_that_history_knows(store: Store) -> None:
    assert planned_runtime("made-up", store) == {}
    record = Sweep(spec=arms(), data=DATA, machine=MACHINE).to_json()
    store.put_sweep("made-up", {**record, "code": {"runtime": {"torch": "2.9"}}})
    assert planned_runtime("made-up", store) == {"torch": "2.9"}


def test_what_would_end_after_the_deadline_is_named_with_its_day(store: Store) -> None:
    World(arms(), store).play()
    late = arms(seeds={"confirm": [8, 9]}, budget={"deadline": "2023-11-14T22:13:22Z"})  # two seconds after NOW
    made = plan_of(late, store, slots=2)
    assert sum(job["state"] == "new" for job in made.to_json()["jobs"]) == 1
    assert "cannot end before the deadline, 2023-11-14T22:13+00:00" in text_of(made)


def test_what_a_sweep_has_spent_is_spent(tmp_path: Path) -> None:
    clock = [0.0]
    store = Store.open(f"sqlite:///{tmp_path}/spent.db", clock=lambda: clock[0])
    World(arms(), store).look()
    store.beat("worker")
    [job, *_] = store.claim("worker", 1)
    facts: dict[str, Any] = {"host": "here", "workdir": "/", "versions": {}, "commit": None}
    store.start_attempt(job.key, "worker", **facts, sweep="made-up", slots=2)
    clock[0] = 3600.0
    store.release([job.key])
    assert not plan_of(arms(budget={"gpu_hours": 2.0}), store).to_json()["complete"]
    assert plan_of(arms(budget={"gpu_hours": 3.0}), store).to_json()["complete"]
    store.close()


def test_where_trials_can_share_jobs_the_count_is_a_bound(store: Store) -> None:
    search = {"trials": 4, "parallel": 2, "documents": 2, "space": {"train.muon_lr": [0.01, 0.02]}}
    made = plan_of(spec_of(search=search, arm=[], confirm={"top": 0}), store)
    assert made.to_json()["stages"]["train"]["jobs"] == 2
    assert made.to_json()["stages"]["train"]["up_to"]
    assert "up to 2" in text_of(made)
