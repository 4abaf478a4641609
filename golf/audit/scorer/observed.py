"""A scorer in its own process whose calls are watched: each is reported, and what it gave whole documents is kept."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit.scorer.checked_scorer import RemoteScorer, Tokens
from golf.audit.scorer.process import ScorerProcess

REPORT_SECONDS = 5.0


class ObservedScorer(RemoteScorer):
    """Passes calls on to a scorer's process."""

    def __init__(
        self,
        process: ScorerProcess,
        documents: Sequence[Tokens],
        first_nll: dict[int, float],
        report: Callable[[str], None],
    ) -> None:
        """Watch a process.

        Args:
            process: where the scorer runs.
            documents: those whose losses are kept, int64.
            first_nll: index of a document → its summed loss in nats the first time that it was scored; added to.
            report: called now and then with the number of calls.
        """
        self._process, self._first_nll, self._report = process, first_nll, report
        self._indices = {document.tobytes(): index for index, document in enumerate(documents)}
        self._calls, self._reported = 0, time.monotonic()
        self.ordered_state = process.ordered_state
        for name in ("distribution", "byte_counts"):
            if hasattr(process, name):
                setattr(self, name, getattr(process, name))

    def __call__(self, documents: list[Tokens]) -> list[NDArray[Any]]:
        """Score documents in the process."""
        losses = self._process(documents)
        self.accelerated = self._process.accelerated
        for document, nll in zip(documents, losses, strict=False):  # as many as it returned: its caller checks that
            index = self._indices.get(document.tobytes())
            total = float(np.sum(nll, dtype=np.float64)) if nll.dtype.kind == "f" else math.nan
            if index is not None and math.isfinite(total):
                self._first_nll.setdefault(index, total)
        self._calls += 1
        if time.monotonic() - self._reported > REPORT_SECONDS:
            self._reported = time.monotonic()
            self._report(f"{self._calls} calls")
        return losses

    def __enter__(self) -> "ObservedScorer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()
