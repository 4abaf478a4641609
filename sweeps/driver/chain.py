"""The jobs of one measurement, each built on those before it, and how far they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.stages.stage import ScoringStage
from jobs.state import JobState
from jobs.store import JobRecord
from sweeps.spec.orders import Measurement

FAILED = (JobState.FAILED, JobState.CANCELLED)
TERMINAL_STATES = (JobState.DONE, *FAILED)


def is_lost(job: JobRecord) -> bool:
    """Whether nothing can be built on a job any more: it failed or was cancelled, and left not all of its outputs."""
    return job.state in FAILED and not job.is_usable


@dataclass(frozen=True, kw_only=True, slots=True)
class JobChain:
    """The jobs of a measurement that are in the store so far."""

    measurement: Measurement
    scored: ScoringStage
    """The stage whose outputs hold the score."""
    jobs: Mapping[str, JobRecord]
    """By stage, those that lead to the score, in the order in which they build on one another."""
    others: Mapping[str, JobRecord] = field(default_factory=dict)
    """By stage, those that an entry has for each seed beside its score."""
    complete: bool = True
    """Whether all of these have ended."""

    @property
    def entry(self) -> str:
        """The leaderboard entry that it belongs to."""
        assert self.measurement.entry is not None
        return self.measurement.entry

    @property
    def seed(self) -> int:
        """Of the measurement."""
        return self.measurement.seed

    @property
    def done(self) -> bool:
        """Whether the score is there."""
        job = self.jobs.get(self.scored.name)
        return job is not None and job.state == JobState.DONE

    @property
    def failed(self) -> bool:
        """Whether there will be no score."""
        return self.failure is not None

    @property
    def failure(self) -> JobRecord | None:
        """The job for whose failure, or cancellation, there will be no score."""
        return next((job for job in self.jobs.values() if is_lost(job)), None)

    @property
    def ended(self) -> bool:
        return self.done or self.failed

    @property
    def value(self) -> float:
        """The score of a chain that is done, in bits per byte."""
        return self.scored.value_of(self.outputs(self.scored.name))

    def outputs(self, stage: str) -> Mapping[str, Any]:
        """The outputs of a finished job."""
        job = self.jobs[stage] if stage in self.jobs else self.others[stage]
        assert job.outputs is not None
        return job.outputs
