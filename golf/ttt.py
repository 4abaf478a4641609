"""Test-time training: score a document chunk by chunk while adapting to what was scored.

A document of n tokens has n − 1 predictions, cut into chunks. A chunk is scored inside a window that ends with it; then
the document's own adapters take a step on the chunk's mean loss. Protocols differ in which score counts:

    score-first   every chunk once, before any update on it, then `epochs` updates on it; the legal form
    last-epoch    passes over the whole document; the last one's scores count (PR 596)
    min-epoch     passes over the whole document; the one of lowest loss counts, per document (PR 611, PR 614)
    none          no adaptation: the whole document in one window

Documents are independent: a batch shares nothing but its arithmetic. They stand in falling order of length, so those
that still have a chunk to train on are always a batch's leading rows, and the last chunks, never trained on, are scored
together at the end of a pass.

Letters of tensor shapes: N documents of a batch, T positions of a window, C positions of a chunk, P numbers of a
document's adapters, L predictions of the longest document.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from golf import adapters
from golf.adapters import AdapterBatch, DrawA, Multipliers, Ranks, RowAdam
from golf.errors import InputError
from golf.model import GPT, ModelConfig
from golf.score import Scores

Protocol = Literal["none", "score-first", "last-epoch", "min-epoch"]
Schedule = Literal["constant", "cosine"]
Floats = NDArray[np.float64]

COSINE_FLOOR = 0.1
"""The cosine schedule never falls below this factor (PR 611)."""
ACTIVATION_BYTES = {"cpu": 2**27, "cuda": 2**34}
"""Memory for the activations of one batch: batches are a function of this, the settings and the lengths alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalConfig:
    """How an artifact is evaluated; the defaults are the preset `score-first`: legal, and blind to document length."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    protocol: Protocol = "score-first"
    adapters: tuple[str, ...] = ("q", "k", "v", "head", "bias")
    """Kinds that are adapted, of golf.adapters.KINDS."""
    ranks: Ranks = field(default_factory=Ranks)
    multipliers: Multipliers = field(default_factory=Multipliers)
    lr: float = 0.003
    schedule: Schedule = "constant"
    epochs: int = 1
    chunk: int = 256
    """Predictions scored, then trained on, at a time."""
    window: int = 1024
    """Positions a chunk sees at most, itself included."""
    min_document_tokens: int = 0
    """Shorter slices (in tokens) are not adapted."""
    length_blind: bool = True
    """The last chunk's window starts where a full chunk's would, not as late as the document's end allows."""
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-10
    weight_decay: float = 0.0
    nll_factor: float = 1.0
    """Factor on the reported loss of adapted documents; anything but 1 is no probability."""
    gpus: int = 8
    max_seconds: float | None = 600.0
    """Scoring that takes longer is an error."""

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.adapters if kind not in adapters.KINDS]
        if unknown:
            raise InputError(f'eval.adapters: unknown kind "{unknown[0]}"; known are {" ".join(adapters.KINDS)}')
        if len(set(self.adapters)) < len(self.adapters):
            raise InputError(f"eval.adapters = {list(self.adapters)}: a kind is named twice")
        for name in ("epochs", "chunk", "window", "gpus"):
            if getattr(self, name) < 1:
                raise InputError(f"eval.{name} = {getattr(self, name)}: must be at least 1")
        if self.window < self.chunk:
            raise InputError(f"eval.window = {self.window}: must be at least eval.chunk = {self.chunk}")
        for name in ("lr", "eps", "nll_factor"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"eval.{name} = {value}: must be finite and above 0")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise InputError(f"eval.betas = {list(self.betas)}: both must lie in [0, 1)")
        for name in ("weight_decay", "min_document_tokens"):
            if getattr(self, name) < 0:
                raise InputError(f"eval.{name} = {getattr(self, name)}: must not be negative")
        if self.max_seconds is not None and self.max_seconds <= 0:
            raise InputError(f"eval.max_seconds = {self.max_seconds}: must be above 0")

    @property
    def passes(self) -> int:
        """Times that a document is gone through from start to end."""
        return 1 if self.protocol == "score-first" else self.epochs

    @property
    def steps_per_chunk(self) -> int:
        """Updates on a chunk within one pass."""
        return self.epochs if self.protocol == "score-first" else 1


