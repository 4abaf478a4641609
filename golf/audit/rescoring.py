"""Score validation documents once more with an audited scorer, and hold that against the score that a script claims.

A certificate says what a function does. That this function is what made a score shows only in its numbers: they must be
those of the score's documents, or add up to the score itself.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit.scorer.checked_scorer import CheckedScorer, Scorer, ScorerError, Tokens
from golf.score import bits_per_byte

FIRST_PREDICTIONS, CALL_PREDICTIONS = 2_000, 30_000
"""Predictions in the first call and in any other: as many as calls of an audit have."""
MOST_LISTED = 128
"""Documents whose losses are kept one by one."""
MAX_MEAN_NATS = 5e-4
"""Two passes over documents may differ by this per token, as in `golf.audit.own_precision`: a tenth of the margin."""
MAX_DOCUMENT_NATS, TOKEN_NOISE_NATS = 5e-3, 0.15
"""One document may differ by the first per token, or by the noise of a token in half precision times √tokens."""
MAX_RATIO = 1e-4
"""Relative difference of a printed score that its digits and rounding explain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rescored:
    """What a scorer gave validation documents."""

    documents: int
    tokens: int
    bytes: int
    """Documents, targets and UTF-8 bytes of the whole validation set."""
    scored: int
    """Documents that there was time for."""
    nll: float | None
    """Summed loss of the whole set in nats; None where there was no time for all of it, or a call failed."""
    listed: Sequence[Mapping[str, float]]
    """Of some documents `document` (its number), `tokens`, `nll` and, where the audit had scored it, `audited_nll`."""
    problem: str | None = None
    """Why a call returned no losses."""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def rescore(
    scorer: Scorer,
    documents: Sequence[Tokens],
    num_bytes: int,
    audited: Mapping[int, float],
    *,
    seconds: float,
    seed: int,
    call_seconds: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
) -> Rescored:
    """Score validation documents, all of them if there is time, in random order, those of the audit among the first.

    Args:
        scorer: as in `golf.audit.audit`.
        documents: the whole validation set, BOS first.
        num_bytes: UTF-8 bytes of its text.
        audited: document → its loss in nats when it was audited.
        seconds: after which no further call is made.
        seed: of the order; a scorer that carries state over documents gets them in theirs.
        call_seconds: time limit of one call.
        clock: in seconds.
    """
    order = _order(documents, audited, seed, ordered=bool(getattr(scorer, "ordered_state", False)))
    checked, nll = CheckedScorer(scorer, call_seconds=call_seconds), dict[int, float]()
    started, problem = clock(), None
    for part in _calls(documents, order):
        if nll and clock() - started > seconds:
            break
        try:
            losses = checked.score([documents[index] for index in part])
        except ScorerError as error:
            problem = error.detail
            break
        nll |= {index: math.fsum(values) for index, values in zip(part, losses, strict=True)}
    return Rescored(
        documents=len(documents),
        tokens=sum(document.size - 1 for document in documents),
        bytes=num_bytes,
        scored=len(nll),
        nll=math.fsum(nll.values()) if len(nll) == len(documents) else None,
        listed=[_listed(index, documents[index], nll[index], audited) for index in list(nll)[:MOST_LISTED]],
        problem=problem,
    )


def _order(documents: Sequence[Tokens], audited: Mapping[int, float], seed: int, *, ordered: bool) -> list[int]:
    if ordered:
        return list(range(len(documents)))
    shuffled = [int(index) for index in np.random.default_rng(seed).permutation(len(documents))]
    # Beside each audited document lies one that was not, so that no call is of audited ones alone.
    first = sorted(audited)
    others = [index for index in shuffled if index not in audited]
    mixed = [index for pair in zip(first, others, strict=False) for index in pair]
    return list(dict.fromkeys([*mixed, *first, *others]))


