"""A driver whose sweep is a script's: jobs are shared by what they read, and trials are judged by what was printed."""

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.spec import Job, Order
from jobs.stages.registry import stage_of
from jobs.stages.request import DocumentSet
from jobs.stages.stage import GangStage
from jobs.store import Store
from sweeps.driver.sweep import Sweep
from sweeps.spec.file import SweepSpec, parse_sweep
from sweeps.spec.orders import Measurement
from sweeps.spec.script.code import ScriptCode, Version
from sweeps.spec.script.data import ScriptData
from sweeps.spec.script.defaults import with_defaults
from tests.sweeps.made_up_world import MACHINE, World

FILE: dict[str, Any] = {
    "name": "own",
    "data": {"tokens": "demo"},
    "script": {
        "file": "t.py",
        "env": {"SEED": "{seed}", "DATA": "{data}"},
        "train": {"gpus": 2, "out": {"artifact": "m.bin"}, "max_seconds": 60},
        "eval": {"from": "train", "keep": ["artifact"], "env": {"ITERATIONS": 0}, "metric": "final_x"},
    },
    "seeds": {"tune": [1], "confirm": [3, 4]},
    "arm": [{"name": "base", "baseline": True}, {"name": "warm", "script": {"eval": {"env": {"T": 2}}}}],
    "search": {
        "trials": 8,
        "parallel": 3,
        "space": {
            "script.train.env.LR": [1, 2], "script.train.env.DEPTH": [1, 2],
            "script.eval.env.T": {"low": 0.0, "high": 4.0},
        },
        "proxy": {"gpus": 1, "env": {"SHORT": True}},
    },
    "confirm": {"top": 1},
}  # fmt: skip
VERSION = Version(script="5" * 64, files={"lib.py": "6" * 64}, num_bytes=1000)
CODE = ScriptCode(versions={"": VERSION, "p.diff": replace(VERSION, script="7" * 64)}, runtime={}, names={})
DATA = ScriptData(
    tokens=Path("/data/datasets/x"), tokenizer=None, train_digest="t" * 64, val_digest="v" * 64, tokenizer_digest="",
    search_tokens=Path("/holdout/x"), search_digest="h" * 64,
)  # fmt: skip


def resolve(spec: SweepSpec) -> Sweep:
    return Sweep(spec=with_defaults(spec, CODE), data=DATA, machine=MACHINE, code=CODE)


def spec_of(**changes: Any) -> SweepSpec:
    return parse_sweep({**FILE, **changes}, "own.toml")