def schedule_factor(schedule: Schedule, update: Floats, total: Floats) -> Floats:
    """Factor on the learning rate at a document's update number `update`, counted from 0.

    cosine: max(½(1 + cos(π·update / total)), 0.1) with total = epochs × chunks of the document (PR 611).
    """
    if schedule == "constant":
        return np.ones_like(update)
    return np.maximum(0.5 * (1 + np.cos(np.pi * update / total)), COSINE_FLOOR)


def batch_rows(model: ModelConfig, positions: int, scored: int, budget_bytes: int) -> int:
    """How many windows of `positions` fit the budget when `scored` positions of each need logits; at least one.

    A block keeps about 14 tensors of the model's width and 4 of the MLP's for its backward pass, in 4 bytes each.
    """
    block = 14 * model.model_dim + 4 * model.mlp_hidden
    window = positions * (model.num_layers * block + 8 * model.model_dim) + 4 * scored * model.vocab_size
    return max(1, budget_bytes // (4 * window))


def evaluate(
    model: GPT,
    documents: Sequence[NDArray[np.integer[Any]]],
    config: EvalConfig,
    *,
    seed: int = 0,
    draw: DrawA = adapters.uniform_a,
) -> Scores:
    """Score documents, each on its own, adapting as the settings say.

    Args:
        model: a frozen model; its device decides where and in which dtype the work is done.
        documents: 1-D integer arrays, BOS first; the last entry is only ever a target.
        config: the protocol and its settings.
        seed: of the adapters' random A, drawn once and shared by all documents.
        draw: how A is drawn.

    Returns:
        The NLL of entries 1 … n − 1 of every document in nats, in the order given.

    Raises:
        InputError: a document of fewer than two tokens, or a token outside the vocabulary.
    """
    for index, document in enumerate(documents):
        _check(document, f"document {index}", model.config.vocab_size)
    adapted = np.array([document.size >= config.min_document_tokens for document in documents], bool)
    adapted &= config.protocol != "none"
    engine = Engine(model, config, seed, draw)
    token_nll: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(documents)
    counted_pass = np.zeros(len(documents), np.int32)

    def score(rows: list[int]) -> None:
        batch = [torch.from_numpy(np.asarray(documents[index], np.int64)) for index in rows]
        if adapted[rows[0]]:
            scored, counted_pass[rows] = engine.score_adapting(batch)
        else:
            scored = engine.score_whole(batch)
        for index, nll in zip(rows, scored, strict=True):
            token_nll[index] = nll

    batches: list[list[int]] = []
    for chosen in (~adapted, adapted):
        lengths = [(int(index), documents[int(index)].size - 1) for index in np.flatnonzero(chosen)]
        batches += engine.batches(lengths)
    _run_batches(score, batches, engine.device)
    return Scores(token_nll=tuple(token_nll), adapted=adapted, counted_pass=counted_pass)


def _run_batches(score: Callable[[list[int]], None], batches: Sequence[list[int]], device: torch.device) -> None:
    """Score batches one by one, or on the CPU one to each of torch's threads at a time.

    A thread with a batch of its own is faster than threads that share one batch's small operations, by half on two
    cores, and its numbers do not depend on how many there are.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        for batch in batches:
            score(batch)
        return
    with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool:
        for _ in pool.map(score, batches):
            pass
    torch.set_num_threads(threads)


def _check(document: NDArray[np.integer[Any]], name: str, vocab_size: int) -> None:
    if document.ndim != 1 or document.size < 2:
        raise InputError(f"{name} has {document.size} tokens; a document needs at least 2")
    if int(document.min()) < 0 or int(document.max()) >= vocab_size:
        raise InputError(f"{name} holds token {int(document.max())}; the model's vocabulary has {vocab_size}")


class Engine:
    """One evaluation: a model, its settings and the adapters' starting point."""

    def __init__(self, model: GPT, config: EvalConfig, seed: int, draw: DrawA) -> None:
        self.model, self.config = model, config
        self.device = model.tok_emb.weight.device
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self.pieces = adapters.layout(model.config, config.adapters, config.ranks)
        self.start_P = adapters.initial_row(self.pieces, seed, draw).to(self.device)
        rates_P = adapters.rate_row(self.pieces, config.multipliers, model.config.num_layers)
        self.rate_P = (config.lr * rates_P).to(self.device)

    def batches(self, lengths: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
        """Cut (index, predictions) pairs into batches of indices, longest first, within the memory budget."""
        ordered = sorted(lengths, key=lambda pair: (-pair[1], pair[0]))
        while ordered:
            longest = ordered[0][1]
            whole = self.config.protocol == "none"
            positions = longest if whole else min(longest, self.config.window)
            budget = ACTIVATION_BYTES[self.device.type]
            rows = batch_rows(self.model.config, positions, min(longest, self.config.chunk), budget)
            yield [index for index, _ in ordered[:rows]]
            ordered = ordered[rows:]

    @torch.no_grad()
    def score_whole(self, documents: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        """Every document in one window of its whole length, without adapters."""
        lengths = np.array([document.numel() - 1 for document in documents])
        tokens_NL = pad_sequence(list(documents), batch_first=True).to(self.device)
        hidden_NLD = self.model.hidden(tokens_NL[:, :-1], dtype=self.dtype, rotary=self.rotary(lengths))
        _, nll_NL = self.model.loss(hidden_NLD, tokens_NL[:, 1:])
        return _unpad(nll_NL, lengths)

    def score_adapting(self, documents: Sequence[Tensor]) -> tuple[list[NDArray[np.float32]], NDArray[np.int32]]:
        """Every document chunk by chunk with adapters of its own, and which pass counts; the longest comes first."""
        config = self.config
        lengths = np.array([document.numel() - 1 for document in documents])
        chunks = -(-lengths // config.chunk)
        tokens_NL = pad_sequence(list(documents), batch_first=True).to(self.device)
        rows_NP = self.start_P.repeat(len(documents), 1)
        adam = RowAdam(rows_NP, config.betas, config.eps, config.weight_decay)
        best_NL = torch.zeros(len(documents), int(lengths[0]), device=self.device)
        counted_N = torch.zeros(len(documents), dtype=torch.int32, device=self.device)
        for number in range(config.passes):
            nll_NL = torch.zeros_like(best_NL)
            for chunk in range(int(chunks[0]) - 1):
                active = int((chunks > chunk + 1).sum())
                trained = (number * (chunks[:active] - 1) + chunk) * config.steps_per_chunk
                scored = nll_NL[:active, chunk * config.chunk : (chunk + 1) * config.chunk]
                self.train_chunk(tokens_NL[:active], rows_NP[:active], adam, chunk, chunks[:active], trained, scored)
            self._score_last_chunks(tokens_NL, rows_NP, lengths, nll_NL)
            if number == 0 or config.protocol == "last-epoch":
                best_NL = nll_NL
                counted_N.fill_(number)
            else:
                lower_N = nll_NL.sum(dim=1, dtype=torch.float64) < best_NL.sum(dim=1, dtype=torch.float64)
                best_NL = torch.where(lower_N[:, None], nll_NL, best_NL)
                counted_N.masked_fill_(lower_N, number)
        return _unpad(best_NL * config.nll_factor, lengths), counted_N.cpu().numpy()

    def train_chunk(
        self,
        tokens_NL: Tensor,
        rows_NP: Tensor,
        adam: RowAdam,
        chunk: int,
        chunks: NDArray[np.int64],
        trained: NDArray[np.int64],
        scored_NC: Tensor,
    ) -> None:
        """Score a full chunk of every document into `scored_NC`, then update the rows on it in place.

        `chunks` are the documents' numbers of chunks, `trained` the updates that each has had.
        """
        size = self.config.chunk
        end = (chunk + 1) * size
        start = max(0, end - self.config.window)
        for step in range(self.config.steps_per_chunk):
            leaf_NP = rows_NP.detach().requires_grad_(rows_NP.shape[1] > 0)
            batch = AdapterBatch(leaf_NP, self.pieces, self.dtype)
            hidden_NCD = self.model.hidden(tokens_NL[:, start:end], dtype=self.dtype, adapters=batch, last=size)
            targets_NC = tokens_NL[:, end - size + 1 : end + 1]
            loss, nll_NC = self.model.loss(hidden_NCD, targets_NC, adapters=batch, scale=1 / size)
            if step == 0:
                scored_NC.copy_(nll_NC)
            if not self.pieces:
                return
            (gradient_NP,) = torch.autograd.grad(loss, leaf_NP)
            update = (trained + step).astype(np.float64)
            factor = schedule_factor(self.config.schedule, update, (self.config.epochs * chunks).astype(np.float64))
            adam.step(rows_NP, gradient_NP, self.rate_P, self._floats(factor), self._floats(update + 1))

    @torch.no_grad()
    def _score_last_chunks(
        self, tokens_NL: Tensor, rows_NP: Tensor, lengths: NDArray[np.int64], nll_NL: Tensor
    ) -> None:
        """Score the last chunk of every document, each in a window of its own, into `nll_NL`."""
        size, window = self.config.chunk, self.config.window
        firsts = (lengths - 1) // size * size
        ends = firsts + size if self.config.length_blind else lengths
        starts = np.maximum(0, ends - window)
        width, scored = int((lengths - starts).max()), int((lengths - firsts).max())
        length_N1, first_N1, start_N1 = (
            torch.from_numpy(v).to(self.device)[:, None] for v in (lengths, firsts, starts)
        )
        # Rows that end early read beyond their end: clamped there, and masked below.
        window_NT = (start_N1 + torch.arange(width, device=self.device)).clamp_(max=tokens_NL.shape[1] - 1)
        place_NC = first_N1 + torch.arange(scored, device=self.device)
        inside_NC = place_NC < length_N1
        place_NC = place_NC.clamp_(max=nll_NL.shape[1] - 1)
        batch = AdapterBatch(rows_NP, self.pieces, self.dtype)
        rotary = self.rotary(ends - starts, width)
        hidden_NTD = self.model.hidden(tokens_NL.gather(1, window_NT), dtype=self.dtype, rotary=rotary, adapters=batch)
        within_NC = (place_NC - start_N1).clamp_(max=width - 1)
        hidden_NCD = hidden_NTD.gather(1, within_NC[..., None].expand(-1, -1, hidden_NTD.shape[2]))
        _, nll_NC = self.model.loss(hidden_NCD, tokens_NL.gather(1, place_NC + 1), adapters=batch)
        nll_NL.scatter_add_(1, place_NC, nll_NC * inside_NC)

    def rotary(self, lengths: NDArray[np.int64], width: int | None = None) -> tuple[Tensor, Tensor]:
        """Rotary tables for windows of these lengths: [T, E/2], or [N, 1, T, E/2] where a length changes the base."""
        width = width or int(lengths.max())
        if int(lengths.max()) <= self.model.config.rope_length:
            return self.model.rotary(width)
        tables = [self.model.rotary(int(length)) for length in lengths]
        cos_NTE, sin_NTE = (
            torch.stack([F.pad(table[which][:width], (0, 0, 0, max(0, width - len(table[which])))) for table in tables])
            for which in (0, 1)
        )
        return cos_NTE[:, None], sin_NTE[:, None]

    def _floats(self, values: Floats) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.device, non_blocking=True)


def _unpad(nll_NL: Tensor, lengths: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    host = nll_NL.float().cpu().numpy()
    return [host[row, :length].copy() for row, length in enumerate(lengths)]
