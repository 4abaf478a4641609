"""Whether an audited function is what made a score: its losses against a table of documents and a printed score."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from golf.audit.rescoring import find_disagreement, rescore

DOCUMENTS = [np.arange(length, dtype=np.int64) % 16 for length in (40, 5, 300, 2, 1200, 90, 700, 60)]
TOKENS = sum(document.size - 1 for document in DOCUMENTS)
BYTES = 3 * TOKENS
NATS = math.log(16.0)
BPB = 4.0 / 3.0


def uniform(documents: Sequence[NDArray[np.int64]], nats: float = NATS) -> list[NDArray[np.float64]]:
    return [np.full(document.size - 1, nats) for document in documents]


def rescored(
    scorer: Any = uniform, audited: Mapping[int, float] | None = None, seconds: float = 60.0
) -> dict[str, Any]:
    ticks = iter(range(1000))
    return rescore(
        scorer, DOCUMENTS, BYTES, audited or {}, seconds=seconds, seed=1, clock=lambda: float(next(ticks))
    ).to_json()


def table(nats: float = NATS) -> dict[str, NDArray[Any]]:
    tokens = np.array([document.size - 1 for document in DOCUMENTS])
    return {"document": np.arange(len(tokens)), "nll": nats * tokens, "tokens": tokens, "bytes": 3 * tokens}


def test_all_documents_are_scored_and_those_of_the_audit_beside_others() -> None:
    calls: list[list[int]] = []

    def scorer(documents: list[NDArray[np.int64]]) -> list[NDArray[np.float64]]:
        calls.append([document.size for document in documents])
        return uniform(documents)

    result = rescored(scorer, {4: 1199 * NATS, 3: NATS})
    assert (result["documents"], result["tokens"], result["bytes"], result["scored"]) == (8, TOKENS, BYTES, 8)
    assert result["nll"] == pytest.approx(TOKENS * NATS, rel=1e-12)
    assert calls[0][0] == 2 and calls[0][2] == 1200 and len(calls[0]) >= 3
    assert sorted(size for call in calls for size in call) == sorted(document.size for document in DOCUMENTS)
    assert [row["document"] for row in result["listed"] if "audited_nll" in row] == [3, 4]


def test_what_agrees_has_no_reason() -> None:
    own = {3: NATS, 4: 1199 * NATS}
    assert find_disagreement(rescored(audited=own), BPB, None) is None
    assert find_disagreement(rescored(audited=own), BPB, table()) is None
    assert find_disagreement(rescored(seconds=0.5), BPB, table()) is None  # a part, held against the table
    assert find_disagreement(rescored(), BPB * (1 + 5e-5), table(NATS * (1 + 1e-5))) is None  # digits and rounding


def raises(documents: Any) -> Any:
    raise ValueError("no model")


@pytest.mark.parametrize(
    ("given", "score", "own", "reason"),
    [
        (rescored(), BPB * 1.001, None, "score() gives the validation set 1.333333 bits per byte, and 1.334667 was"),
        (rescored(), BPB, table(NATS * 0.99), "score() gives document "),
        (
            rescored(),
            BPB,
            table(NATS - 1e-3),
            "score() gives documents +0.001 nats per token beside what GOLFSWEEP_SCORES",
        ),
        (rescored(audited={2: 299 * NATS * 0.9}), BPB, None, "score() gives document 2 "),
        (rescored(seconds=0.5), BPB, None, "score() had time for "),
        (rescored(raises), BPB, None, "score() gave validation documents no losses: returns no losses: raised Value"),
        (rescored(), BPB, {name: column[:5] for name, column in table().items()}, "GOLFSWEEP_SCORES has 5 documents"),
        (rescored(), BPB, {**table(), "bytes": table()["bytes"] + 1}, "GOLFSWEEP_SCORES has 8 documents with "),
        (rescored(), math.nan, None, "score() gives the validation set "),
        (rescored(), BPB, {**table(), "nll": np.full(8, np.nan)}, "score() gives document "),
    ],
)
def test_what_does_not_agree_has_one(given: Any, score: float, own: Any, reason: str) -> None:
    said = find_disagreement(given, score, own)
    assert said is not None and said.startswith(reason), said
