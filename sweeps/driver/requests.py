"""A driver's jobs: what its sweep needs is requested from the store, stage after stage, and read back."""

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from jobs.spec import Order
from jobs.stages.pipeline import Pipeline
from jobs.stages.stage import Stage
from jobs.store import JobRecord
from sweeps.driver.chain import TERMINAL_STATES, JobChain, is_lost
from sweeps.driver.driver_store import DriverStore
from sweeps.driver.watching import Watching
from sweeps.spec.orders import Measurement, OrderBook


@dataclass(frozen=True, kw_only=True, slots=True)
class Advance:
    """How far some stages of a measurement are."""

    jobs: Mapping[str, JobRecord]
    """By stage, those that are in the store."""
    missing: frozenset[str]
    """Stages whose job could be requested and is not in the store: only a follower meets that."""
    open: frozenset[str]
    """Stages whose job is missing, is still to be requested, or has yet to end."""


class JobRequests:
    """Requests the jobs of one sweep."""

    def __init__(
        self, store: DriverStore, orders: OrderBook, pipeline: Pipeline, *, read_only: bool, retry: Collection[str] = ()
    ) -> None:
        """Begin with nothing known.

        Args:
            store, orders, pipeline: where jobs are, how they are ordered, and in which stages.
            read_only: whether to only look jobs up.
            retry: keys of jobs to request once more as soon as something needs them.
        """
        self._store, self._orders, self._pipeline, self._read_only = store, orders, pipeline, read_only
        self._watching = Watching(store, orders.sweep)
        self._retry = set(retry)
        self.jobs: dict[str, JobRecord] = {}
        """By key, as of the last look."""
        self.needed: set[str] = set()
        """Keys of all jobs that something has needed so far."""
        self.to_come: dict[str, set[Hashable]] = {}
        """By stage, what identifies each job that is still to be done; measurements that share a job count it once."""
        self._forget_counts()

    def look(self) -> None:
        """Read the sweep's jobs, and begin to count anew what is still to be done."""
        self._read_jobs()
        self._forget_counts()

    def _read_jobs(self) -> None:
        self.jobs = self._watching.jobs()

    def _forget_counts(self) -> None:
        self.to_come = {stage.name: set() for stage in self._pipeline}

    def chain(
        self, measurement: Measurement, *, shared: Collection[str] = (), others: Iterable[Stage] = ()
    ) -> JobChain | None:
        """Request what leads to a measurement's score, as far as it goes; None where a follower misses a job of that.

        Args:
            measurement: what is scored.
            shared: stages whose jobs a whole search needs, not this measurement alone.
            others: stages that are to have a job beside the score.
        """
        scoring = self._pipeline.scoring()
        names = {stage.name for stage in scoring}
        advance = self.advance(measurement, [*scoring, *others], shared=shared)
        if advance.missing & names:
            return None
        return JobChain(
            measurement=measurement,
            scored=self._pipeline.scored,
            jobs={stage: job for stage, job in advance.jobs.items() if stage in names},
            others={stage: job for stage, job in advance.jobs.items() if stage not in names},
            complete=advance.open <= names,
        )

    def advance(
        self,
        measurement: Measurement,
        stages: Iterable[Stage],
        known: Mapping[str, JobRecord] | None = None,
        shared: Collection[str] = (),
    ) -> Advance:
        """Request the job of every stage whose inputs are there, and count those that come after.

        Args:
            measurement: what the jobs are about.
            stages: in the order in which they build on one another.
            known: jobs of earlier stages.
            shared: stages whose jobs a whole search needs.
        """
        before, jobs = dict(known or {}), dict[str, JobRecord]()
        keys = {stage: job.key for stage, job in before.items() if not is_lost(job)}
        missing, waiting = set[str](), set[str]()
        for stage in stages:
            if any(source.stage not in keys for source in stage.reads.values()):
                continue  # one of them failed, or is missing
            subject = replace(measurement, entry=None, trial=None) if stage.name in shared else measurement
            order = self._orders.order(stage, subject, self._inputs(stage, before, keys))
            if all(source.stage in before and self._stands(before[source.stage]) for source in stage.reads.values()):
                job = self.request(order)
                if job is None:
                    missing.add(stage.name)
                    continue
                before[stage.name] = jobs[stage.name] = job
                if is_lost(job):
                    continue
            keys[stage.name] = order.job.key
            if stage.name not in jobs or jobs[stage.name].state not in TERMINAL_STATES:
                waiting.add(stage.name)
                self.to_come[stage.name].add(order.job.key)
        return Advance(jobs=jobs, missing=frozenset(missing), open=frozenset(missing | waiting))

    def request(self, order: Order) -> JobRecord | None:
        """The job of an order, written down if it is new; a follower only looks whether it is there."""
        key = order.job.key
        self.needed.add(key)
        job = self.jobs.get(key)
        if job is None or key in self._retry:
            self._retry.discard(key)
            job = self._store.job(key) if self._read_only else self._store.put_job(order)
        elif not self._read_only and order.entry is not None and order.entry not in job.needed_by:
            job = self._store.add_entry(order)
        if job is not None:
            self.jobs[key] = job
        return job

    def _inputs(self, stage: Stage, jobs: Mapping[str, JobRecord], keys: Mapping[str, str]) -> dict[str, str]:
        """What a stage reads: digests of outputs, or in place of those that are not there what tells them apart."""
        inputs = {}
        for name, source in stage.reads.items():
            job = jobs.get(source.stage)
            outputs = job.outputs if job is not None and self._stands(job) else None
            inputs[name] = f"{source.output} of {keys[source.stage]}" if outputs is None else outputs[source.output]
        return inputs

    def _stands(self, job: JobRecord) -> bool:
        """Whether later stages can go by a job's outputs; for a follower also where they are made once more."""
        if self._read_only:
            return job.outputs is not None and not is_lost(job)
        return job.is_usable
