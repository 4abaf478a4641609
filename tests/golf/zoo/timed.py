"""Audits on a clock of work: a scorer is probed at the same places on every machine, however busy it is."""

from typing import Any

from golf.audit import Certificate, audit
from tests.golf.zoo.model import VOCAB, Scorer, Tokens

CALL_SECONDS, TOKEN_SECONDS = 1e-4, 2e-5
"""What a call costs, and each of its predictions: dear enough that a budget of seconds takes no longer than that, and
cheap enough that late leaks of long documents are probed (at five times as much some are not).
"""


class Timed:
    """A scorer, all that it declares and offers, and a clock that moves only while it works."""

    def __init__(self, scorer: Scorer, token_seconds: float, document_seconds: float) -> None:
        self._scorer, self._token_seconds, self._document_seconds = scorer, token_seconds, document_seconds
        self._now = 0.0

    def __call__(self, documents: list[Tokens]) -> Any:
        self._now += CALL_SECONDS + self._document_seconds * len(documents)
        self._now += self._token_seconds * sum(document.size - 1 for document in documents)
        return self._scorer(documents)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scorer, name)

    def clock(self) -> float:
        """Seconds of work so far."""
        return self._now


def judge(
    scorer: Scorer, *, token_seconds: float = TOKEN_SECONDS, document_seconds: float = 0.0, **given: Any
) -> Certificate:
    """The audit of a scorer of the zoo, on a clock on which a document and a prediction cost so many seconds."""
    timed = Timed(scorer, token_seconds, document_seconds)
    return audit(timed, clock=timed.clock, **{"vocab_size": VOCAB, **given})
