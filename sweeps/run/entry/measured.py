"""What the evaluations of an entry have in common, whatever its sweep is made of."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.files import FileStore
from jobs.store import JobRecord, Store
from sweeps.board.evaluation import Arrival
from sweeps.board.rules import RuleFinding
from sweeps.driver.chain import JobChain
from sweeps.driver.sweep import Sweep
from sweeps.entries.audits import KEPT_OUTPUTS, entry_findings
from sweeps.entries.form import digest_settings
from sweeps.entries.forms.attempts import Attempts, list_commits, sum_costs


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
    seed_audits: Mapping[int, JobRecord] = field(default_factory=dict)
    """The short audits of its further seeds."""

    @property
    def audits(self) -> list[JobRecord]:
        """All of them."""
        return [*([] if self.audit is None else [self.audit]), *self.seed_audits.values()]

    @property
    def name(self) -> str:
        """The entry's."""
        return self.chains[0].entry

    @property
    def state(self) -> Hashable:
        """Changes whenever the entry may."""
        jobs = [job for chain in (*self.chains, *self.further) for job in chain.jobs.values()]
        jobs += self.audits
        return (self.position, self.tried, *((job.key, job.attempt) for job in jobs))


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """An entry's sources, with what the store says of their jobs."""

    sweep: Sweep
    sources: EntrySources
    attempts: Attempts
    audit: Mapping[str, Any] | None
    """The audit's outcome, as far as an entry keeps it."""
    seed_audits: Mapping[str, Mapping[str, Any]]
    """Those of the short audits of further seeds, by seed."""
    files: FileStore
    """Holds the tables of documents."""
    created: float
    """When the sweep was made, in epoch seconds."""

    @classmethod
    def of(
        cls,
        sweep: Sweep,
        store: Store,
        files: FileStore,
        sources: EntrySources,
        attempts: Attempts,
    ) -> "Measured":
        """Read what is missing from the store."""
        record, audit = store.sweep(sweep.spec.name), sources.audit
        assert record is not None
        return cls(
            sweep=sweep,
            sources=sources,
            attempts=attempts,
            audit=None if audit is None else _outcome(audit),
            seed_audits={str(seed): _outcome(job) for seed, job in sources.seed_audits.items()},
            files=files,
            created=record.created,
        )

    def cost(self, chain: JobChain) -> float | None:
        """Dollars that a seed took; None where one of its attempts has no price."""
        return sum_costs(chain.jobs.values(), self.attempts)

    def cost_of(self, chain: JobChain, stages: Iterable[str]) -> float | None:
        """Dollars that some of its stages took; None where one of their attempts has no price."""
        return sum_costs([chain.jobs[stage] for stage in stages], self.attempts)

    @property
    def findings(self) -> tuple[RuleFinding, ...]:
        """Of all audits."""
        return entry_findings(self.audit, self.seed_audits)

    def is_audited(self, artifact: str) -> bool:
        """Whether an audit was run on an artifact."""
        return any(job.order.job.inputs["artifact"] == artifact for job in self.sources.audits)

    def audit_of(self, seed: int) -> Mapping[str, Any] | None:
        """Outputs of the audit of a seed's own artifact; None where there is none yet."""
        audits = [job for job in self.sources.audits if job.order.job.seed == seed]
        return audits[0].outputs if audits else None

    def commits(self, chain: JobChain) -> tuple[str | None, ...]:
        """Commits of the code that the attempts ran, each once; None among them where one is not known."""
        return list_commits(chain.jobs.values(), self.attempts)

    def arrival(self, chain: JobChain) -> Arrival:
        """When the entry came."""
        return (self.created, 0 if chain.measurement.trial is None else 1)

    def trials(self, chain: JobChain) -> int:
        """Settings that were tried before this one was chosen."""
        return 0 if chain.measurement.trial is None else self.sources.tried

    def settings_digest(self, chain: JobChain) -> str:
        """Digest of every setting of the recipe."""
        return digest_settings(chain.measurement.recipe.settings())


def _outcome(audit: JobRecord) -> dict[str, Any]:
    return {name: (audit.outputs or {})[name] for name in KEPT_OUTPUTS}
