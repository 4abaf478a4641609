"""Predict documents token by token, with the test-time training of golf.ttt, without knowing the next token.

    for every token:   yield p(token)  →  receive the token     golf.proof.codec encodes or decodes it in between
    after a chunk:     the update of golf.ttt.engine on the tokens received

Only the documents' lengths are known in advance, so everything encoded with these distributions can be decoded. With
settings that do not depend on length (`length_uses`), lengths only say where documents end.

Encoder and decoder need bit-identical distributions, so all shapes and the order of operations follow from model,
settings, seed and lengths. Documents of a batch are predicted together, position by position; those that end early are
fed token 0 until the last one ends.

Letters of tensor shapes: N documents of a batch, M of them in one window, T positions of the window, D model dimension,
V vocabulary, L predictions of the longest document, P numbers of a document's adapters.
"""

import copy
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from golf.data.tokens import BOS
from golf.errors import InputError
from golf.model.gpt import GPT
from golf.proof.cache import WindowCache
from golf.ttt.adapters import AdapterBatch, uniform_a
from golf.ttt.config import EvalConfig
from golf.ttt.engine import Engine
from golf.ttt.protocols import PROTOCOLS


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """Distributions of the token at one position of M documents."""

    documents: NDArray[np.int64]
    """Indices of the M documents."""
    position: int
    """The position predicted in each of them, from 1."""
    probabilities_MV: NDArray[np.float64]
    """Each row sums to 1."""


Predictions = Generator[Prediction, NDArray[np.int64], None]
"""Yields predictions and receives the tokens at their positions, int64 [M]."""


def check_decodable(config: EvalConfig) -> None:
    """Check that a decoder can reproduce the scores of an evaluation.

    Raises:
        InputError: it cannot; the message says why.
    """
    if config.adapts and config.passes > 1:
        reason = PROTOCOLS[config.protocol].leak.format(passes=config.passes, before=config.passes - 1)
        raise InputError(f"eval.protocol = {config.protocol}: has no decoder: {reason}; score-first has one")
    if config.adapts and config.nll_factor != 1.0:
        raise InputError(
            f"eval.nll_factor = {config.nll_factor:g}: has no decoder: "
            "scaled losses are no probabilities that sum to 1; expected 1"
        )


def length_uses(config: EvalConfig) -> list[str]:
    """What these settings use a document's length for, apart from where it ends; it must be known in advance."""
    adapting = config.adapts
    uses = []
    if not adapting or config.min_document_tokens:
        uses.append("the rotary base of a window longer than those in training")
    if adapting and config.min_document_tokens:
        uses.append("whether to adapt to a document (eval.min_document_tokens)")
    if adapting and config.schedule == "cosine":
        uses.append("the length of the cosine (eval.schedule)")
    if adapting and not config.length_blind:
        uses.append("where the last window starts (eval.length_blind)")
    return uses


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread in a `with` block, because the number of threads changes the order of additions."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def predictions(model: GPT, lengths: Sequence[int], config: EvalConfig, *, seed: int) -> Predictions:
    """Predict every token of documents except the initial BOS.

    Args:
        model: a frozen model on the CPU.
        lengths: tokens of each document, BOS included; at least 2.
        config: settings that pass `check_decodable`.
        seed: of the adapters' initial A, as in golf.ttt.evaluate.
    """
    # Matrix products round differently by memory alignment, and loaded weights may have any; copies are aligned.
    engine = Engine(copy.deepcopy(model), config, seed, uniform_a)
    adapted = [config.adapts and length >= config.min_document_tokens for length in lengths]
    for adapting in (False, True):
        chosen = [(index, lengths[index] - 1) for index, kind in enumerate(adapted) if kind == adapting]
        for indices in engine.batches(chosen, adapting=adapting):
            batch = _Batch(engine, np.array(indices), np.array([lengths[index] - 1 for index in indices]))
            yield from batch.adapting() if adapting else batch.whole()


