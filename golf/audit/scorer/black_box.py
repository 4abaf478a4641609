"""A scorer behind glass: every call is timed, watched and checked, and only the numbers that come out get through."""

import contextlib
import io
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit.certificate import Condition, Finding
from golf.audit.scorer.worker import Outcome, Work, Worker, attempt

Tokens = NDArray[np.int64]
Floats = NDArray[np.float64]
Scorer = Callable[[list[Tokens]], Any]
"""Takes documents (1-D int64, BOS first, the last entry only ever a target) and returns for each the NLL of its entries
1 … n − 1 in nats, a 1-D float array [n − 1]."""
ROUNDED = 2.0**-14
"""Nats by which fp32 arithmetic may take the loss of a certain token below 0: its sums are no more exact."""


class ScorerFault(Exception):
    """A call that gave no losses to judge; `document` is a place in that call's list, −1 where it is none's."""

    def __init__(
        self, condition: Condition, detail: str, document: int = -1, position: int = -1, measured: float = 0.0
    ) -> None:
        super().__init__(detail)
        self.condition, self.detail = condition, detail
        self.document, self.position, self.measured = document, position, measured

    def finding(self, indices: Sequence[int]) -> Finding:
        """The fault as a finding; `indices` are the call's documents' numbers in the certificate."""
        index = indices[self.document] if 0 <= self.document < len(indices) else -1
        return Finding(
            condition=self.condition, document=index, position=self.position, measured=self.measured, detail=self.detail
        )


class Remote:
    """A scorer that this project runs in another process."""

    accelerated = False
    """Whether torch has been at work on an accelerator there."""


