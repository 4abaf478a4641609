"""An entry of a contest as the database keeps it: what its runs measured; the rest is computed when it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sweeps.board.rules import RuleFinding, Track
from sweeps.contests.contest import Contest
from sweeps.standings.findings import choose_contest_track
from sweeps.standings.record import ContestRecord
from sweeps.standings.rules import Side, exact_mean


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """What one run measured at the step that counts."""

    score: Decimal
    """As printed."""
    seconds: float | None = None
    gpu: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data; the score as text, so that no digit changes."""
        return {"score": str(self.score), "seconds": self.seconds, "gpu": self.gpu}


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestEntry:
    """An entry of a contest."""

    name: str
    contest: str
    metric: str
    """The score that counts."""
    step: int | None
    """The step at which it was measured."""
    runs: Mapping[str, RunResult]
    track: Track
    findings: tuple[RuleFinding, ...] = ()
    date: str | None = None
    """YYYY-MM-DD."""
    row: int | None = None
    """Its row in a table of results, which orders entries of one day."""
    machine: str | None = None
    """Entries with equal text here were made on one machine; None where nothing says so."""
    compared_with: str | None = None
    """Full name of the entry that its record, or its sweep, is compared with."""
    sweep: str = ""
    """Empty for a public record."""
    source: str = "import"
    trials: int = 0
    """Trials of the search that it is the best of; 0 for an entry that no search found."""
    dollars: float | None = None
    """What all its runs have cost; None where nobody knows."""

    @property
    def full_name(self) -> str:
        """Its name among all entries of its contest."""
        return f"{self.sweep}/{self.name}" if self.sweep else self.name

    @property
    def key(self) -> str:
        """Its name among the public records of all contests."""
        return f"{self.contest}/{self.name}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "contest": self.contest,
            "name": self.name,
            "metric": self.metric,
            "step": self.step,
            "runs": {name: run.to_json() for name, run in self.runs.items()},
            "track": self.track,
            "findings": [{"code": finding.code, "detail": finding.detail} for finding in self.findings],
            "date": self.date,
            "row": self.row,
            "machine": self.machine,
            "compared_with": self.compared_with,
        }

    def side(self, contest: Contest) -> Side:
        """What rules take of it."""
        seconds = [run.seconds for run in self.runs.values() if run.seconds is not None]
        whole = seconds if len(seconds) == len(self.runs) else []
        scores = [run.score for run in self.runs.values()]
        return Side(scores=scores, seconds=whole, value=_value(contest, scores, whole, self.step))


def entry_of(record: ContestRecord, findings: Sequence[RuleFinding]) -> ContestEntry:
    """The entry of a record folder."""
    folder, claim = record.folder, record.folder.claim
    validations = record.validations
    return ContestEntry(
        name=folder.name,
        contest=record.contest.name,
        metric=record.metric,
        step=record.step,
        runs={
            run.name: RunResult(
                score=validations[run.name].scores[record.metric],
                seconds=validations[run.name].seconds,
                gpu=run.log.gpu,
            )
            for run in record.runs
            if run.name in validations
        },
        track=choose_contest_track(findings),
        findings=tuple(findings),
        date=folder.date,
        row=None if claim is None else claim.row,
        machine=_find_machine(record),
        compared_with=folder.compared_with,
    )


def _find_machine(record: ContestRecord) -> str | None:
    """The machine of all runs, which only the runs of one record folder can share; None where their logs differ."""
    machines = {(run.log.gpu, run.log.gpus, tuple(sorted(run.log.hosts))) for run in record.runs}
    if len(machines) != 1:
        return None
    gpu, count, hosts = machines.pop()
    parts = [record.folder.place, f"{count or ''} {gpu or 'unknown GPU'}".strip(), *hosts]
    return ", ".join(parts)


def _value(contest: Contest, scores: Sequence[Decimal], seconds: Sequence[float], step: int | None) -> float | None:
    """What an entry is ranked by."""
    if not scores:
        return None
    match contest.ranked.by:
        case "steps":
            return None if step is None else float(step)
        case "seconds":
            return sum(seconds) / len(seconds) if seconds else None
        case "score":
            return float(exact_mean(scores))
