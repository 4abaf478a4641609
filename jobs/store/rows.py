"""What the store returns: a row of each of its tables as a frozen record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.events import FAILED_AFTER
from jobs.spec import Order
from jobs.state import AttemptState, EventKind, JobState


def is_complete(outputs: Mapping[str, Any] | None) -> bool:
    """Whether the outputs of a job that failed are all that it was to leave."""
    return FAILED_AFTER in (outputs or {})


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRecord:
    """A job and where it stands."""

    key: str
    order: Order
    state: JobState
    created: float
    failures: int
    """Attempts that failed by the job's own fault."""
    claimed_by: str | None
    attempt: int
    """Number of the last attempt, from 1; 0 before the first."""
    fraction: float
    note: str
    checkpoint: str | None
    outputs: Mapping[str, Any] | None
    reason: str | None
    finished: float | None
    seconds: float | None
    """How long the attempt that succeeded ran."""
    attempts_before_request: int = 0
    """Attempts up to this number were made before the job was last requested."""
    needed_by: Mapping[str, int | None] = field(default_factory=dict)
    """Entries of its order's sweep that need it → the number of the trial, for those that are one."""

    @property
    def is_usable(self) -> bool:
        """Whether later jobs go by its outputs: it is done, or failed after all of them were complete."""
        return self.state == JobState.DONE or (self.state == JobState.FAILED and is_complete(self.outputs))


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRecord:
    """One try at a job."""

    number: int
    state: AttemptState
    scheduler: str
    host: str
    workdir: str
    versions: Mapping[str, str]
    commit: str | None
    started: float
    heartbeat: float
    ended: float | None
    reason: str | None
    log: str | None
    peak_bytes: int | None
    cost: float | None
    failure: str | None
    """The kind of failure, as jobs.events.Failure has it."""
    node: str | None
    """The node's name in its cluster."""
    slots: int
    sweep: str | None
    """The sweep that pays."""
    reserved_hours: float
    """GPU-hours that are reserved for it while it runs."""
    seconds: float
    """How long it has run by a clock that nobody sets, as of its last heartbeat, or in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRecord:
    """A trial of a search."""

    number: int
    parameters: Mapping[str, Any]
    distributions: Mapping[str, str]
    """Name → Optuna's JSON."""
    state: str
    """running, complete, failed, or infeasible: out of the bounds that the file sets, whatever its score."""
    value: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepRecord:
    """A sweep that was started: its file as plain data, and what it was resolved to."""

    name: str
    spec: Mapping[str, Any]
    created: float
    state: str
    """One of jobs.state.SweepState."""
    reason: str | None
    """Why it is in this state, where that needs a word."""
    budget: Mapping[str, float | None] | None
    spent_hours: float
    """GPU-hours of its ended attempts."""
    owner: str = ""
    """Who started it first, or gave another name."""
    tags: tuple[str, ...] = ()
    entries_version: int = 0
    """The form in which its entries are written; 0 where an earlier version of golfsweep wrote none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerRecord:
    """A process that runs a cluster's jobs."""

    name: str
    host: str
    pid: int
    heartbeat: float
    cluster: str
    slots: int
    widest: int
    """Slots of its largest node."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DriverRecord:
    """A process that drives a sweep."""

    sweep: str
    name: str
    host: str
    pid: int
    cluster: str
    """The cluster that runs its jobs."""
    since: float
    heartbeat: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRecord:
    """Something that happened; see jobs.state.EventKind."""

    id: int
    """Larger than that of every event that became visible before it."""
    time: float
    kind: EventKind
    sweep: str | None
    entry: str | None
    key: str | None
    """Of the job that it happened to."""
    who: str
    """A driver, a scheduler, or a user."""
    detail: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True)
class EntryRecord:
    """One line of a leaderboard with the evidence for it; `sweeps.entries.form` says what both JSON parts hold."""

    sweep: str
    name: str
    position: int
    """Its place in the sweep's file; trials follow the arms."""
    content: Mapping[str, Any]
    """What the leaderboard shows and compares."""
    evidence: Mapping[str, Any]
    """Keys of jobs, digests of contents, and versions of the code: the evidence for the content."""
    updated: float = 0.0
    """When it was last written; the store sets it."""
    withdrawn: str | None = None
    """Why it does not count until its sweep is run again; None while it counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileStoreRecord:
    """Where the contents of a database lie."""

    id: str
    """What the identity file of that place holds."""
    location: str
    """Its path or URL when it was first used."""
    host: str | None
    """The machine of which it is a folder; None of a service."""
    recorded: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningAttempt:
    """An attempt that runs, and where."""

    key: str
    sweep: str | None
    node: str | None
    host: str
    slots: int
    started: float
    label: str
    fraction: float
    cluster: str
    """Empty if its scheduler has gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingJobs:
    """Jobs of a running sweep that wait."""

    sweep: str
    jobs: int
    priority: int
    """Of the most urgent one."""
    since: float
    """Epoch seconds at which the oldest one was requested."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeRecord:
    """The result of the last check of a node."""

    cluster: str
    name: str
    host: str
    good: bool
    """Whether jobs are placed on it."""
    reason: str
    checked: float
    until: float | None = None
    """When a bad node is retried; None: not before a later check finds it good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRecord:
    """A token of the service, without its secret."""

    id: str
    scope: str
    """One of jobs.state.Scope."""
    owner: str
    """In whose name it acts."""
    created: float
    expires: float | None
    """None: never."""
    revoked: float | None
    """When it was taken back; None as long as it is good."""
    used: float | None
    """About when it was last used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareRecord:
    """A link that shows a sweep or one of its entries without a login, without its secret."""

    id: str
    sweep: str
    entry: str | None
    """None: the whole sweep."""
    owner: str
    created: float
    expires: float
    revoked: float | None
    used: float | None
    """About when it was last opened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionRecord:
    """A version of a sweep's file that somebody submitted."""

    ticket: str
    """Names it."""
    sweep: str
    version: int
    """From 1, for each sweep."""
    digest: str
    """Of all that decides what is run: the file, the assignments and the script's files."""
    file: str
    """The text of the sweep file."""
    assignments: tuple[str, ...]
    """Values on top of the file, as `--set` takes them."""
    files: Mapping[str, str]
    """Files of a script: relative path, as the sweep file names it → digest of the content."""
    owner: str
    agent: str | None
    """Name of the agent that submitted it; None for a person."""
    tags: tuple[str, ...]
    state: str
    """One of jobs.state.SubmissionState."""
    reason: str | None
    """Why it is in this state, where that needs a word."""
    priority: int
    """What its jobs have in place of the priority in the file."""
    created: float
