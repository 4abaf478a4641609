"""One thing in which an entry and its evidence do not agree, and the jobs that evidence names."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.store import JobRecord
from sweeps.entries.lost import LostKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """One thing in which an entry and its evidence do not agree."""

    line: str
    lost: LostKind | None = None
    """The kind of content that cannot be read, where that is all."""


def job_of(key: str, stage: str, jobs: Mapping[str, JobRecord]) -> JobRecord | None:
    """A job whose settings give its key; None where the store has none of that stage."""
    job = jobs.get(key)
    return job if job is not None and job.order.job.key == key and job.order.job.stage == stage else None


def no_job(stage: str, key: str) -> str:
    """Says that there is none."""
    return f"the store has no {stage} job {key[:12] or '(its evidence names none)'} whose settings give that key"