def outputs_of(job: Job) -> dict[str, Any]:
    """Its artifact grows with the depth; the best temperature is 1."""
    env = job.settings["env"]
    common = {"notes": [], "scores": {}, "bpb_per_nat": None, "clocks": {"process_seconds": 1.0}}
    if job.stage == "script.train":
        digest = hashlib.sha256(job.key.encode()).hexdigest()
        size = 9000 * int(env.get("DEPTH", "1"))
        return {**common, "metric": None, "artifact": digest, "bytes": {"artifact": size, "code": 1000}}
    value = 1.0 + 0.1 * (float(env.get("T", "1")) - 1) ** 2 + 0.01 * job.seed - 0.05 * int(env.get("DEPTH", "1"))
    return {**common, "metric": {"name": "final_x", "value": value}, "bytes": {"code": 1000}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    stores: list[Store] = []

    def make(spec: SweepSpec, store: Store | None = None, **settings: Any) -> World:
        if store is None:
            store = Store.open(f"sqlite:///{tmp_path}/{len(stores)}.db")
            stores.append(store)
        return World(spec, store, outputs=outputs_of, resolve=resolve, **settings)

    yield make
    for store in stores:
        store.close()


def jobs_of(world: World, stage: str) -> list[Job]:
    return [record.order.job for record in world.store.jobs() if record.order.job.stage == f"script.{stage}"]


def test_there_are_as_many_trainings_as_distinct_training_settings_and_seeds(world: Callable[..., World]) -> None:
    played = world(spec_of())
    played.play()
    trials, trainings = played.trials(), jobs_of(played, "train")
    names = ("script.train.env.LR", "script.train.env.DEPTH")
    settings = {tuple(trial.parameters[name] for name in names) for trial in trials.values()}
    tuning = [job for job in trainings if job.seed == 1]
    assert len(trials) == 8 and len(tuning) == len(settings) <= 4
    # Both arms train alike on each of two seeds; the best trial trains anew on them, without its proxy.
    assert len(trainings) == len(tuning) + 2 + 2
    assert len(jobs_of(played, "eval")) == 8 + 4 + 2
    assert played.look().done and len(played.store.jobs()) == len(trainings) + 14  # asked again, nothing is added


def test_trials_run_under_the_proxy_and_on_their_own_data_and_entries_do_not(world: Callable[..., World]) -> None:
    played = world(spec_of())
    assert played.play().by_proxy
    for stage, width in (("train", 2), ("eval", 1)):
        for job in jobs_of(played, stage):
            is_trial = job.seed == 1
            assert job.settings["env"].get("SHORT") == ("1" if is_trial else None)
            assert job.machine.processes == (1 if is_trial else width)
            assert job.inputs["tokens"] == ("h" if is_trial else "t") * 64
    assert {chain.measurement.seed for chain in played.driver.confirmed()} == {3, 4}


def test_a_sweep_ends_alike_whatever_the_order_and_however_often_its_driver_is_replaced(
    world: Callable[..., World],
) -> None:
    spec = spec_of()
    expected = world(spec)
    expected.play()
    for number in range(3):
        other = world(spec, chance=random.Random(number), workers=number + 1, fresh=True)
        other.play()
        assert other.result() == expected.result()


def test_over_limit_bytes_is_infeasible_and_not_failed(world: Callable[..., World]) -> None:
    script = {**FILE["script"], "eval": {**FILE["script"]["eval"], "limit_bytes": 15_000}}
    played = world(spec_of(script=script))
    end = played.play()
    by_depth = {
        (trial.parameters["script.train.env.DEPTH"], trial.state, trial.value is None)
        for trial in played.trials().values()
    }
    assert by_depth == {("1", "complete", False), ("2", "infeasible", True)}
    assert end.counts["failed"] == 0
    [best] = {chain.measurement.trial for chain in played.driver.confirmed()} - {None}
    assert played.trials()[best].parameters["script.train.env.DEPTH"] == "1"


def test_what_is_over_limit_bytes_is_counted_and_not_waited_for(world: Callable[..., World]) -> None:
    script = {**FILE["script"], "eval": {**FILE["script"]["eval"], "limit_bytes": 15_000}}
    played = world(spec_of(script=script, confirm={"top": 8}))
    before, end = played.look(), played.play()
    over = [trial.state for trial in played.trials().values()].count("infeasible")
    assert 0 < over == end.infeasible < 8
    assert before.to_confirm == (2 + 8) * 2 and end.to_confirm == end.confirmed == (2 + 8 - over) * 2


def test_without_a_limit_depth_wins(world: Callable[..., World]) -> None:
    script = {**FILE["script"], "eval": {**FILE["script"]["eval"], "limit_bytes": 0}}
    played = world(spec_of(script=script))
    played.play()
    [best] = {chain.measurement.trial for chain in played.driver.confirmed()} - {None}
    assert played.trials()[best].parameters["script.train.env.DEPTH"] == "2"


def test_a_scheduler_makes_the_stage_of_a_job_again(world: Callable[..., World]) -> None:
    played = world(spec_of())
    played.play()
    pipeline = {stage.name: stage for stage in played.spec.pipeline()}
    for record in played.store.jobs():
        stage, original = stage_of(record.order.job), pipeline[record.order.job.stage]
        assert isinstance(stage, GangStage) and (stage.name, stage.reads, stage.contents) == (
            original.name, original.reads, original.contents,
        )  # fmt: skip
        assert stage.time_limit(record.order) == (60 if stage.title == "train" else None)


def orders(spec: SweepSpec) -> dict[str, Order]:
    """The orders of the first arm's first training and evaluation."""
    sweep = resolve(spec)
    book, made = sweep.orders(), dict[str, Order]()
    arm = spec.arms[0]
    subject = Measurement(recipe=arm.recipe, seed=3, documents=DocumentSet(split="val"), entry=arm.name)
    for stage in spec.pipeline():
        made[stage.title] = book.order(stage, subject, dict.fromkeys(stage.reads, "a" * 64))
    return made


def test_what_changes_a_number_is_in_the_key_and_nothing_else() -> None:
    script = FILE["script"]
    before = {name: order.job.key for name, order in orders(spec_of()).items()}
    unchanged = {
        **script, "python": "/other/python", "pass": ["HF_HOME"], "setup": ["true"], "needs": ["torch"],
        "unread": ["X"],
        "train": {**script["train"], "max_seconds": 9, "silent_seconds": 7},
        "eval": {**script["eval"], "limit_bytes": 5},
    }  # fmt: skip
    after = orders(spec_of(script=unchanged))
    assert {name: order.job.key for name, order in after.items()} == before
    assert after["train"].conditions["python"] == "/other/python" and after["train"].conditions["max_seconds"] == 9
    both = ("train", "eval")
    for change, differs in (
        ({**script, "env": {**script["env"], "NEW": "1"}}, both),
        ({**script, "args": ["--x"]}, both),
        ({**script, "launch": "python"}, both),
        ({**script, "patch": "p.diff"}, both),
        ({**script, "train": {**script["train"], "gpus": 4}}, ("train",)),
        ({**script, "train": {**script["train"], "out": {"artifact": "other.bin"}}}, both),
        ({**script, "eval": {**script["eval"], "env": {"ITERATIONS": 1}}}, ("eval",)),
        ({**script, "eval": {**script["eval"], "metric": "final_y"}}, ("eval",)),
    ):
        now = orders(spec_of(script=change, arm=FILE["arm"][:1]))
        assert tuple(name for name in both if now[name].job.key != before[name]) == differs, change


def test_a_sweep_reads_back_from_its_record_without_the_scripts_files() -> None:
    sweep = resolve(spec_of())
    again = Sweep.from_json(sweep.to_json())
    assert (again.code, again.data) == (sweep.code, sweep.data)
    recipe = sweep.spec.arms[1].recipe
    assert again.spec.arms[1].recipe == recipe and again.widest() == 2
