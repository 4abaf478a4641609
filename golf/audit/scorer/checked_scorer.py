"""Call a scorer and check every call: time, input left unchanged, and one finite, non-negative loss a target."""

import contextlib
import io
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit.certificate import Condition, Finding
from golf.audit.scorer.call_thread import CallResult, CallThread, Work, run_catching

Tokens = NDArray[np.int64]
Floats = NDArray[np.float64]
Scorer = Callable[[list[Tokens]], Any]
"""Takes documents (1-D int64, BOS first, the last token only ever a target) and returns for each the NLL at positions
1 … n − 1 in nats, a 1-D float array [n − 1]."""
NEGATIVE_ROUNDING_NATS = 2.0**-14
"""How far below 0 fp32 arithmetic may take the loss of a certain token: its sums are no more exact than this."""


class ScorerError(Exception):
    """A call that returned no usable losses."""

    def __init__(
        self, condition: Condition, detail: str, document: int = -1, position: int = -1, measured: float = 0.0
    ) -> None:
        """`document` is an index into the call's list of documents; −1 if the error concerns no single one."""
        super().__init__(detail)
        self.condition, self.detail = condition, detail
        self.document, self.position, self.measured = document, position, measured

    def finding(self, numbers: Sequence[int]) -> Finding:
        """The error as a finding; `numbers` are the certificate's numbers of the call's documents."""
        number = numbers[self.document] if 0 <= self.document < len(numbers) else -1
        return Finding(
            condition=self.condition,
            document=number,
            position=self.position,
            measured=self.measured,
            detail=self.detail,
        )


class RemoteScorer:
    """Base of scorers that this project runs in another process."""

    accelerated = False
    """Whether torch has used an accelerator in that process."""


