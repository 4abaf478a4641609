"""The protocols of test-time training: how often a document is passed over, and which of its scores count.

    none          no adaptation: the whole document in one window
    score-first   every chunk is scored once, before any update on it, then trained on `epochs` times; the legal form
    last-epoch    `epochs` passes over the whole document; the scores of the last pass count (PR 596)
    min-epoch     `epochs` passes over the whole document; per document, the pass of lowest loss counts (PR 611, PR 614)

"PR n" is a pull request of the Parameter Golf challenge. A new protocol is a `Protocol` and a line of `PROTOCOLS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """How a document is scored and trained on; `epochs` is the setting `eval.epochs`."""

    adapts: bool = True
    """Whether anything is trained at test time."""
    passes: Callable[[int], int]
    """Passes over the whole document, from the epochs."""
    updates: Callable[[int], int]
    """Updates on each chunk within one pass, from the epochs."""
    counted: Literal["last", "lowest"] = "last"
    """Which pass's scores count: the last one's, or those of the pass with the lowest loss of the document."""
    leak: str = "every document is passed over {passes} times"
    """Why no decoder can reproduce the scores of several passes; `{before}` stands for one pass less."""


def _once(epochs: int) -> int:
    return 1


def _each(epochs: int) -> int:
    return epochs


PROTOCOLS: Mapping[str, Protocol] = {
    "none": Protocol(adapts=False, passes=_each, updates=_once),
    "score-first": Protocol(passes=_once, updates=_each),
    "last-epoch": Protocol(
        passes=_each, updates=_once, leak="a token is scored after {before} epochs of training on it"
    ),
    "min-epoch": Protocol(
        passes=_each,
        updates=_once,
        counted="lowest",
        leak="the lowest of {passes} scores is kept, all but the first after training on the token",
    ),
}
"""Every protocol by its name in the sweep file."""