def on_accelerator() -> bool:
    """Whether torch has been at work on an accelerator in this process."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())


class BlackBox:
    """Calls a scorer, and refuses what is no loss."""

    def __init__(self, scorer: Scorer, *, call_seconds: float = math.inf) -> None:
        """Watch a scorer; a call that takes longer than `call_seconds` is given up.

        So it is called in a thread of its own, the same for all calls; where it may take for ever, in the caller's.
        """
        self._scorer = scorer
        self.call_seconds = call_seconds
        self._worker = None if math.isinf(call_seconds) else Worker()
        self.calls = 0
        self.predictions = 0
        self.printed = ""
        """What the scorer wrote to stdout, all calls together."""

    def score(self, documents: Sequence[Tokens]) -> list[Floats]:
        """The losses of documents, float64 [n − 1] each.

        Raises:
            ScorerFault: it raised, did not answer in time, changed its input, or returned anything but one finite,
                non-negative loss for each target.
        """
        given = [np.array(document, np.int64) for document in documents]
        handed = list(given)
        returned = self._call(lambda: self._scorer(handed))
        self.calls += 1
        self.predictions += sum(document.size - 1 for document in documents)
        if [id(one) for one in handed] != [id(one) for one in given]:
            raise ScorerFault("nondeterminism", "changes the list of documents that it is given")
        for index, (document, after) in enumerate(zip(documents, given, strict=True)):
            if not np.array_equal(document, after):
                raise ScorerFault("nondeterminism", "changes the documents that it is given", index)
        if not isinstance(returned, (list, tuple)):
            raise ScorerFault("C4", f"returns {type(returned).__name__}; a list with an array for each document is due")
        if len(returned) != len(documents):
            raise ScorerFault("C4", f"returns {len(returned)} arrays for {len(documents)} documents")
        pairs = zip(returned, documents, strict=True)
        return [_losses(one, index, document.size - 1) for index, (one, document) in enumerate(pairs)]

    @property
    def accelerated(self) -> bool:
        """Whether scores may come from an accelerator, which adds up in no fixed order."""
        return self._scorer.accelerated if isinstance(self._scorer, Remote) else on_accelerator()

    @property
    def offers_distribution(self) -> bool:
        """Whether the scorer has a method `distribution(document, position)`."""
        return callable(getattr(self._scorer, "distribution", None))

    def distribution(self, document: Tokens, position: int) -> Floats:
        """The probabilities that the scorer says it has for an entry, float64.

        Raises:
            ScorerFault: it raised, did not answer in time, or returned no probabilities.
        """
        offer: Any = self._scorer
        returned = self._call(lambda: offer.distribution(document.copy(), position))
        self.calls += 1
        try:
            p_V = np.asarray(_off_the_graph(returned), np.float64)
        except Exception:  # whatever a foreign object raises when it is asked for its numbers
            raise ScorerFault("C2", f"offers a distribution that is {type(returned).__name__}, no array") from None
        if p_V.ndim != 1 or not np.all(np.isfinite(p_V)) or np.any(p_V < 0):
            raise ScorerFault("C2", f"offers a distribution that is none: shape {p_V.shape}, or not all 0 … 1")
        return p_V

    @property
    def offers_byte_counts(self) -> bool:
        """Whether the scorer has a method `byte_counts(document)`."""
        return callable(getattr(self._scorer, "byte_counts", None))

    def byte_counts(self, document: Tokens) -> NDArray[np.int64]:
        """The bytes that the scorer counts for entries 1 … n − 1 of a document, int64.

        Raises:
            ScorerFault: it raised, did not answer in time, or returned no whole numbers.
        """
        offer: Any = self._scorer
        returned = self._call(lambda: offer.byte_counts(document.copy()))
        self.calls += 1
        try:
            counts = np.asarray(_off_the_graph(returned), np.float64)
        except Exception:  # whatever a foreign object raises when it is asked for its numbers
            raise ScorerFault("bytes", f"counts bytes as {type(returned).__name__}, no array") from None
        if counts.ndim != 1 or not np.all(np.abs(counts) < 2.0**53) or np.any(counts != np.rint(counts)):
            raise ScorerFault("bytes", f"counts bytes in shape {counts.shape}; a whole number for each target is due")
        return counts.astype(np.int64)

    def _call(self, work: Work) -> Any:
        """Run the scorer with its stdout caught, and wait as long as it may take."""
        with contextlib.redirect_stdout(io.StringIO()) as caught_output:
            outcome = self._attempt(work)
        self.printed += caught_output.getvalue()
        if outcome is None:
            raise ScorerFault("C4", f"gave no answer within {self.call_seconds:g} s")
        if outcome.error is None:
            return outcome.returned
        if isinstance(outcome.error, ScorerFault):
            raise outcome.error
        reason = " ".join(str(outcome.error).split())[:200]
        raise ScorerFault("C4", f"gives no score: raised {type(outcome.error).__name__}: {reason}")

    def _attempt(self, work: Work) -> Outcome | None:
        if self._worker is not None:
            return self._worker.attempt(work, self.call_seconds)
        outcome = attempt(work)
        if isinstance(outcome.error, KeyboardInterrupt):  # in the main thread it is the user's
            raise outcome.error
        return outcome


def _losses(returned: Any, index: int, expected: int) -> Floats:
    """One document's losses as float64, after everything that can be wrong with them has been looked for."""
    try:
        values = np.asarray(_off_the_graph(returned))
    except Exception as error:  # whatever a foreign object raises when it is asked for its numbers
        raise ScorerFault("C4", f"returns no array: {type(error).__name__}", index) from None
    if values.dtype.kind != "f":
        raise ScorerFault("C4", f"returns losses of type {values.dtype}; floats are due", index)
    if values.shape != (expected,):
        raise ScorerFault("C4", f"returns losses of shape {values.shape} for {expected} targets", index)
    rounded = max(ROUNDED, float(np.finfo(values.dtype).eps))
    values = values.astype(np.float64)
    values[(values < 0) & (values >= -rounded)] = 0.0
    wrong = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if wrong.size:
        first = int(wrong[0])
        value = values[first]
        kind = "a probability above 1" if value < 0 else "no probability"
        raise ScorerFault(
            "C2",
            f"{wrong.size} losses are no losses, the first {value}: {kind}",
            index,
            first + 1,
            float(value) if np.isfinite(value) else 0.0,
        )
    return values


def _off_the_graph(returned: Any) -> Any:
    """A tensor as numpy can read it, without gradient, on the host, in no type that numpy lacks; all else as it is."""
    if not hasattr(returned, "detach"):
        return returned
    tensor = returned.detach().cpu()
    return tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