def uses_accelerator() -> bool:
    """Whether torch has used an accelerator in this process."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())


class CheckedScorer:
    """A scorer whose calls are timed, counted and checked."""

    def __init__(self, scorer: Scorer, *, call_seconds: float = math.inf) -> None:
        """Wrap a scorer; a call that takes longer than `call_seconds` counts as hanging.

        With a finite limit all calls run in one thread of their own; without a limit they run in the caller's thread.
        """
        self._scorer = scorer
        self.call_seconds = call_seconds
        self._thread = None if math.isinf(call_seconds) else CallThread()
        self.calls = 0
        self.predictions = 0
        self.printed = ""
        """What the scorer wrote to stdout, over all calls."""

    def score(self, documents: Sequence[Tokens]) -> list[Floats]:
        """Score documents; returns the losses in nats, float64 [n − 1] each.

        Raises:
            ScorerError: the scorer raised, timed out, changed its input, or returned anything but one finite,
                non-negative loss for each target.
        """
        copies = [np.array(document, np.int64) for document in documents]
        passed = list(copies)
        returned = self._call(lambda: self._scorer(passed))
        self.calls += 1
        self.predictions += sum(document.size - 1 for document in documents)
        if [id(copy) for copy in passed] != [id(copy) for copy in copies]:
            raise ScorerError("nondeterminism", "changes the list of documents passed to it")
        for index, (document, after) in enumerate(zip(documents, copies, strict=True)):
            if not np.array_equal(document, after):
                raise ScorerError("nondeterminism", "changes the tokens of a document passed to it", index)
        if not isinstance(returned, (list, tuple)):
            raise ScorerError("C4", f"returns {type(returned).__name__}; expected a list with one array per document")
        if len(returned) != len(documents):
            raise ScorerError("C4", f"returns {len(returned)} arrays for {len(documents)} documents; expected one each")
        pairs = zip(returned, documents, strict=True)
        return [_losses(array, index, document.size - 1) for index, (array, document) in enumerate(pairs)]

    @property
    def accelerated(self) -> bool:
        """Whether losses may come from an accelerator, which adds in no fixed order."""
        return self._scorer.accelerated if isinstance(self._scorer, RemoteScorer) else uses_accelerator()

    @property
    def declares_distribution(self) -> bool:
        """Whether the scorer has a method `distribution(document, position)`."""
        return callable(getattr(self._scorer, "distribution", None))

    def distribution(self, document: Tokens, position: int) -> Floats:
        """The probabilities that the scorer declares for the token at a position, float64 [vocab_size].

        Raises:
            ScorerError: it raised, timed out, or returned no probabilities.
        """
        scorer: Any = self._scorer
        returned = self._call(lambda: scorer.distribution(document.copy(), position))
        self.calls += 1
        try:
            p_V = np.asarray(_to_host(returned), np.float64)
        except Exception:  # a foreign object may raise anything when it is converted
            raise ScorerError("C2", f"distribution() returns {type(returned).__name__}; expected an array") from None
        if p_V.ndim != 1 or not np.all(np.isfinite(p_V)) or np.any(p_V < 0):
            raise ScorerError(
                "C2", f"distribution() returns an array of shape {p_V.shape}; expected one row of probabilities"
            )
        return p_V

    @property
    def declares_byte_counts(self) -> bool:
        """Whether the scorer has a method `byte_counts(document)`."""
        return callable(getattr(self._scorer, "byte_counts", None))

    def byte_counts(self, document: Tokens) -> NDArray[np.int64]:
        """The bytes that the scorer counts for positions 1 … n − 1 of a document, int64.

        Raises:
            ScorerError: it raised, timed out, or returned no whole numbers.
        """
        scorer: Any = self._scorer
        returned = self._call(lambda: scorer.byte_counts(document.copy()))
        self.calls += 1
        try:
            counts = np.asarray(_to_host(returned), np.float64)
        except Exception:  # a foreign object may raise anything when it is converted
            raise ScorerError("bytes", f"byte_counts() returns {type(returned).__name__}; expected an array") from None
        if counts.ndim != 1 or not np.all(np.abs(counts) < 2.0**53) or np.any(counts != np.rint(counts)):
            raise ScorerError(
                "bytes", f"byte_counts() returns an array of shape {counts.shape}; expected a whole number per target"
            )
        return counts.astype(np.int64)

    def _call(self, work: Work) -> Any:
        """Call the scorer within its time limit, with stdout captured."""
        with contextlib.redirect_stdout(io.StringIO()) as stdout:
            result = self._run(work)
        self.printed += stdout.getvalue()
        if result is None:
            raise ScorerError("C4", f"no answer within {self.call_seconds:g} s")
        if result.error is None:
            return result.returned
        if isinstance(result.error, ScorerError):
            raise result.error
        reason = " ".join(str(result.error).split())[:200]
        raise ScorerError("C4", f"returns no losses: raised {type(result.error).__name__}: {reason}")

    def _run(self, work: Work) -> CallResult | None:
        if self._thread is not None:
            return self._thread.run(work, self.call_seconds)
        result = run_catching(work)
        if isinstance(result.error, KeyboardInterrupt):  # in the main thread it is the user's
            raise result.error
        return result


def _losses(returned: Any, index: int, targets: int) -> Floats:
    """One document's losses as float64, fully checked."""
    try:
        values = np.asarray(_to_host(returned))
    except Exception as error:  # a foreign object may raise anything when it is converted
        raise ScorerError("C4", f"returns no array: {type(error).__name__}", index) from None
    if values.dtype.kind != "f":
        raise ScorerError("C4", f"returns losses of dtype {values.dtype}; expected floats", index)
    if values.shape != (targets,):
        raise ScorerError("C4", f"returns losses of shape {values.shape}; expected ({targets},)", index)
    rounding = max(NEGATIVE_ROUNDING_NATS, float(np.finfo(values.dtype).eps))
    values = values.astype(np.float64)
    values[(values < 0) & (values >= -rounding)] = 0.0
    wrong = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if wrong.size:
        first = int(wrong[0])
        value = values[first]
        meaning = "a probability above 1" if value < 0 else "no probability"
        raise ScorerError(
            "C2",
            f"{wrong.size} losses are not finite and ≥ 0; the first is {value}: {meaning}",
            index,
            first + 1,
            float(value) if np.isfinite(value) else 0.0,
        )
    return values


def _to_host(returned: Any) -> Any:
    """A torch tensor detached, on the CPU and in a dtype that numpy has; anything else unchanged."""
    if not hasattr(returned, "detach"):
        return returned
    tensor = returned.detach().cpu()
    return tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
