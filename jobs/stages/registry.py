"""The registry of stages: a new kind of work is a new file and a line here."""

from jobs.stages.audit import AUDIT
from jobs.stages.evaluate import EVALUATE
from jobs.stages.pipeline import Pipeline
from jobs.stages.quantize import QUANTIZE
from jobs.stages.stage import Stage, UnknownStage
from jobs.stages.train import TRAIN

STAGES: tuple[Stage, ...] = (
    TRAIN,
    QUANTIZE,
    EVALUATE,
    AUDIT,
)


def stage_named(name: str) -> Stage:
    """The stage of a name. If this version of golfsweep has none, a stage that refuses all work."""
    return next((stage for stage in STAGES if stage.name == name), None) or UnknownStage(
        name=name, version=0, sections=()
    )


def pipeline(*own: Stage) -> Pipeline:
    """The stages of every sweep and a sweep's own, each after those that it reads from."""
    return Pipeline((*STAGES, *own))
