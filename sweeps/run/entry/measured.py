"""What the evaluations of an entry have in common, whatever its sweep is made of."""

import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.state import AttemptState
from jobs.store import AttemptRecord, JobRecord, Store
from sweeps.board.evaluation import Arrival
from sweeps.driver.chain import JobChain
from sweeps.driver.sweep import Sweep
from sweeps.entries.audits import KEPT_OUTPUTS


@dataclass(frozen=True, kw_only=True, slots=True)
class EntrySources:
    """What an entry is built from."""

    position: int
    """Its place in the order of entries."""
    chains: Sequence[JobChain]
    """Of its finished seeds."""
    audit: JobRecord | None
    tried: int
    """Trials of its sweep that have a value."""
    further: Sequence[JobChain]
    """Of its seeds that are trained and not evaluated."""

    @property
    def name(self) -> str:
        """The entry's."""
        return self.chains[0].entry

    @property
    def state(self) -> Hashable:
        """Changes whenever the entry may."""
        jobs = [job for chain in (*self.chains, *self.further) for job in chain.jobs.values()]
        jobs += [] if self.audit is None else [self.audit]
        return (self.position, self.tried, *((job.key, job.attempt) for job in jobs))


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """An entry's sources, with what the store says of their jobs."""

    sweep: Sweep
    sources: EntrySources
    attempts: Mapping[str, Sequence[AttemptRecord]]
    """By the key of the job."""
    audit: Mapping[str, Any] | None
    """The audit's outcome, as far as an entry keeps it."""
    created: float
    """When the sweep was made, in epoch seconds."""

    @classmethod
    def of(
        cls, sweep: Sweep, store: Store, sources: EntrySources, attempts: Mapping[str, Sequence[AttemptRecord]]
    ) -> "Measured":
        """Read what is missing from the store."""
        record, audit = store.sweep(sweep.spec.name), sources.audit
        assert record is not None
        kept = None if audit is None else {name: (audit.outputs or {})[name] for name in KEPT_OUTPUTS}
        return cls(sweep=sweep, sources=sources, attempts=attempts, audit=kept, created=record.created)

    def tries(self, chain: JobChain) -> list[AttemptRecord]:
        """Every attempt at the jobs of a seed."""
        return [attempt for job in chain.jobs.values() for attempt in self.attempts[job.key]]

    def cost(self, chain: JobChain) -> float | None:
        """Dollars that a seed took; None where one of its attempts has no price."""
        costs = [attempt.cost for attempt in self.tries(chain) if attempt.state != AttemptState.RUNNING]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def commits(self, chain: JobChain) -> tuple[str | None, ...]:
        """Commits of the code that the attempts ran, each once; None among them where one is not known."""
        return tuple(sorted({attempt.commit for attempt in self.tries(chain)}, key=str))

    def arrival(self, chain: JobChain) -> Arrival:
        """When the entry came."""
        return (self.created, 0 if chain.measurement.trial is None else 1)

    def trials(self, chain: JobChain) -> int:
        """Settings that were tried before this one was chosen."""
        return 0 if chain.measurement.trial is None else self.sources.tried

    def settings_digest(self, chain: JobChain) -> str:
        """Digest of every setting of the recipe."""
        return hashlib.sha256(json.dumps(chain.measurement.recipe.settings(), sort_keys=True).encode()).hexdigest()