class _Batch:
    """Documents that are predicted together, longest first; `_tokens_NL` holds the tokens known so far."""

    def __init__(self, engine: Engine, indices: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
        self._engine, self._indices, self._lengths = engine, indices, lengths
        self._tokens_NL = torch.zeros(len(indices), int(lengths[0]) + 1, dtype=torch.long)
        self._tokens_NL[:, 0] = BOS

    def whole(self) -> Predictions:
        """Predict every document in one window of its whole length."""
        yield from self._windows(0, np.zeros_like(self._lengths), self._lengths, self._lengths, None)

    def adapting(self) -> Predictions:
        """Predict chunk by chunk, and update the documents' adapters after each full chunk."""
        engine, config = self._engine, self._engine.config
        chunks = -(-self._lengths // config.chunk)
        state_3NP = torch.zeros(3, len(chunks), engine.start_P.numel())
        state_3NP[0] = engine.start_P
        for chunk in range(int(chunks[0])):
            lengths = self._lengths[: int((chunks > chunk).sum())]
            first, end = chunk * config.chunk, (chunk + 1) * config.chunk
            stops = np.minimum(lengths, end)
            ends = np.full_like(stops, end) if config.length_blind else stops
            yield from self._windows(first, np.maximum(0, ends - config.window), ends, stops, state_3NP[0])
            active = int((chunks > chunk + 1).sum())
            if active and engine.pieces:
                zero = np.zeros(active, np.int64)
                tokens_NT = self._tokens_NL[:active, max(0, end - config.window) : end + 1]
                updates = engine.updates(zero, zero + chunk, chunks[:active])
                engine.adapt(tokens_NT, state_3NP[:, :active], *updates)

    def _windows(
        self,
        first: int,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        stops: NDArray[np.int64],
        rows_NP: Tensor | None,
    ) -> Predictions:
        """Predict the tokens after positions first … stop − 1 of the first documents, grouped by the start of their
        windows.

        Args:
            first: the first position.
            starts: first position of each document's window.
            ends: end of each window, which decides its rotary base.
            stops: where prediction stops in each document.
            rows_NP: the documents' adapters; None without.
        """
        engine = self._engine
        for start in np.unique(starts).tolist():
            rows = np.flatnonzero(starts == start)
            adapters = None if rows_NP is None else engine.adapters_of(rows_NP[rows])
            rotary = engine.rotary(ends[rows] - start, int(stops[rows[0]]) - start)
            yield from self._window(rows, first, start, stops[rows], rotary, adapters)

    def _window(
        self,
        rows: NDArray[np.int64],
        first: int,
        start: int,
        stops: NDArray[np.int64],
        rotary: tuple[Tensor, Tensor],
        adapters: AdapterBatch | None,
    ) -> Predictions:
        """Predict in windows that start at the same position."""
        engine, last = self._engine, int(stops[0])
        tokens_MT = self._tokens_NL[rows, start : last + 1]
        cache = WindowCache(engine.model.config, len(rows), last - start)
        for position in range(first, last):
            active = int((stops > position).sum())
            known_MT = tokens_MT[:, : position - start + 1]
            probabilities_MV = _next_token(engine, known_MT, rotary, adapters, cache)[:active]
            received = yield Prediction(
                documents=self._indices[rows[:active]], position=position + 1, probabilities_MV=probabilities_MV.numpy()
            )
            tokens_MT[:active, position - start + 1] = torch.from_numpy(received)
        self._tokens_NL[rows, first + 1 : last + 1] = tokens_MT[:, first - start + 1 :]


@torch.no_grad()
def _next_token(
    engine: Engine,
    tokens_MT: Tensor,
    rotary: tuple[Tensor, Tensor],
    adapters: AdapterBatch | None,
    cache: WindowCache,
) -> Tensor:
    """Distributions of the next token, fp64 [M, V]; adds the positions that are new to the cache."""
    model = engine.model
    hidden_M1D = model.hidden(tokens_MT, rotary=rotary, adapters=adapters, last=1, attend=engine.attend, cache=cache)
    return model.logits(hidden_M1D, adapters)[:, 0].double().softmax(-1)
