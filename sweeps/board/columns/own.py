"""Columns that an entry fills alone: the worst of its seeds for sizes and times, the mean for scores.

See `sweeps.board.columns` for how to add one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.board.entry_runs import CLOCKS, EntryRuns, WorstSeed, count_code_bytes
from sweeps.board.evaluation import ImportedEntry, ValidationSet, format_day
from sweeps.board.rules import LIMIT_BYTES, LIMIT_SECONDS, RuleFinding
from sweeps.contests.catalog import DEFAULT


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnColumn:
    """A column that needs no other entry; without a function its value is null."""

    name: str
    of_runs: Callable[[EntryRuns], Any] | None = None
    """Computes the value from a sweep's evaluations."""
    of_record: Callable[[ImportedEntry], Any] | None = None
    """Computes the value from a public record."""
    varies: bool = False
    """Whether it differs between two runs of one sweep."""


def fill_from_runs(entry: EntryRuns) -> dict[str, Any]:
    """Column → value of a sweep's entry, in the order of OWN_COLUMNS."""
    return _UNKNOWN | {name: compute(entry) for name, compute in _OF_RUNS}


def fill_from_record(record: ImportedEntry) -> dict[str, Any]:
    """Column → value of a public record, in the order of OWN_COLUMNS."""
    return _UNKNOWN | {name: compute(record) for name, compute in _OF_RECORD}


def total_bytes(record: ImportedEntry) -> int | None:
    """Bytes of a record: its total, or the sum of model and code where only those are known."""
    if record.total_bytes is not None or record.model_bytes is None or record.code_bytes is None:
        return record.total_bytes
    return record.model_bytes + record.code_bytes


def _list_findings(findings: Sequence[RuleFinding]) -> list[dict[str, str]]:
    return [{"code": finding.code, "detail": finding.detail} for finding in findings]


def _count_audited_seeds(entry: EntryRuns) -> int | None:
    audits = [run.own_audit for run in entry.runs]
    return None if None in audits else sum(audit is True for audit in audits)


def _seeds(entry: EntryRuns) -> dict[str, float | None]:
    return {str(run.seed): score for run, score in zip(entry.runs, entry.scores, strict=True)}


def _bytes(entry: EntryRuns) -> dict[str, int | None]:
    largest = entry.largest
    return {
        "model": largest.model_bytes,
        "code": count_code_bytes(largest, entry.profile),
        "code_shipped": largest.code_bytes,
        "code_source": largest.source_bytes,
        "total": entry.worst[entry.profile].bytes,
        "limit": LIMIT_BYTES,
    }


def _bytes_of_record(record: ImportedEntry) -> dict[str, int | None]:
    parts = {"model": record.model_bytes, "code": record.code_bytes}
    return {**parts, "total": total_bytes(record), "limit": LIMIT_BYTES}


def _cost(entry: EntryRuns) -> float | None:
    costs = [run.cost for run in entry.runs]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(values) if len(known) == len(values) else None


def _adapted_bpb(entry: EntryRuns) -> float | None:
    return _mean(entry.scores) if entry.first.adapts else None


def _steps(entry: EntryRuns) -> int | None:
    steps = [run.steps for run in entry.runs if run.steps]
    return min(steps) if len(steps) == len(entry.runs) else None


def _ms_per_step(entry: EntryRuns) -> float | None:
    clock = CLOCKS["accepted"][0]
    paces = [1000 * run.clocks[clock] / run.steps for run in entry.runs if run.steps and clock in run.clocks]
    return max(paces) if len(paces) == len(entry.runs) else None


def _headroom(worst: WorstSeed) -> dict[str, float | None]:
    """What the worst seed leaves of the limits; None where it is not known."""
    return {
        "bytes": None if worst.bytes is None else LIMIT_BYTES - worst.bytes,
        "train_seconds": None if worst.train_seconds is None else LIMIT_SECONDS - worst.train_seconds,
        "eval_seconds": None if worst.eval_seconds is None else LIMIT_SECONDS - worst.eval_seconds,
    }


def _validation_set(measured: ValidationSet) -> dict[str, Any]:
    sizes = {"documents": measured.documents, "tokens": measured.tokens, "bytes": measured.bytes}
    return {"data": measured.data, **sizes}


def _machine(entry: EntryRuns) -> str | None:
    return entry.first.machine if len({run.machine for run in entry.runs}) == 1 else None


