"""Predict documents token by token, adapting as golf.ttt does, for a caller who learns each token only afterwards.

    while documents are left:  give p(next token)  →  be told the token     golf.proof.codec codes it, or decodes it
    after a chunk:             the very update of golf.ttt.engine on the tokens told

Nothing is known ahead but the documents' lengths, so whatever is coded with these distributions can be decoded. Where
the settings are blind to length (`length_uses`), even they only say where a document ends.

Coder and decoder must get bit-equal distributions: all shapes and the order of all operations follow from model,
settings, seed and lengths. Documents of a batch stand at the same position and are predicted together; those that end
early are fed token 0 until the last one ends.

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
    """Distributions of the token at one entry of some documents."""

    documents: NDArray[np.int64]
    """Indices of the M documents."""
    entry: int
    """Which entry of each is predicted, from 1."""
    probabilities_MV: NDArray[np.float64]


Predictions = Generator[Prediction, NDArray[np.int64], None]
"""Gives predictions and is sent the tokens that were found, int64 [M]."""


def check_decodable(config: EvalConfig) -> None:
    """Refuse an evaluation whose scores no decoder can reproduce.

    Raises:
        InputError: in one line, why there is no decoder.
    """
    if config.adapts and config.passes > 1:
        reason = PROTOCOLS[config.protocol].leak.format(passes=config.passes, before=config.passes - 1)
        raise InputError(f"eval.protocol = {config.protocol}: has no decoder: {reason}; score-first has one")
    if config.adapts and config.nll_factor != 1.0:
        raise InputError(
            f"eval.nll_factor = {config.nll_factor:g}: has no decoder: "
            "probabilities that are scaled so do not sum to 1; expected 1"
        )


def length_uses(config: EvalConfig) -> list[str]:
    """What a document's length decides but where it ends: for these settings it must be known ahead of the tokens."""
    adapting = config.adapts
    uses = []
    if not adapting or config.min_document_tokens:
        uses.append("how a single window is rotated, where it is longer than trained")
    if adapting and config.min_document_tokens:
        uses.append("whether a document is adapted to (eval.min_document_tokens)")
    if adapting and config.schedule == "cosine":
        uses.append("the length of the cosine (eval.schedule)")
    if adapting and not config.length_blind:
        uses.append("where the last window opens (eval.length_blind)")
    return uses


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: how many there are changes the order of sums, and so the last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def predictions(model: GPT, lengths: Sequence[int], config: EvalConfig, *, seed: int) -> Predictions:
    """Predict every entry of documents but the BOS that each opens with.

    Args:
        model: a frozen model on the CPU.
        lengths: tokens of each document, its BOS included; at least 2.
        config: a protocol that has a decoder (`check_decodable`).
        seed: of the adapters' random A, as in golf.ttt.evaluate.
    """
    # Weights lie where it suited the reader of their file, and matrix products round by alignment; copies are aligned.
    engine = Engine(copy.deepcopy(model), config, seed, uniform_a)
    adapted = [config.adapts and length >= config.min_document_tokens for length in lengths]
    for adapting in (False, True):
        chosen = [(index, lengths[index] - 1) for index, kind in enumerate(adapted) if kind == adapting]
        for indices in engine.batches(chosen, adapting=adapting):
            batch = _Batch(engine, np.array(indices), np.array([lengths[index] - 1 for index in indices]))
            yield from batch.adapting() if adapting else batch.whole()


class _Batch:
    """Documents that are predicted together, the longest first; what is known of them is in `tokens_NL`."""

    def __init__(self, engine: Engine, indices: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
        self._engine, self._indices, self._lengths = engine, indices, lengths
        self._tokens_NL = torch.zeros(len(indices), int(lengths[0]) + 1, dtype=torch.long)
        self._tokens_NL[:, 0] = BOS

    def whole(self) -> Predictions:
        """Every document in one window of its whole length."""
        yield from self._windows(0, np.zeros_like(self._lengths), self._lengths, self._lengths, None)

    def adapting(self) -> Predictions:
        """Chunk by chunk, updating the documents' adapters after each full one."""
        engine, config = self._engine, self._engine.config
        chunks = -(-self._lengths // config.chunk)
        state_3NP = torch.zeros(3, len(chunks), engine.start_P.numel())
        state_3NP[0] = engine.start_P
        for chunk in range(int(chunks[0])):
            here = self._lengths[: int((chunks > chunk).sum())]
            first, end = chunk * config.chunk, (chunk + 1) * config.chunk
            stops = np.minimum(here, end)
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
        """Predict from position `first` of the leading documents, those whose windows open at the same place together.

        Each document's window opens at its start, is rotated as one that closes at its end, and is left at its stop.
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
        engine, last = self._engine, int(stops[0])
        tokens_MT = self._tokens_NL[rows, start : last + 1]
        cache = WindowCache(engine.model.config, len(rows), last - start)
        for position in range(first, last):
            active = int((stops > position).sum())
            known_MT = tokens_MT[:, : position - start + 1]
            probabilities_MV = _next_token(engine, known_MT, rotary, adapters, cache)[:active]
            found = yield Prediction(
                documents=self._indices[rows[:active]], entry=position + 1, probabilities_MV=probabilities_MV.numpy()
            )
            tokens_MT[:active, position - start + 1] = torch.from_numpy(found)
        self._tokens_NL[rows, first + 1 : last + 1] = tokens_MT[:, first - start + 1 :]


@torch.no_grad()
def _next_token(
    engine: Engine,
    tokens_MT: Tensor,
    rotary: tuple[Tensor, Tensor],
    adapters: AdapterBatch | None,
    cache: WindowCache,
) -> Tensor:
    """Distributions [M, V] of the token after these, fp64; positions that are not in the cache yet are added to it."""
    model = engine.model
    hidden_M1D = model.hidden(tokens_MT, rotary=rotary, adapters=adapters, last=1, attend=engine.attend, cache=cache)
    return model.logits(hidden_M1D, adapters)[:, 0].double().softmax(-1)
