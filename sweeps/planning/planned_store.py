"""A store in memory for a sweep that is played through."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jobs.spec import Order
from jobs.state import JobState
from jobs.store import JobRecord, Store, SweepRecord, TrialRecord
from sweeps.run.trials import trial_name

WORST = 1e9
"""Of a trial that failed."""


class PlannedStore(Store):
    """As much of a store as a driver needs, in memory: it begins with what the real one has finished."""

    def __init__(self, real: Store, now: Callable[[], float], before: Sequence[TrialRecord] = ()) -> None:
        """Begin; `before` are trials whose values this search's trials are supposed to have."""
        self.finished = {job.key: job for job in real.jobs(states=[JobState.DONE])}
        """Jobs of the real store that need not run again."""
        self.planned: dict[str, JobRecord] = {}
        """Jobs that the driver has asked for."""
        self.new: list[JobRecord] = []
        """Of these, the ones that have yet to run and nobody has taken."""
        self.changes = 0
        self._now = now
        self._trials = real.trials
        self._told: dict[int, TrialRecord] = {}
        self._scored: dict[str, int] = {}
        self._values = {trial_name(one.number): WORST if one.value is None else one.value for one in before}

    def sweep(self, name: str) -> SweepRecord | None:
        """A sweep that is planned was not started."""
        return None

    def last_event(self) -> int:
        """No events are kept."""
        return 0

    def changed_jobs(self, sweep: str, after: int) -> tuple[int, set[str]]:
        """Any of the jobs that the driver has requested may have changed."""
        return after, set(self.planned)

    def jobs(
        self,
        sweep: str | None = None,
        states: Iterable[JobState] | None = None,
        keys: Collection[str] | None = None,
    ) -> list[JobRecord]:
        """All jobs that the driver has requested, or those of some keys."""
        return [job for job in self.planned.values() if keys is None or job.key in keys]

    def put_job(self, order: Order) -> JobRecord:
        """Take an order: finished already, or to be run."""
        key = order.job.key
        if key not in self.planned:
            self.changes += 1
            real = self.finished.get(key)
            if real is not None:
                self.planned[key] = replace(real, order=order)
            else:
                self.planned[key] = _queued(key, order, self._now())
                self.new.append(self.planned[key])
        return self.planned[key]

    def finish_with(self, key: str) -> JobRecord:
        """A job ends with a result that is made up."""
        self.changes += 1
        record = self.planned[key]
        done = replace(record, state=JobState.DONE, outputs=self._made_up(record), fraction=1.0, finished=self._now())
        self.planned[key] = done
        return done

    def trials(self, sweep: str, search: str) -> list[TrialRecord]:
        """Trials that were drawn for real, and what was told since.

        What is known of a real one is told anew, from its finished jobs, so that these are planned and found.
        """
        real = {trial.number: trial for trial in self._trials(sweep, search)}
        real |= {n: replace(one, state="running", value=None) for n, one in real.items() if one.state == "complete"}
        return [trial for _, trial in sorted((real | self._told).items())]

    def put_trial(self, sweep: str, search: str, trial: TrialRecord) -> None:
        """Keep a trial."""
        self.changes += 1
        self._told[trial.number] = trial

    def _made_up(self, record: JobRecord) -> Mapping[str, Any]:
        """Outputs of any kind of job. A trial scores as the one that it is supposed to be like. Without such, each of
        several artifacts has its best score first, so that a search's winners differ in all that can differ, and no
        plan counts too few trainings for them."""
        digest = hashlib.sha256(f"made up by {record.key}".encode()).hexdigest()
        artifact = record.order.job.inputs.get("artifact", "")
        self._scored[artifact] = self._scored.get(artifact, 0) + 1
        value = self._values.get(record.order.label.rpartition(" seed ")[0])
        return {
            "weights": digest,
            "artifact": digest,
            "scores": digest,
            "nll": float(self._scored[artifact]) if value is None else value,
            "bytes": 1,
        }


def _queued(key: str, order: Order, now: float) -> JobRecord:
    return JobRecord(
        key=key, order=order, state=JobState.QUEUED, created=now, failures=0, claimed_by=None, attempt=0, fraction=0.0,
        note="", checkpoint=None, outputs=None, reason=None, finished=None, seconds=None,
    )  # fmt: skip