def _same_code(entry: EntryRuns) -> bool | None:
    commits = {commit for run in entry.runs for commit in run.code}
    return len(commits) == 1 if commits and None not in commits else None


def _same_settings(entry: EntryRuns) -> bool | None:
    return len({run.settings for run in entry.runs}) == 1 if entry.first.settings else None


OWN_COLUMNS: tuple[OwnColumn, ...] = (
    OwnColumn(name="name", of_runs=lambda entry: entry.first.row, of_record=lambda record: record.name),
    OwnColumn(name="track", of_runs=lambda entry: entry.track, of_record=lambda record: record.track),
    OwnColumn(name="seeds", of_runs=_seeds, of_record=lambda record: dict(record.seeds)),
    OwnColumn(name="bytes_total", of_runs=lambda entry: entry.worst[entry.profile].bytes, of_record=total_bytes),
    OwnColumn(
        name="train_seconds",
        of_runs=lambda entry: entry.worst[entry.profile].train_seconds,
        of_record=lambda record: record.train_seconds,
        varies=True,
    ),
    OwnColumn(
        name="eval_seconds",
        of_runs=lambda entry: entry.worst[entry.profile].eval_seconds,
        of_record=lambda record: record.eval_seconds,
        varies=True,
    ),
    OwnColumn(
        name="clocks",
        of_runs=lambda entry: entry.slowest,
        of_record=lambda record: dict(record.clocks),
        varies=True,
    ),
    OwnColumn(name="bytes", of_runs=_bytes, of_record=_bytes_of_record),
    OwnColumn(name="cost", of_runs=_cost, varies=True),
    OwnColumn(
        name="findings",
        of_runs=lambda entry: _list_findings(entry.findings),
        of_record=lambda record: _list_findings(record.findings),
    ),
    OwnColumn(name="contest", of_runs=lambda entry: DEFAULT, of_record=lambda record: DEFAULT),
    OwnColumn(name="source", of_runs=lambda entry: "golfsweep", of_record=lambda record: "import"),
    OwnColumn(name="sweep", of_runs=lambda entry: entry.first.sweep or None),
    OwnColumn(
        name="date",
        of_runs=lambda entry: format_day(max([run.stage for run in entry.runs])),
        of_record=lambda record: None if record.date is None else format_day((record.date, 0)),
        varies=True,
    ),
    OwnColumn(
        name="bpb_trained",
        of_runs=lambda entry: _mean([run.trained_bpb for run in entry.runs]),
        of_record=lambda record: record.trained_bpb,
    ),
    OwnColumn(
        name="bpb_quantized",
        of_runs=lambda entry: _mean([run.quantized_bpb for run in entry.runs]),
        of_record=lambda record: record.quantized_bpb,
    ),
    OwnColumn(name="bpb_adapted", of_runs=_adapted_bpb),
    OwnColumn(name="steps", of_runs=_steps, of_record=lambda record: record.steps),
    OwnColumn(name="ms_per_step", of_runs=_ms_per_step, varies=True),
    OwnColumn(
        name="headroom",
        of_runs=lambda entry: {profile: _headroom(worst) for profile, worst in entry.worst.items()},
        varies=True,
    ),
    OwnColumn(name="validation_set", of_runs=lambda entry: _validation_set(entry.first.text)),
    OwnColumn(
        name="tokenizer",
        of_runs=lambda entry: entry.first.text.tokenizer,
        of_record=lambda record: record.tokenizer,
    ),
    OwnColumn(name="machine", of_runs=_machine),
    OwnColumn(name="same_code", of_runs=_same_code),
    OwnColumn(name="same_settings", of_runs=_same_settings),
    OwnColumn(name="audited_seeds", of_runs=_count_audited_seeds),
    OwnColumn(name="trials", of_runs=lambda entry: entry.first.trials),
    OwnColumn(name="author", of_record=lambda record: record.author),
    OwnColumn(name="url", of_record=lambda record: record.url),
)
_UNKNOWN: dict[str, Any] = dict.fromkeys(column.name for column in OWN_COLUMNS)
_OF_RUNS = [(column.name, column.of_runs) for column in OWN_COLUMNS if column.of_runs]
_OF_RECORD = [(column.name, column.of_record) for column in OWN_COLUMNS if column.of_record]
