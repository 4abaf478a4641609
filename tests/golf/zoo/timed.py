"""Audits on a clock that counts work: a scorer is probed at the same positions on every machine, however busy."""

from typing import Any

from golf.audit import Certificate, audit
from tests.golf.zoo.model import VOCAB, Scorer, Tokens

CALL_SECONDS, TOKEN_SECONDS = 1e-4, 2e-5
"""Cost of a call and of each prediction: high enough that an audit takes no longer than its budget in real time, low
enough that leaks late in long documents are probed (at five times the cost some are not).
"""


class Timed:
    """A scorer with its attributes, and a clock that advances only while it scores."""

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
    """Audit a scorer of the zoo on a clock that charges these seconds for each prediction and document."""
    timed = Timed(scorer, token_seconds, document_seconds)
    return audit(timed, clock=timed.clock, **{"vocab_size": VOCAB, **given})
