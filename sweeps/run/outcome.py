"""How far a sweep and its runs have come, as one look at the store shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from golf.score import bits_per_byte
from jobs.state import JobState
from jobs.store import JobRecord
from sweeps.spec.orders import DocumentSet
from sweeps.spec.recipe import Recipe

ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One recipe, seed and set of documents on its way to a score."""

    row: str
    recipe: Recipe
    seed: int
    documents: DocumentSet


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How far a run has come: its jobs so far, the last of which it waits for unless it is the finished evaluation."""

    run: Run
    jobs: tuple[JobRecord, ...]

    @property
    def done(self) -> bool:
        return self.jobs[-1].order.job.stage == "eval" and self.jobs[-1].state == JobState.DONE

    @property
    def failed(self) -> bool:
        return self.jobs[-1].state in (JobState.FAILED, JobState.CANCELLED)

    @property
    def bpb(self) -> float:
        """Bits per byte of the finished evaluation."""
        outputs = self.jobs[-1].outputs
        assert outputs is not None
        return bits_per_byte(outputs["nll"], outputs["bytes"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What one look showed."""

    stage: str
    done: bool
    jobs: tuple[JobRecord, ...]
    trials: int
    trials_done: int
    best: tuple[str, float] | None
    """Name and bits per byte of the best trial so far."""
    to_come: Mapping[str, int]
    """Jobs still to be done by kind, those that are not written down yet included."""
    ended: str | None = None
    """Why the sweep was ended before it was done, e.g. "cancelled: cancelled by a user"."""
    blocked: JobRecord | None = None
    """What the rest of the search waits for in vain: a job of all its trials that failed or was cancelled."""

    @property
    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        return {state: sum(job.state == state for job in self.jobs) for state in JobState}

    @property
    def running(self) -> list[JobRecord]:
        return [job for job in self.jobs if job.state == JobState.RUNNING]

    @property
    def failures(self) -> list[JobRecord]:
        return [job for job in self.jobs if job.state == JobState.FAILED]
