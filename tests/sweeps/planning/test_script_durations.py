"""How long stages of a script take, from runs of the same script on as many GPUs."""

from dataclasses import replace

from jobs.spec import Job, Machine, Order
from jobs.stages.script import script_stage
from jobs.store import JobRecord
from sweeps.planning.durations import Durations, Estimate, settings_of_proxy
from sweeps.spec.script.recipe import ScriptRecipe, StageSettings
from tests.sweeps.made_up_world import MACHINE
from tests.sweeps.planning.test_similar_jobs import done

DEFINITION = {"file": "train.py", "outputs": {"weights": "final_model.pt"}, "in": {}, "metric": None}
STAGE = script_stage("train", DEFINITION)


def order(seed: int, script: str = "a", gpus: int = 8, limit: float | None = 1500.0, **env: str) -> Order:
    machine: Machine = replace(MACHINE, processes=gpus)
    settings = {**DEFINITION, "env": env}
    inputs = {"script": script * 64}
    job = Job(stage=STAGE.name, settings=settings, inputs=inputs, seed=seed, machine=machine, arithmetic=STAGE.version)
    return Order(job=job, sweep="s", label="train", priority=0, slots=gpus, conditions={"max_seconds": limit})


def ran(order: Order, seconds: float) -> JobRecord:
    outputs = {"clocks": {"process_seconds": seconds - 10.0}}
    return replace(done(order.job), order=order, seconds=seconds, outputs=outputs)


def durations(*history: JobRecord, apart: dict[str, set[str]] | None = None) -> Durations:
    return Durations(history, MACHINE.device, lambda split: (), {}, apart)


def test_the_median_of_the_same_script_on_as_many_gpus() -> None:
    known = durations(
        *(ran(order(seed, LR="1"), 1000.0 + seed) for seed in (1, 2, 3)),
        ran(order(1, script="b", LR="1"), 5.0),
        ran(order(1, gpus=1, LR="1"), 7000.0),
    )
    assert known.of(order(9, LR="1")) == Estimate(seconds=1002.0, source="history")
    assert known.of(order(9, LR="2")).seconds == 1002.0
    assert known.of(order(9, gpus=1, LR="2")).seconds == 7000.0
    assert known.of(order(9, script="b", LR="2")).seconds == 5.0


def test_another_script_says_nothing() -> None:
    known = durations(ran(order(1), 1000.0))
    assert known.of(order(1, script="b")) == Estimate(seconds=1500.0, source="limit")
    assert known.of(order(1, script="b", limit=None)) == Estimate(seconds=None, source=None)


def test_a_proxy_says_nothing_of_a_whole_run() -> None:
    apart = {STAGE.name: {"env.ITERATIONS"}}
    known = durations(ran(order(1, ITERATIONS="1500"), 100.0), apart=apart)
    assert known.of(order(1)).source == "limit"
    assert known.of(order(1, LR="2", ITERATIONS="1500")) == Estimate(seconds=100.0, source="history")


def test_settings_of_a_proxy_are_those_that_it_changes() -> None:
    def stage(name: str, gpus: int, **env: str) -> StageSettings:
        return StageSettings(name=name, gpus=gpus, env=tuple(sorted(env.items())))

    recipe = ScriptRecipe(
        patch=None,
        stages=(stage("train", 8, LR="1"), stage("eval", 8, LR="1")),
        trials=(stage("train", 1, LR="1", ITERATIONS="1500"), stage("eval", 8, LR="1")),
    )
    assert settings_of_proxy(recipe) == {"script.train": {"gpus", "env.ITERATIONS"}}
    assert settings_of_proxy(recipe.for_trials()) == {}
