"""A record as the store keeps it, and as an entry of the leaderboard (sweeps.board.evaluation.ImportedEntry)."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from jobs.logs import Log
from sweeps.board.evaluation import ImportedEntry
from sweeps.board.leaderboard import open_board, to_json
from sweeps.board.rules import RuleFinding, choose_record_track
from sweeps.records.judging import measures
from sweeps.records.record import Record
from sweeps.records.runs import Run


def to_content(record: Record, findings: Sequence[RuleFinding]) -> dict[str, Any]:
    """What the store keeps of a record, as JSON; null where a value is unknown.

    `seeds` holds bits per byte by seed: null where a seed is claimed and no log gives its score beyond doubt, "?" (with
    the log's name where there are several) for a log of unknown seed. Numbers are those of the logs, the worst of the
    seeds that count; only numbers that no log prints are as claimed.
    """
    runs, claims = record.counted, record.claims
    return {
        "name": record.name,
        "track": choose_record_track({finding.code for finding in findings}),
        "seeds": {seed: None if score is None else float(score) for seed, score in record.scores.items()},
        "date": claims.date,
        "pull_request": claims.pull_request,
        "evidence_time": max((run.log.written for run in runs.values() if run.log.written is not None), default=None),
        "model_bytes": _read_from_largest(record, lambda log: log.model_bytes),
        "code_bytes": _read_from_largest(record, lambda log: log.code_bytes),
        "total_bytes": _find_worst(record, lambda run: run.log.total_bytes, claims.most_bytes),
        "train_seconds": _find_worst(record, lambda run: run.log.train_seconds, claims.train_seconds),
        "eval_seconds": _find_worst(
            record, lambda run: measures.measure_eval_seconds(record, run), claims.eval_seconds
        ),
        "clocks": _merge_clocks([run.log for run in runs.values()]),
        "steps": min((run.log.steps for run in runs.values() if run.log.steps), default=None),
        "trained_bpb": _average(record, measures.find_trained_bpb),
        "quantized_bpb": _average(record, measures.find_quantized_bpb),
        "tokenizer": measures.find_tokenizer(record),
        "bpb_per_nat": measures.measure_bpb_per_nat(record),
        "findings": [{"code": finding.code, "detail": finding.detail} for finding in findings],
        "author": claims.author,
        "url": claims.url,
    }


def to_entry(content: Mapping[str, Any]) -> dict[str, Any]:
    """The leaderboard's entry of a stored record, by column, without a rank."""
    board = open_board(profile="accepted")
    board.add(records=[ImportedEntry.from_json(content)])
    entry: dict[str, Any] = to_json(board.frame())["rows"][0]
    return entry | {"rank": None}


def _find_worst(record: Record, read: Callable[[Run], float | None], claimed: float | None) -> float | None:
    if all(read(run) is None for run in record.runs):
        return claimed
    return max((value for run in record.counted.values() if (value := read(run)) is not None), default=None)


def _read_from_largest(record: Record, read: Callable[[Log], int | None]) -> int | None:
    """A part of the seed with the largest total, so that the parts of an entry add up."""
    runs = [run for run in record.counted.values() if run.log.total_bytes is not None]
    return read(max(runs, key=lambda run: run.log.total_bytes or 0).log) if runs else None


def _merge_clocks(logs: Sequence[Log]) -> dict[str, float]:
    """Clock → its largest value in any log."""
    names = sorted({name for log in logs for name in log.clocks})
    return {name: max(log.clocks[name] for log in logs if name in log.clocks) for name in names}


def _average(record: Record, read: Callable[[Log], Decimal | None]) -> float | None:
    """The mean over the seeds that count, if all of their logs have the value."""
    scores = [score for run in record.counted.values() if (score := read(run.log)) is not None]
    return float(sum(scores) / len(scores)) if scores and len(scores) == len(record.counted) else None
