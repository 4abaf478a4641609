"""What in an entry and its evidence does not agree, and the jobs that bear it out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.store import JobRecord
from sweeps.entries.lost import LostKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """One thing in which an entry and its evidence do not agree."""

    line: str
    lost: LostKind | None = None
    """The kind of content that cannot be read, where that is all."""


INPUTS = {QUANTIZE.name: "weights", EVALUATE.name: "artifact"}
"""Stage → its input that an earlier job of the same seed made."""


def find_job(key: str, stage: str, jobs: Mapping[str, JobRecord]) -> JobRecord | None:
    """A job whose settings give its key; None where the store has none of that stage."""
    job = jobs.get(key)
    return job if job is not None and job.order.job.key == key and job.order.job.stage == stage else None


def say_no_job(stage: str, key: str) -> str:
    """That there is no such job."""
    return f"the store has no {stage} job {key[:12] or '(its evidence names none)'} whose settings give that key"


def check_input(stage: str, job: JobRecord, made: Mapping[str, Any]) -> Iterator[str]:
    """A job must have read what the earlier jobs of its seed made (output name → digest)."""
    name = INPUTS.get(stage, "")
    if name in made and job.order.job.inputs[name] != made[name]:
        yield f"its {stage} job read {name} {job.order.job.inputs[name][:12]}, not {made[name][:12]}"