def _calls(documents: Sequence[Tokens], order: Sequence[int]) -> list[list[int]]:
    calls, predictions, limit = [list[int]()], 0, FIRST_PREDICTIONS
    for index in order:
        if calls[-1] and predictions + documents[index].size - 1 > limit:
            calls.append([])
            predictions, limit = 0, CALL_PREDICTIONS
        calls[-1].append(index)
        predictions += documents[index].size - 1
    return calls


def _listed(index: int, document: Tokens, nll: float, audited: Mapping[int, float]) -> dict[str, float]:
    own = {"document": index, "tokens": document.size - 1, "nll": nll}
    return own | ({"audited_nll": audited[index]} if index in audited else {})


def find_disagreement(
    rescored: Mapping[str, Any], score: float, table: Mapping[str, NDArray[np.generic]] | None
) -> str | None:
    """Why what a scorer gave does not show that it made a score; None where it does.

    Args:
        rescored: a `Rescored` as plain data.
        score: what was printed, in bits per byte.
        table: the scores of documents that were written with it: `document`, `nll` (nats), `tokens` and `bytes`, an
            array each; None without any.
    """
    if rescored["problem"] is not None or not rescored["listed"]:
        return f"score() gave validation documents no losses: {rescored['problem'] or 'none was scored'}"
    twice = [row for row in rescored["listed"] if "audited_nll" in row]
    if problem := _differs(twice, [row["audited_nll"] for row in twice], "it gave when it was audited"):
        return problem
    if rescored["nll"] is not None:
        bpb = bits_per_byte(rescored["nll"], rescored["bytes"])
        if not math.isclose(bpb, score, rel_tol=MAX_RATIO):
            return f"score() gives the validation set {bpb:.6f} bits per byte, and {score:.6f} was printed"
    if table is not None:
        return _differs_from_table(rescored, table)
    if rescored["nll"] is None:
        part = f"{rescored['scored']} of {rescored['documents']} validation documents"
        return f"score() had time for {part} in audit.seconds; have the script write GOLFSWEEP_SCORES"
    return None


def _differs_from_table(rescored: Mapping[str, Any], table: Mapping[str, NDArray[np.generic]]) -> str | None:
    """What tells the losses from those of a table."""
    rows = {int(document): row for row, document in enumerate(table["document"])}
    for name, total in (("tokens", int(table["tokens"].sum())), ("bytes", int(table["bytes"].sum()))):
        if total != rescored[name] or len(rows) != rescored["documents"]:
            own = f"{len(rows)} documents with {total} {name}"
            return f"GOLFSWEEP_SCORES has {own}, the validation set {rescored['documents']} with {rescored[name]}"
    for row in rescored["listed"]:
        place = rows.get(int(row["document"]))
        if place is None or int(table["tokens"][place]) != row["tokens"]:
            return f"GOLFSWEEP_SCORES has other tokens than document {int(row['document'])} of the validation set"
    expected = [float(table["nll"][rows[int(row["document"])]]) for row in rescored["listed"]]
    return _differs(rescored["listed"], expected, "GOLFSWEEP_SCORES has")


def _differs(rows: Sequence[Mapping[str, float]], expected: Sequence[float], whose: str) -> str | None:
    """Where the losses of documents are not those expected, but for rounding."""
    steps = [row["nll"] - nll for row, nll in zip(rows, expected, strict=True)]
    for row, step, nll in zip(rows, steps, expected, strict=True):
        tokens = row["tokens"]
        if not abs(step) <= max(MAX_DOCUMENT_NATS * tokens, TOKEN_NOISE_NATS * math.sqrt(tokens)):
            return f"score() gives document {int(row['document'])} {row['nll']:.6g} nats, and {nll:.6g} {whose}"
    mean = math.fsum(steps) / sum(row["tokens"] for row in rows) if rows else 0.0
    if not abs(mean) <= MAX_MEAN_NATS:
        return f"score() gives documents {mean:+.3g} nats per token beside what {whose}"
    return None
