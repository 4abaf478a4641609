"""What the store keeps of a record, and the leaderboard makes a row of (sweeps.board.evaluation.ImportedRow)."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jobs.logs import Log
from sweeps.board.evaluation import ImportedRow
from sweeps.board.leaderboard import open_board, to_json
from sweeps.board.rules import Finding
from sweeps.records import measures
from sweeps.records.findings import LEAKS
from sweeps.records.record import Record, Run


def content_of(record: Record, findings: Sequence[Finding]) -> dict[str, Any]:
    """What the store keeps of a record: JSON, unknown is None.

    `seeds` holds bits per byte by seed: None where a seed is claimed and no log gives its score beyond doubt, "?" (with
    the log's name where there are several) for a log that tells no seed. Numbers are the logs', the worst of the seeds
    that count; only what no log of the folder prints is as claimed.
    """
    runs, claims = record.counted, record.claims
    return {
        "name": record.name,
        "track": "flagged" if any(finding.code in LEAKS for finding in findings) else "unverified",
        "seeds": {seed: None if score is None else float(score) for seed, score in record.scores.items()},
        "date": claims.date,
        "model_bytes": _of_largest(record, lambda log: log.model_bytes),
        "code_bytes": _of_largest(record, lambda log: log.code_bytes),
        "total_bytes": _worst(record, lambda run: run.log.total_bytes, claims.most_bytes),
        "train_seconds": _worst(record, lambda run: run.log.train_seconds, claims.train_seconds),
        "eval_seconds": _worst(record, lambda run: measures.eval_seconds(record, run), claims.eval_seconds),
        "clocks": _clocks([run.log for run in runs.values()]),
        "steps": min((run.log.steps for run in runs.values() if run.log.steps), default=None),
        "trained_bpb": _mean(record, measures.trained_bpb),
        "quantized_bpb": _mean(record, measures.quantized_bpb),
        "tokenizer": measures.tokenizer(record),
        "bpb_per_nat": measures.bpb_per_nat(record),
        "findings": [{"code": finding.code, "detail": finding.detail} for finding in findings],
        "author": claims.author,
        "url": claims.url,
    }


def row_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The leaderboard's row of a stored record, not ranked."""
    board = open_board(profile="accepted")
    board.add(records=[ImportedRow.from_json(content)])
    row: dict[str, Any] = to_json(board.frame())["rows"][0]
    return row | {"rank": None}


def _worst(record: Record, read: Callable[[Run], float | None], claimed: float | None) -> float | None:
    if all(read(run) is None for run in record.runs):
        return claimed
    return max((value for run in record.counted.values() if (value := read(run)) is not None), default=None)


def _of_largest(record: Record, read: Callable[[Log], int | None]) -> int | None:
    """A part of the seed whose total is the worst: the parts of a row add up."""
    runs = [run for run in record.counted.values() if run.log.total_bytes is not None]
    return read(max(runs, key=lambda run: run.log.total_bytes or 0).log) if runs else None


def _clocks(logs: Sequence[Log]) -> dict[str, float]:
    names = sorted({name for log in logs for name in log.clocks})
    return {name: max(log.clocks[name] for log in logs if name in log.clocks) for name in names}


def _mean(record: Record, read: Callable[[Log], Decimal | None]) -> float | None:
    """The mean over the seeds that count, if all of their logs give it."""
    scores = [score for run in record.counted.values() if (score := read(run.log)) is not None]
    return float(sum(scores) / len(scores)) if scores and len(scores) == len(record.counted) else None
