"""The registry of stages: a new kind of work is a new file and a line here. A script's stages come from its file."""

from jobs.spec import Job
from jobs.stages.audit import AUDIT
from jobs.stages.evaluate import EVALUATE
from jobs.stages.pipeline import Pipeline
from jobs.stages.quantize import QUANTIZE
from jobs.stages.script import VERSION, is_script_stage, stage_of_job
from jobs.stages.script_audit import is_script_audit, script_audit
from jobs.stages.stage import Stage, UnknownStage
from jobs.stages.train import TRAIN

STAGES: tuple[Stage, ...] = (
    TRAIN,
    QUANTIZE,
    EVALUATE,
    AUDIT,
)


def stage_of(job: Job) -> Stage:
    """The stage of a job, made of the job itself where it is a script's."""
    if is_script_audit(job):
        return script_audit(job.settings)
    return stage_of_job(job) if is_script_stage(job.stage) else stage_named(job.stage)


def stage_named(name: str) -> Stage:
    """The native stage of a name. If this version of golfsweep has none, a stage that refuses all work."""
    return next((stage for stage in STAGES if stage.name == name), None) or UnknownStage(
        name=name, version=0, sections=()
    )


def arithmetic_of(name: str) -> int | None:
    """The version of this code's arithmetic of a stage; None if it has no such stage."""
    if is_script_stage(name):
        return VERSION
    return next((stage.version for stage in STAGES if stage.name == name), None)


def pipeline(*own: Stage) -> Pipeline:
    """The stages of every native sweep and a sweep's own, each after those that it reads from."""
    return Pipeline((*STAGES, *own), scored=EVALUATE.name)
