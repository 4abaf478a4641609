"""The registry of stages: light to ask, clear about names that it does not know, in the order of the data."""

import subprocess
import sys
from dataclasses import replace

import pytest

from golf.errors import InputError
from jobs.spec import Job, Machine, Order
from jobs.stages.pipeline import Pipeline
from jobs.stages.registry import STAGES, pipeline, stage_named
from jobs.stages.stage import Source
from jobs.stages.train import TRAIN
from tests.toy_stage import WEIGH

LIGHT = """
import sys
for name in ("torch", "numpy", "pydantic", "pandas", "pyarrow", "ray", "sqlalchemy"):
    sys.modules[name] = None  # as if it were not installed
from jobs.stages.registry import pipeline, stage_named
print([stage.name for stage in pipeline()], stage_named("train").is_gang)
"""
MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)


def job(stage: str, version: int) -> Job:
    return Job(stage=stage, settings={}, inputs={}, seed=1, machine=MACHINE, arithmetic=version)


def test_stages_can_be_asked_where_nothing_heavy_is_installed() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['train', 'quantize', 'eval', 'audit'] True\n"


def test_every_stage_is_found_by_its_name_and_refuses_other_versions_jobs() -> None:
    for stage in STAGES:
        assert stage_named(stage.name) is stage
        stage.check_version(job(stage.name, stage.version))
        older = stage.version - 1
        with pytest.raises(InputError, match=rf"{stage.name} arithmetic {older}; here it is {stage.version}"):
            stage.check_version(job(stage.name, older))


def test_an_unknown_stage_can_be_asked_and_does_nothing() -> None:
    stage = stage_named("distill")
    assert (stage.name, stage.is_gang, stage.per_entry) == ("distill", False, False)
    assert stage.label("base", 3) == "distill base seed 3"
    assert stage.time_limit(Order(job=job("distill", 1), sweep="s", label="")) is None
    with pytest.raises(InputError, match='stage "distill": this version of golfsweep has no such stage'):
        stage.check_version(job("distill", 1))
    with pytest.raises(InputError, match='stage "distill"'):
        stage.run(Order(job=job("distill", 1), sweep="s", label=""), {}, ())


def test_stages_follow_what_they_read_whatever_the_order_in_which_they_are_listed() -> None:
    assert [stage.name for stage in Pipeline([*STAGES[::-1]], scored="eval")] == ["train", "quantize", "audit", "eval"]
    stages = Pipeline([WEIGH, *STAGES], scored="eval")
    assert [stage.name for stage in stages.upstream("weigh")] == ["train", "quantize", "weigh"]
    assert [stage.name for stage in stages.upstream("eval")] == ["train", "quantize", "eval"]
    assert stages.sections("quantize") == stages.sections("weigh") == {"train", "quantize"}
    assert pipeline().sections("train") == {"train"}


@pytest.mark.parametrize("source", [Source(stage="prune", output="weights"), Source(stage="train", output="artifact")])
def test_a_stage_that_reads_what_nobody_leaves_is_refused(source: Source) -> None:
    with pytest.raises(ValueError, match=rf"weigh: reads artifact: no stage leaves {source.stage}\.{source.output}"):
        Pipeline([TRAIN, replace(WEIGH, reads={"artifact": source})], scored="train")


def test_only_a_stage_that_gives_a_score_can_be_the_scored_one() -> None:
    with pytest.raises(ValueError, match="stage train: gives no score"):
        Pipeline(STAGES, scored="train")


def test_a_label_names_what_is_known() -> None:
    labels = {
        stage.name: (stage.label("base", 3), stage.label(None, 3)) for stage in STAGES
    }  # fmt: skip
    assert labels == {
        "train": ("train base seed 3", "train seed 3"),
        "quantize": ("quantize base seed 3", "quantize seed 3"),
        "eval": ("base seed 3", "eval seed 3"),
        "audit": ("audit base seed 3", "audit seed 3"),
    }
