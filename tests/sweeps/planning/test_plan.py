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
from sweeps.planning.certainty import SPREAD
from sweeps.planning.plan import SweepPlan, plan, planned_machine, planned_runtime
from sweeps.spec.file import SweepSpec
from sweeps.speed.samples import Speed
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
    assert document["range"]["gpu_hours"] == [0.0, document["gpu_hours"]]
    assert document["basis"]["limit"] == 1.0


def test_where_only_limits_are_known_they_are_the_most_and_nothing_more_is_said(store: Store) -> None:
    recipe = {"train": {"gpus": 2, "max_seconds": 40.0}, "eval": {"gpus": 1, "max_seconds": 30.0}}
    text = text_of(plan_of(arms(recipe=recipe, budget=BUDGET), store))
    assert "Time: at most " in text
    assert "Cost: at most 0.0769 core-hours, at most $0.23." in text
    assert "; quantize not counted: duration unknown." in text
    assert "Based on: time limits alone, which are the most that it can take." in text
    assert "All 10 jobs are new: none like them is finished yet." in text


def test_what_was_measured_and_what_is_guessed_is_said_with_its_share(store: Store) -> None:
    speed = Speed(core_flops=1e10, seconds=20.0)
    made = plan(
        Sweep(spec=arms(budget=BUDGET), data=DATA, machine=MACHINE), store, nodes=1, slots=4, now=NOW, speed=speed
    )
    document = made.to_json()
    assert document["unknown"] == []
    assert document["basis"] == {"history": 0, "measured": 0, "guess": 1, "limit": 0, "measured_seconds": 20.0}
    for name in ("seconds", "gpu_hours", "dollars"):
        low, high = SPREAD["guess"]
        assert document["range"][name] == pytest.approx([low * document[name], high * document[name]])
    assert "Based on: nominal figures of cpu, a guess." in text_of(made)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_plans_table_and_chart_fit_the_window(width: int, store: Store) -> None:
    speed = Speed(core_flops=1e10, seconds=20.0)
    made = plan(
        Sweep(spec=arms(budget=BUDGET), data=DATA, machine=MACHINE), store, nodes=1, slots=4, now=NOW, speed=speed
    )
    stream = io.StringIO()
    show_plan(made, Console(file=stream, width=width))
    table, _, rest = stream.getvalue().partition("Time:")
    gantt = [line for line in rest.splitlines() if line.startswith("node ")]
    assert len(gantt) == 4
    assert max(map(len, [*table.splitlines(), *gantt])) <= width


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
    assert "A seed takes 3 core-seconds to train and 1 to evaluate: 2.7 train-only seeds (confirm.train_only)" in text
    assert "Time: about 4 s (3 s to 6 s) on 4 cores, 62% of their time in use." in text
    assert "Cost: 0.00278 core-hours, about $0.0083 ($0.0063 to $0.01)." in text
    assert "Based on: finished jobs like these." in text
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
