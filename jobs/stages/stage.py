"""A stage: a kind of work as an object, from what it reads to how it runs.

Nothing here imports what computes, so that `status` and `cancel` can ask a stage. Methods that do work import it when
they are called.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from golf.errors import InputError
from jobs.events import Event, Finished
from jobs.program import Program
from jobs.spec import Job, Order
from jobs.stages.request import Request, Subject

KEPT_ARTIFACTS = 4
"""Artifacts that a worker keeps loaded; a search runs many settings on few of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An output of an earlier stage."""

    stage: str
    output: str


class WorkSizes(Protocol):
    """Sizes that an estimate of a job's time needs beside the job itself."""

    def model(self, artifact: str) -> Mapping[str, Any] | None:
        """Settings of the model that an artifact holds; None where no finished job tells."""
        ...

    def lengths(self, documents: Mapping[str, Any]) -> tuple[int, ...]:
        """Predictions of each of the documents that a job's settings name."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stage(ABC):
    """A kind of work."""

    name: str
    version: int
    """Of its arithmetic: raised by hand whenever a change of code changes numbers. It is in every job's key."""
    reads: Mapping[str, Source] = field(default_factory=dict)
    """Input name → the output of an earlier stage that it is."""
    contents: tuple[str, ...] = ()
    """Outputs that are contents of the file store, by name."""
    intermediate: tuple[str, ...] = ()
    """Those of its contents that only later stages read: a lost one is made again when a job has to read it."""
    shown: tuple[str, ...] = ()
    """Those of its contents that only reports show: a lost one is left out, and not made again."""
    sections: tuple[str, ...]
    """Sections of a recipe (`train`, `quantize`, `eval`) whose settings its jobs depend on. With the sections of the
    stages that it reads from, they say which trials of a search share a job."""
    per_entry: bool = False
    """Whether there is one job for each leaderboard entry, on its first scored seed, or one for each of its seeds."""
    on_further_seeds: bool = False
    """Whether a stage with one job for each entry has a short job on each of the entry's further seeds, too."""
    silence_seconds: float = 900.0
    """How long a job may show no advance before it counts as hung."""
    clocks: tuple[str, ...] = ()
    """Clocks of a job's outputs that count its own work; what is on none of them is overhead."""
    usual_seconds: float | None = None
    """What a job is expected to take at most while nothing is known; None where its settings have a limit."""

    is_gang: ClassVar[bool]
    """Whether it takes all its slots on one node at once, and ends the workers there."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """Its contents that are evidence of an entry: the next run of its sweep makes a lost one again."""
        return tuple(name for name in self.contents if name not in (*self.intermediate, *self.shown))

    @abstractmethod
    def request(self, subject: Subject) -> Request:
        """What a job about a subject consists of."""

    def label(self, entry: str | None, seed: int) -> str:
        """What a person calls a job, for display only. Without an entry, several need the job, or a whole search."""
        alone = self.per_entry and not self.on_further_seeds and entry is not None
        parts = [self.name, entry, None if alone else f"seed {seed}"]
        return " ".join(part for part in parts if part is not None)

    def check_version(self, job: Job) -> None:
        """Make sure that this code computes the numbers of a job.

        Raises:
            InputError: another version of golfsweep ordered it.
        """
        if job.arithmetic != self.version:
            raise InputError(
                f"ordered by another version of golfsweep ({self.name} arithmetic {job.arithmetic}; here it is "
                f"{self.version}); let one version schedule, and run the sweep again with it"
            )

    @property
    def title(self) -> str:
        """What a person calls it."""
        return title_of(self.name)

    # Time

    def time_limit(self, order: Order) -> float | None:
        """Seconds after which a job ends itself; None without a limit."""
        limit: float | None = order.job.settings.get(self.name, {}).get("max_seconds")
        return limit

    def silence(self, order: Order) -> float:
        """How long a job may show no advance before it counts as hung."""
        return self.silence_seconds

    def limit_seconds(self, order: Order, sizes: WorkSizes) -> float | None:
        """What a job takes by its own limit, where no job like it has run yet."""
        return self.time_limit(order)

    def duration_group(self, order: Order) -> tuple[Any, ...]:
        """What jobs of the stage must share for the time of one to say how long another takes."""
        return ()

    def work(self, order: Order, clock: str, sizes: WorkSizes) -> float:
        """Rough operations a slot of what one of its clocks counts; 0 where that is not known."""
        return 0.0

    def bound_seconds(self, job: Job, seconds: float) -> float:
        """An estimate of a job's own work, cut to the job's limits."""
        return seconds

    def models_made(self, job: Job, outputs: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """Settings of the models that a finished job's artifacts hold, by digest."""
        return {}


def title_of(stage: str) -> str:
    """What a person calls the stage of a name: a script's by the name that its file gives it."""
    return stage.rpartition(".")[2]


class ScoringStage(Stage):
    """A stage whose jobs' outputs hold a score, by which recipes are compared."""

    __slots__ = ()

    @abstractmethod
    def value_of(self, outputs: Mapping[str, Any]) -> float:
        """The score of a finished job, in bits per byte; lower is better."""

    @abstractmethod
    def outputs_worth(self, value: float) -> dict[str, Any]:
        """Outputs of a job that would have a score, for a sweep that is played through."""


class GangStage(Stage):
    """A stage whose jobs run as gangs, in processes of their own."""

    __slots__ = ()
    is_gang = True

    @abstractmethod
    def program(self, order: Order) -> Program:
        """What the gang of a job runs.

        Raises:
            InputError: the job's settings are not those of the stage.
        """


class WorkerStage(Stage):
    """A stage whose jobs run in warm workers, one a slot."""

    __slots__ = ()
    is_gang = False

    @abstractmethod
    def run(self, order: Order, inputs: Mapping[str, bytes], shards: Sequence[int]) -> Iterator[Event]:
        """Do a job, or a worker's shards of it; the last event is Finished.

        Args:
            order: the job.
            inputs: contents by name.
            shards: for a stage with shards those to do, else empty.
        """


class ShardedStage(WorkerStage):
    """A stage whose jobs are cut into shards, which several workers share."""

    __slots__ = ()

    @abstractmethod
    def count_shards(self, order: Order, inputs: Mapping[str, bytes]) -> int:
        """How many shards a job has: the same on every machine."""

    @abstractmethod
    def keeps_shards(self, job: Job) -> bool:
        """Whether an attempt goes on from the shards of earlier ones."""

    @abstractmethod
    def merge(self, shards: Sequence[bytes], parts: Sequence[Finished]) -> Finished:
        """The result of a job from its shards, in order, and from what its workers finished with."""


class UnknownStage(WorkerStage):
    """Stands for a stage of another version of golfsweep: its jobs can be shown and cancelled, and not be run."""

    __slots__ = ()

    def check_version(self, job: Job) -> None:
        raise self._error()

    def request(self, subject: Subject) -> Request:
        raise self._error()

    def run(self, order: Order, inputs: Mapping[str, bytes], shards: Sequence[int]) -> Iterator[Event]:
        raise self._error()

    def _error(self) -> InputError:
        return InputError(
            f'stage "{self.name}": this version of golfsweep has no such stage; let the version schedule that ordered '
            f"the job, or run the sweep again with this one"
        )
