"""Made-up evaluations, and the leaderboard's entries of them."""

import json
from typing import Any

import numpy as np
import pandas as pd

from golf.score import LN2
from sweeps.board.leaderboard import COLUMNS, Evaluation, ImportedEntry, ValidationSet, leaderboard, to_json
from sweeps.board.rules import RuleFinding

BYTES, TOKENS = 3000, 1000
PR_1493, PR_1514 = [1.08079, 1.08103, 1.08118], [1.07928348, 1.07996676, 1.08024795]
SHARE = np.array([0.2, 0.3, 0.5])


def documents(bpb: float) -> pd.DataFrame:
    """Three documents that come to this many bits per byte."""
    return pd.DataFrame({
        "document": range(3), "nll": bpb * BYTES * LN2 * SHARE,
        "tokens": (TOKENS * SHARE).astype(int), "bytes": (BYTES * SHARE).astype(int),
    })  # fmt: skip


def text(data: str = "val", tokenizer: str = "1024.model") -> ValidationSet:
    return ValidationSet(data=data, tokenizer=tokenizer, documents=3, tokens=TOKENS, bytes=BYTES)


def scores(digest: str) -> pd.DataFrame:
    """A file store's tables: the digest is the score."""
    return documents(float(digest))


def evaluation(row: str, seed: int, bpb: float, **changes: Any) -> Evaluation:
    """An evaluation of three documents that come to this many bits per byte."""
    facts: dict[str, Any] = {
        "row": row, "seed": seed, "nll": bpb * BYTES * LN2, "text": text(), "scores": str(bpb),
        "artifact": f"{row}-{seed}", "model_bytes": 500, "code_bytes": 50,
        "clocks": clocks(), "cost": 0.5, "stage": (0.0, 0),
        "whole_set": True, "fresh_seed": True,
    }  # fmt: skip
    return Evaluation(**facts | changes)


def clocks(train: float = 10.0, evaluation: float = 2.0, around: float = 0.0) -> dict[str, float]:
    """Seconds of training and evaluation, and of what each process does besides."""
    own = {"train.train_seconds": train, "eval.eval_seconds": evaluation}
    return own | {"train.process_seconds": train + around, "eval.process_seconds": evaluation + around}


def runs_of(name: str, scores: list[float], **changes: Any) -> list[Evaluation]:
    return [evaluation(name, seed, bpb, **changes) for seed, bpb in enumerate(scores)]


def entries(evaluations: list[Evaluation], **settings: Any) -> dict[str, dict[str, Any]]:
    frame = leaderboard(evaluations, **{"profile": "accepted", "baseline": "base", "scores": scores} | settings)
    rows = to_json(frame)["rows"]
    json.dumps(rows, allow_nan=False)
    assert all(tuple(entry) == COLUMNS for entry in rows)
    return {entry["name"]: entry for entry in rows}


BASE, BETTER, LEAK = [1.20, 1.21, 1.22], [1.15, 1.16, 1.165], [0.5, 0.51, 0.52]
LEAKS = {"findings": (RuleFinding(code="C3", detail="trains on what it scores"),)}


def record(name: str, date: float | None, *bpb: float | None, **changes: Any) -> ImportedEntry:
    return ImportedEntry(name=name, date=date, seeds={str(n): score for n, score in enumerate(bpb)}, **changes)
