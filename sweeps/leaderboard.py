"""The leaderboard: evaluations of recipes and seeds → one ranked row a recipe, as a pandas frame.

Rows are ranked within their track and tested only against rows of the same track. The p-values of a row:

    p_value      Welch across seeds against the baseline, margin 0.005 nats per token in the set's own bits per byte
    p_adjusted   the same, Holm-corrected over all rows of the track that have one
    p_incumbent  Welch with margin 0 against the best legal row of an earlier sweep or stage
    p_paired     document by document against the baseline on the same artifacts
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from golf.artifact import LIMIT_BYTES
from golf.score import bits_per_byte, nats_per_token_to_bpb
from sweeps.rules import MARGIN_NATS, Facts, Finding, Profile, Track, measured_findings, track
from sweeps.statistics import TestResult, holm, one_sample_test, paired_test, published_test, summary, welch_test

TRACKS: tuple[Track, ...] = ("legal", "flagged", "unverified")
COLUMNS = (
    "name", "track", "rank", "val_bpb_mean", "val_bpb_std", "val_bpb_ci95", "seeds", "p_value", "p_adjusted",
    "p_incumbent", "p_paired", "bytes_total", "train_seconds", "eval_seconds", "clocks", "bytes", "cost", "findings",
    "source",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """One recipe and seed, evaluated."""

    row: str
    seed: int
    documents: pd.DataFrame
    """A row a document: document, nll (nats), tokens, bytes."""
    data: str
    """Digest of the validation tokens: only evaluations of the same text are compared."""
    artifact: str
    model_bytes: int
    code_bytes: int
    train_seconds: float
    eval_seconds: float
    max_train_seconds: float | None
    max_eval_seconds: float | None
    clocks: Mapping[str, float]
    cost: float | None
    stage: tuple[float, int]
    """Its sweep's creation in epoch seconds, then 0 for an arm and 1 for a search's winner; jobs end in any order."""
    whole_set: bool
    fresh_seed: bool
    findings: tuple[Finding, ...] = ()
    """What its protocol was found to do, or says of itself."""

    @property
    def bpb(self) -> float:
        """Bits per byte over all documents."""
        return bits_per_byte(float(self.documents["nll"].sum()), int(self.documents["bytes"].sum()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A record of which only numbers are known, in bits per byte."""

    mean: float
    std: float | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    """A recipe's evaluations, one a seed."""

    name: str
    runs: Sequence[Evaluation]
    findings: tuple[Finding, ...]
    track: Track
    scores: list[float] = field(default_factory=list)

    @property
    def stage(self) -> tuple[float, int]:
        return max(run.stage for run in self.runs)

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.scores)


def leaderboard(
    evaluations: Sequence[Evaluation], *, profile: Profile, baseline: str | Published | None = None
) -> pd.DataFrame:
    """One row a recipe, legal rows first, best first, with the columns of COLUMNS; what is not known is None.

    Args:
        evaluations: at most one for each recipe and seed.
        profile: the rules that decide the track.
        baseline: the row to compare with, or a published record.
    """
    rows = _rows(evaluations, profile)
    base = next((row for row in rows if row.name == baseline), None)
    p_values = {row.name: _p_baseline(row, base, baseline) for row in rows}
    adjusted: dict[str, float] = {}
    for one in TRACKS:
        tested = {row.name: p for row in rows if row.track == one and (p := p_values[row.name]) is not None}
        adjusted |= dict(zip(tested, holm(list(tested.values())), strict=True))
    records: list[dict[str, Any]] = []
    for one in TRACKS:
        ranked = sorted((row for row in rows if row.track == one), key=lambda row: (row.mean, row.name))
        for rank, row in enumerate(ranked, 1):
            tests = {
                "p_value": p_values[row.name],
                "p_adjusted": adjusted.get(row.name),
                "p_incumbent": _p_incumbent(row, rows),
                "p_paired": _p_paired(row, base),
            }
            records.append({"rank": rank, **_facts(row), **tests})
    return pd.DataFrame(records, columns=pd.Index(COLUMNS), dtype=object)


def to_json(frame: pd.DataFrame) -> dict[str, Any]:
    """The leaderboard as plain data, null where something is not known."""
    return {"rows": [dict(zip(COLUMNS, row, strict=True)) for row in frame.itertuples(index=False, name=None)]}


