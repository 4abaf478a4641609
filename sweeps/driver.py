"""The driver of one sweep: decides what to run next, writes it to the store as jobs, and reads off what came out.

Nothing is held here that is not in the store: a new driver of the same sweep takes up where the last one ended.
One call of `step` looks once at everything and returns; it neither waits nor runs anything itself.

    tuning seeds   train → quantize ─┐
    search         ask → eval on few tuning documents → tell, then the best on more documents and all seeds
    confirm        arms and the best trials: fresh seeds, train → quantize → eval on the whole validation set
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jobs.spec import Order
from jobs.state import JobState
from jobs.store import JobRecord, RunRecord, Store, TrialRecord
from sweeps.file import SweepSpec
from sweeps.recipe import Recipe
from sweeps.search import Search, Trial
from sweeps.stages import DocumentSet, Stages


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One recipe, seed and set of documents on its way to a score."""

    row: str
    recipe: Recipe
    seed: int
    documents: DocumentSet


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How far a run has come: the job it waits for, and its evaluation once that is done."""

    waiting: JobRecord
    evaluation: JobRecord | None = None

    @property
    def failed(self) -> bool:
        return self.waiting.state in (JobState.FAILED, JobState.CANCELLED)


@dataclass(slots=True)
class Snapshot:
    """What a driver's last look showed."""

    stage: str = "starting"
    jobs: list[JobRecord] = field(default_factory=list)
    trials_done: int = 0
    trials: int = 0
    best_bpb: float | None = None
    best_name: str | None = None
    done: bool = False
    failures: list[JobRecord] = field(default_factory=list)
