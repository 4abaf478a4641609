"""The score ledger: for every token, which updates had been made when its counted score was taken, and which saw it.

With chunks of C predictions, windows of W positions and K chunks in a document, chunk c < K − 1 is trained on in a
window of the positions max(0, (c + 1)·C − W) … (c + 1)·C, its targets included; the last chunk never is. So entry j, of
chunk c = ⌊(j − 1)/C⌋, is seen in every pass by the updates on chunks

    c  …  min(K − 2, ⌊(j + W)/C⌋ − 1)

as a target by the first, as context by the others. A chunk is scored before the update on it: updates of the same pass
have not seen it, those of every pass before have. So the ledger follows from a document's length, the settings and the
pass whose scores count, and keeping it costs an evaluation one number a document.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golf.score import Scores
from golf.ttt.config import EvalConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreLedger:
    """When the counted scores of one document's entries 1 … n − 1 were taken."""

    updates_before: NDArray[np.int32]
    """Updates that the document's adapters had had, int32 [n − 1]."""
    updates_that_saw: NDArray[np.int32]
    """How many of those had the entry as a target or in their window, int32 [n − 1]."""
    times_scored: NDArray[np.int32]
    """Passes that scored the entry, of which one counts, int32 [n − 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Legality:
    """What ledgers say of conditions C3 (score before update) and C4 (one pass)."""

    tokens: int
    tokens_seen: int
    """Tokens whose counted score was taken after an update that saw them; C3 wants none."""
    most_updates_that_saw: int
    """The most such updates that any token had."""
    tokens_rescored: int
    """Tokens that were scored more than once; C4 wants none."""


def score_ledger(tokens: int, config: EvalConfig, *, adapted: bool, counted_pass: int) -> ScoreLedger:
    """The ledger of one document.

    Args:
        tokens: of the document, its BOS included.
        config: how it was evaluated.
        adapted: whether it was adapted to (`Scores.adapted`).
        counted_pass: the pass whose scores count (`Scores.counted_pass`).
    """
    entry = np.arange(1, tokens)
    chunk = (entry - 1) // config.chunk
    trained = int(chunk[-1])  # all chunks but the last
    final = np.minimum(trained - 1, (entry + config.window) // config.chunk - 1)
    saw = np.maximum(0, final - chunk + 1) * counted_pass
    before = (counted_pass * trained + chunk) * config.steps_per_chunk
    updating = int(adapted and bool(config.adapters))
    passes = np.full_like(chunk, config.passes if adapted else 1)
    if config.protocol == "last-epoch":
        passes[chunk == trained] = 1  # never trained on, it is left out of all passes but the last
    return ScoreLedger(
        updates_before=(updating * before).astype(np.int32),
        updates_that_saw=(updating * saw).astype(np.int32),
        times_scored=passes.astype(np.int32),
    )


def score_ledgers(scores: Scores, config: EvalConfig) -> list[ScoreLedger]:
    """The ledgers of all documents of an evaluation."""
    facts = zip(scores.tokens.tolist(), scores.adapted.tolist(), scores.counted_pass.tolist(), strict=True)
    return [
        score_ledger(predicted + 1, config, adapted=adapted, counted_pass=counted)
        for predicted, adapted, counted in facts
    ]


def legality(ledgers: Sequence[ScoreLedger]) -> Legality:
    """Count what would be illegal."""
    saw = [ledger.updates_that_saw for ledger in ledgers]
    return Legality(
        tokens=sum(one.size for one in saw),
        tokens_seen=sum(int((one > 0).sum()) for one in saw),
        most_updates_that_saw=max((int(one.max(initial=0)) for one in saw), default=0),
        tokens_rescored=sum(int((ledger.times_scored > 1).sum()) for ledger in ledgers),
    )
