"""The store of a dry run: as much of a store as a driver needs, in memory, with made-up results."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jobs.spec import Order
from jobs.stages.registry import stage_of
from jobs.stages.stage import ScoringStage
from jobs.state import JobState
from jobs.store import JobRecord, SweepRecord, TrialRecord
from sweeps.driver.driver_store import DriverStore
from sweeps.driver.trials import trial_name

WORST = 1e9
"""The score of a trial that failed in the earlier search."""


class DryRunStore:
    """A `DriverStore` in memory that starts from the finished jobs and the trials of a real one."""

    def __init__(
        self, real: DriverStore, now: Callable[[], float], scored: ScoringStage, earlier: Sequence[TrialRecord] = ()
    ) -> None:
        """Start a dry run.

        Args:
            real: what is finished already; only read.
            now: the dry run's clock.
            scored: the stage whose jobs get a score.
            earlier: trials of an earlier search whose values this search's trials get.
        """
        self.requested: dict[str, JobRecord] = {}
        """Jobs that the driver has requested, by key."""
        self.changes = 0
        """Number of changes so far."""
        self._real, self._now, self._scored = real, now, scored
        self._finished = {job.key: job for job in real.jobs(states=[JobState.DONE, JobState.FAILED]) if job.is_usable}
        self._new: list[JobRecord] = []
        self._trials: dict[int, TrialRecord] = {}
        self._real_trials: dict[tuple[str, str], dict[int, TrialRecord]] = {}
        """Trials of the real store, by sweep and search."""
        self._num_scored: dict[str, int] = {}
        """Evaluations so far by what they read of earlier stages."""
        self._values = {trial_name(trial.number): WORST if trial.value is None else trial.value for trial in earlier}

    # What a driver needs

    def sweep(self, name: str) -> SweepRecord | None:
        """None: a planned sweep was never started."""
        return None

    def last_event(self) -> int:
        """Number of the newest event; a dry run keeps none."""
        return 0

    def changed_jobs(self, sweep: str, after: int) -> tuple[int, set[str]]:
        """The cursor, and all requested jobs: any of them may have changed."""
        return after, set(self.requested)

    def jobs(
        self,
        sweep: str | None = None,
        states: Iterable[JobState] | None = None,
        keys: Collection[str] | None = None,
    ) -> list[JobRecord]:
        """Requested jobs, all or those in some states or of some keys."""
        wanted = None if states is None else set(states)
        return [
            job
            for job in self.requested.values()
            if (keys is None or job.key in keys) and (wanted is None or job.state in wanted)
        ]

    def job(self, key: str) -> JobRecord | None:
        """A requested job."""
        return self.requested.get(key)

    def put_job(self, order: Order) -> JobRecord:
        """Request a job: finished if it is finished in the real store, else queued."""
        key = order.job.key
        if key not in self.requested:
            self.changes += 1
            finished = self._finished.get(key)
            if finished is not None:
                self.requested[key] = replace(finished, order=order, needed_by=_needed_by(order))
            else:
                self.requested[key] = _queued(key, order, self._now())
                self._new.append(self.requested[key])
        return self.requested[key]

    def add_entry(self, order: Order) -> JobRecord:
        """Note that one more entry needs a requested job."""
        record = self.requested[order.job.key]
        self.requested[record.key] = replace(record, needed_by={**record.needed_by, **_needed_by(order)})
        return self.requested[record.key]

    def trials(self, sweep: str, search: str) -> list[TrialRecord]:
        """Trials of the real search, and those of the dry run.

        A real trial that is complete counts as running, so that the driver requests its finished jobs and the plan has
        them.
        """
        if (sweep, search) not in self._real_trials:  # a database is slower than the whole rest of a step
            self._real_trials[sweep, search] = {
                trial.number: replace(trial, state="running", value=None) if trial.state == "complete" else trial
                for trial in self._real.trials(sweep, search)
            }
        real = self._real_trials[sweep, search]
        return [trial for _, trial in sorted((real | self._trials).items())]

    def put_trial(self, sweep: str, search: str, trial: TrialRecord) -> None:
        """Keep a trial."""
        self.changes += 1
        self._trials[trial.number] = trial

    # What the dry run does

    def take_new(self) -> list[JobRecord]:
        """Queued jobs that were requested since the last call."""
        new, self._new = self._new, []
        return new

    def finish(self, key: str) -> JobRecord:
        """End a job with a made-up result."""
        self.changes += 1
        record = self.requested[key]
        self.requested[key] = replace(
            record, state=JobState.DONE, outputs=self._made_up(record), fraction=1.0, finished=self._now()
        )
        return self.requested[key]

    def _made_up(self, record: JobRecord) -> Mapping[str, Any]:
        """Outputs of a job of any stage."""
        digest = hashlib.sha256(f"made up by {record.key}".encode()).hexdigest()
        stage = stage_of(record.order.job)
        outputs: dict[str, Any] = dict.fromkeys(stage.contents, digest)
        is_scored = stage.name == self._scored.name
        return outputs | self._scored.outputs_worth(self._score(record.order)) if is_scored else outputs

    def _score(self, order: Order) -> float:
        """The score of a trial: that of the earlier trial of its number, if there is one.

        Otherwise each artifact's first evaluation is its best. Winners then differ in everything that can differ, so
        that no plan counts too few trainings for them.
        """
        artifact = json.dumps([order.job.inputs.get(name) for name in sorted(self._scored.reads)])
        self._num_scored[artifact] = self._num_scored.get(artifact, 0) + 1
        return self._values.get(order.entry or "", float(self._num_scored[artifact]))


def _queued(key: str, order: Order, now: float) -> JobRecord:
    return JobRecord(
        key=key, order=order, state=JobState.QUEUED, created=now, failures=0, claimed_by=None, attempt=0, fraction=0.0,
        note="", checkpoint=None, outputs=None, reason=None, finished=None, seconds=None, needed_by=_needed_by(order),
    )  # fmt: skip


def _needed_by(order: Order) -> dict[str, int | None]:
    return {} if order.entry is None else {order.entry: order.trial}