def _rows(evaluations: Sequence[Evaluation], profile: Profile) -> list[_Row]:
    grouped: dict[str, list[Evaluation]] = {}
    for evaluation in evaluations:
        grouped.setdefault(evaluation.row, []).append(evaluation)
    rows = []
    for name, runs in grouped.items():
        facts = Facts(
            total_bytes=max(run.model_bytes + run.code_bytes for run in runs),
            train_seconds=max(run.train_seconds for run in runs),
            eval_seconds=max(run.eval_seconds for run in runs),
            max_train_seconds=runs[0].max_train_seconds,
            max_eval_seconds=runs[0].max_eval_seconds,
            whole_set=all(run.whole_set for run in runs),
            fresh_seeds=all(run.fresh_seed for run in runs),
        )
        declared = {finding: None for run in runs for finding in run.findings}
        findings = (*declared, *measured_findings(facts))
        rows.append(_Row(name, runs, findings, track(findings, profile), [run.bpb for run in runs]))
    return rows


def _facts(row: _Row) -> dict[str, Any]:
    """The columns that need no other row."""
    runs, short = row.runs, summary(row.scores)
    largest = max(runs, key=lambda run: run.model_bytes + run.code_bytes)
    costs = [run.cost for run in runs if run.cost is not None]
    total = largest.model_bytes + largest.code_bytes
    return {
        "name": row.name,
        "track": row.track,
        "val_bpb_mean": short.mean,
        "val_bpb_std": short.std,
        "val_bpb_ci95": None if short.ci95 is None else list(short.ci95),
        "seeds": {str(run.seed): run.bpb for run in runs},
        "bytes_total": total,
        "bytes": {
            "model": largest.model_bytes,
            "code": largest.code_bytes,
            "total": total,
            "limit": LIMIT_BYTES,
        },
        "train_seconds": max(run.train_seconds for run in runs),
        "eval_seconds": max(run.eval_seconds for run in runs),
        "clocks": {name: max(run.clocks.get(name, 0.0) for run in runs) for name in runs[0].clocks},
        "cost": sum(costs) if len(costs) == len(runs) else None,
        "findings": [{"code": finding.code, "detail": finding.detail} for finding in row.findings],
        "source": "golfsweep",
    }


def _p_baseline(row: _Row, base: _Row | None, baseline: str | Published | None) -> float | None:
    margin = _margin(row)
    if len(row.scores) < 2 or row.track == "flagged":
        return None
    if isinstance(baseline, Published):
        if baseline.std is None or baseline.n is None or baseline.n < 2:
            return one_sample_test(row.scores, baseline.mean - margin).p_value
        return published_test(row.scores, baseline.mean, baseline.std, baseline.n, margin).p_value
    return _p(_welch(row, base, margin))


def _p_incumbent(row: _Row, rows: Sequence[_Row]) -> float | None:
    comparable = [one for one in rows if one.track == row.track == "legal" and one.runs[0].data == row.runs[0].data]
    before = [one for one in comparable if one.stage < row.stage]
    return _p(_welch(row, min(before, key=lambda one: one.mean, default=None), 0.0))


def _p_paired(row: _Row, base: _Row | None) -> float | None:
    """On the documents of the artifacts that both were evaluated on."""
    if base is None or base is row or base.track != row.track:
        return None
    theirs = {(run.artifact, run.data): run.documents for run in base.runs}
    common = [run for run in row.runs if (run.artifact, run.data) in theirs]
    if not common:
        return None
    # The mean over artifacts of each document's loss: seeds are no further documents.
    mine = _mean_documents([run.documents for run in common])
    return paired_test(mine, _mean_documents([theirs[run.artifact, run.data] for run in common])).p_value


def _mean_documents(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    mean = tables[0].copy()
    mean["nll"] = sum(table["nll"] for table in tables) / len(tables)
    return mean


def _welch(row: _Row, other: _Row | None, margin: float) -> TestResult | None:
    """Welch's test against another row, or None where there is nothing to compare or it would cross tracks or data."""
    if other is None or other is row or other.track != row.track or other.runs[0].data != row.runs[0].data:
        return None
    if len(row.scores) < 2 or len(other.scores) < 2:
        return None
    return welch_test(row.scores, other.scores, margin)


def _p(result: TestResult | None) -> float | None:
    return None if result is None else result.p_value


def _margin(row: _Row) -> float:
    """The challenge's margin in bits per byte of the set that the row was scored on."""
    documents = row.runs[0].documents
    return nats_per_token_to_bpb(MARGIN_NATS, int(documents["tokens"].sum()), int(documents["bytes"].sum()))
