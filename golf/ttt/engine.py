"""Test-time training: score a document chunk by chunk and adapt to the chunks already scored.

A document of n tokens has n − 1 predictions, cut into chunks. A chunk is scored in a window that ends with it; then the
document's own adapters take a step on the chunk's mean loss. Protocols (golf.ttt.protocols) differ in which score
counts.

Documents are independent: those computed together (golf.ttt.visits) share only the computation. Visits are queued on
the device without waiting for earlier ones.

Letters of tensor shapes: N documents of a visit, T positions of a window, C positions of a chunk, P numbers of a
document's adapters, S slots of a lane, D documents of a lane (in hidden states: model dimension), E updates on a chunk,
L predictions of the longest document, M predictions of all documents of a lane.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from golf.data.tokens import check_document
from golf.errors import Diverged
from golf.model.attention import choose_kernel
from golf.model.gpt import GPT, ModelConfig
from golf.model.precision import compute_dtype
from golf.score import Scores
from golf.ttt import adapters
from golf.ttt.adapters import AdapterBatch, DrawA, RowAdam
from golf.ttt.config import EvalConfig
from golf.ttt.visits import Ints, Visit, plan_visits

__all__ = ["EvalConfig", "evaluate"]

ACTIVATION_BYTES = {"cpu": 2**27, "cuda": 2**34, "meta": 2**34}
"""Memory for activations, by device ("meta" stands for a GPU); with the settings and lengths it decides how many
documents are computed together."""


def batch_rows(model: ModelConfig, positions: int, scored: int, adapted: int, budget_bytes: int) -> int:
    """How many windows of `positions` fit into the memory budget if `scored` positions of each need logits; at least
    one.

    For its backward pass a block keeps about 14 tensors of the model's width and 4 of the MLP's. Each of the `adapted`
    numbers of a document's adapters has a gradient, two moments and working copies: 8 in all. Numbers have 4 bytes.
    """
    block = 14 * model.model_dim + 4 * model.mlp_hidden
    window = positions * (model.num_layers * block + 8 * model.model_dim) + 4 * scored * model.vocab_size
    return max(1, budget_bytes // (4 * (window + 8 * adapted)))


def evaluate(
    model: GPT,
    documents: Sequence[NDArray[np.integer[Any]]],
    config: EvalConfig,
    *,
    seed: int = 0,
    draw: DrawA = adapters.uniform_a,
    show: Callable[[int], None] = lambda chunks: None,
) -> Scores:
    """Score documents independently of each other, with test-time training as configured.

    Args:
        model: a frozen model; its device decides where to compute.
        documents: 1-D integer arrays, BOS first; the last token is only ever a target.
        config: the protocol and its settings.
        seed: of the adapters' initial A, which is drawn once for all documents.
        draw: draws A.
        show: called, from several threads, with the number of chunks that were scored since the last call.

    Returns:
        The NLL at positions 1 … n − 1 of every document in nats, in the order given.

    Raises:
        InputError: a document has fewer than two tokens or a token outside the vocabulary, or the attention kernel is
        not
            available.
        Diverged: adapting to a document led to a loss that is not finite.
    """
    vocab_size = model.config.vocab_size
    documents = [check_document(document, f"document {index}", vocab_size) for index, document in enumerate(documents)]
    adapted = np.array([document.size >= config.min_document_tokens for document in documents], bool)
    adapted &= config.adapts
    engine = Engine(model, config, seed, draw, show)
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

    whole, chunked = (
        [(int(index), documents[int(index)].size - 1) for index in np.flatnonzero(adapted == kind)]
        for kind in (False, True)
    )
    lanes = [*engine.batches(whole, adapting=False), *engine.lanes(chunked)]
    _run_lanes(score, lanes, engine.device)
    _check_finite(token_nll, adapted)
    return Scores(token_nll=tuple(token_nll), adapted=adapted, counted_pass=counted_pass)


def _run_lanes(score: Callable[[list[int]], None], lanes: Sequence[list[int]], device: torch.device) -> None:
    """Score lanes one after the other, or on the CPU in parallel, one lane per torch thread.

    One lane per thread is faster than all threads on one lane's small operations, by half on two cores, and its results
    do not depend on the number of threads.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        for lane in lanes:
            score(lane)
        return
    with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool:
        for _ in pool.map(score, lanes):
            pass
    torch.set_num_threads(threads)


def _check_finite(token_nll: Sequence[NDArray[np.float32]], adapted: NDArray[np.bool_]) -> None:
    """Raise Diverged if adapting to a document led to a loss that is not finite."""
    for index in np.flatnonzero(adapted).tolist():
        if not np.isfinite(token_nll[index]).all():
            raise Diverged(
                f"document {index}: adapting to it diverged, its loss is not finite; "
                "lower eval.lr or eval.weight_decay, or raise eval.eps"
            )


class Engine:
    """One evaluation: a model, its settings and the initial adapters."""

    def __init__(
        self, model: GPT, config: EvalConfig, seed: int, draw: DrawA, show: Callable[[int], None] = lambda chunks: None
    ) -> None:
        self.show = show
        self.model, self.config = model, config
        self.device = model.tok_emb.weight.device
        self.dtype = compute_dtype(self.device, config.precision)
        head_dim = model.config.head_dim
        self.attend = choose_kernel(config.attention, self.device, self.dtype, head_dim=head_dim).attend
        self.pieces = adapters.layout(model.config, config.adapters, config.ranks)
        self.start_P = adapters.initial_row(self.pieces, seed, draw).to(self.device)
        rates_P = adapters.rate_row(self.pieces, config.multipliers, model.config.num_layers)
        self.rate_P = (config.lr * rates_P).to(self.device)
        self.adam = RowAdam(config.betas, config.eps, config.weight_decay)

    def batches(self, lengths: Sequence[tuple[int, int]], *, adapting: bool) -> Iterator[list[int]]:
        """Split (index, predictions) pairs into batches of indices, longest first, within the memory budget."""
        ordered = sorted(lengths, key=lambda pair: (-pair[1], pair[0]))
        while ordered:
            rows = self.rows(ordered[0][1], adapting=adapting)
            yield [index for index, _ in ordered[:rows]]
            ordered = ordered[rows:]

    def lanes(self, lengths: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Split documents into lanes, each with one queue of visits: one lane on a GPU, batches on the CPU.

        On a CPU full batches save nothing, and lanes run in parallel on its threads.
        """
        if self.device.type == "cpu":
            return list(self.batches(lengths, adapting=True))
        return [[index for index, _ in lengths]] if lengths else []

    def rows(self, longest: int, *, adapting: bool) -> int:
        """How many documents of at most `longest` predictions fit the memory budget, adapted to or scored whole."""
        config = self.config
        positions = min(-(-longest // config.chunk) * config.chunk, config.window) if adapting else longest
        budget = ACTIVATION_BYTES[self.device.type]
        return batch_rows(self.model.config, positions, min(longest, config.chunk), self.start_P.numel(), budget)

    @torch.no_grad()
    def score_whole(self, documents: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        """Score every document in one window of its whole length, without adapters; fp32 losses in nats."""
        lengths = np.array([document.numel() - 1 for document in documents])
        tokens_NL = pad_sequence(list(documents), batch_first=True).to(self.device)
        hidden_NLD = self._hidden(tokens_NL[:, :-1], rotary=self.rotary(lengths))
        _, nll_NL = self.model.loss(hidden_NLD, tokens_NL[:, 1:])
        self.show(len(lengths))
        return _unpad(nll_NL, lengths)

    def score_adapting(self, documents: Sequence[Tensor]) -> tuple[list[NDArray[np.float32]], NDArray[np.int32]]:
        """Score every document chunk by chunk with its own adapters; returns losses and the pass that counts."""
        slots = self.rows(max(document.numel() - 1 for document in documents), adapting=True)
        lane = _Lane.of(documents, slots, self)
        for visit in plan_visits(lane.lengths.tolist(), self.config, lane.state_3SP.shape[1]):
            if visit.last:
                self._score_last_chunks(lane, visit)
            else:
                self._train_chunks(lane, visit)
            self.show(len(visit.documents))
        host = (lane.kept_M * self.config.nll_factor).cpu().numpy()
        return [part.copy() for part in np.split(host, np.cumsum(lane.lengths)[:-1])], lane.counted_D.cpu().numpy()

    def _train_chunks(self, lane: "_Lane", visit: Visit) -> None:
        """Score a full chunk of each document of a visit, then update its adapters on it."""
        size, documents = self.config.chunk, visit.documents
        ends = (visit.chunks + 1) * size
        width = int(min(ends[0], self.config.window))
        slot_N, window_N, scored_N = self._send(
            visit.slots, lane.tokens_at[documents] + ends - width, lane.scores_at[documents] + ends - size
        ).unbind()
        factor_EN, count_EN = self.updates(visit.passes, visit.chunks, -(-lane.lengths[documents] // size))
        tokens_NT = lane.tokens[window_N[:, None] + torch.arange(width + 1, device=self.device)]
        state_3NP = lane.take(slot_N, count_EN[0] == 1, self.start_P)
        nll_NC = self.adapt(tokens_NT, state_3NP, factor_EN, count_EN)
        lane.nll_M[scored_N[:, None] + torch.arange(size, device=self.device)] = nll_NC
        if self.pieces:
            lane.put(slot_N, state_3NP)

    def updates(self, passes: Ints, chunk: Ints, chunks: Ints) -> tuple[Tensor, Tensor]:
        """The schedule factors of the updates on one chunk of N documents, and their numbers from 1; fp32 [E, N].

        Args:
            passes: number of the pass over each document, from 0.
            chunk: number of the chunk, from 0.
            chunks: chunks of each document.
        """
        steps = self.config.steps_per_chunk
        update_EN = ((passes * (chunks - 1) + chunk) * steps + np.arange(steps)[:, None]).astype(np.float64)
        factor_EN = self.config.rate_factor(update_EN, chunk.astype(np.float64), chunks.astype(np.float64))
        both = self._send(*factor_EN, *(update_EN + 1), dtype=torch.float32)
        return both[:steps], both[steps:]

    def adapt(self, tokens_NT: Tensor, state_3NP: Tensor, factor_EN: Tensor, count_EN: Tensor) -> Tensor:
        """Score the chunk at the end of each window, then update the documents' adapters in place.

        Args:
            tokens_NT: each window, and the target of its last position.
            state_3NP: adapters, and Adam's first and second moments.
            factor_EN: schedule factor of each update.
            count_EN: number of each update, from 1.

        Returns:
            NLL of the chunk before all updates, in nats, fp32 [N, C].
        """
        size, scored_NC = self.config.chunk, None
        for factor_N, count_N in zip(factor_EN, count_EN, strict=True):
            leaf_NP = state_3NP[0].detach().requires_grad_(bool(self.pieces))
            batch = self.adapters_of(leaf_NP)
            hidden_NCD = self._hidden(tokens_NT[:, :-1], adapters=batch, last=size)
            loss, nll_NC = self.model.loss(hidden_NCD, tokens_NT[:, -size:], adapters=batch, scale=1 / size)
            scored_NC = nll_NC if scored_NC is None else scored_NC
            if not self.pieces:
                break
            (gradient_NP,) = torch.autograd.grad(loss, leaf_NP)
            self.adam.step(state_3NP, gradient_NP, self.rate_P, factor_N, count_N)
        assert scored_NC is not None
        return scored_NC

    @torch.no_grad()
    def _score_last_chunks(self, lane: "_Lane", visit: Visit) -> None:
        """Score the last chunk of each document of a visit in its own window, which ends a pass over the document."""
        size, lengths = self.config.chunk, lane.lengths[visit.documents]
        firsts = visit.chunks * size
        ends = firsts + size if self.config.length_blind else lengths
        starts = np.maximum(0, ends - self.config.window)
        width, scored = int((lengths - starts).max()), int((lengths - firsts).max())
        at = lane.tokens_at[visit.documents]
        # A document of a single chunk starts with its last chunk: it is never trained on.
        slot_N, fresh_N, start_N, first_N, end_N, scored_N = self._send(
            visit.slots, visit.chunks == 0, at + starts, at + firsts, at + lengths,
            lane.scores_at[visit.documents] - at,
        ).unbind()  # fmt: skip
        # Shorter rows are padded with their last position, which cannot affect earlier positions.
        window_NT = torch.minimum(start_N[:, None] + torch.arange(width, device=self.device), end_N[:, None] - 1)
        place_NC = torch.minimum(first_N[:, None] + torch.arange(scored, device=self.device), end_N[:, None] - 1)
        rows_NP = lane.take(slot_N, fresh_N, self.start_P)[0]
        batch = self.adapters_of(rows_NP)
        rotary = self.rotary(ends - starts, width)
        hidden_NTD = self._hidden(lane.tokens[window_NT], rotary=rotary, adapters=batch)
        within_NC = place_NC - start_N[:, None]
        hidden_NCD = hidden_NTD.gather(1, within_NC[..., None].expand(-1, -1, hidden_NTD.shape[2]))
        _, nll_NC = self.model.loss(hidden_NCD, lane.tokens[place_NC + 1], adapters=batch)
        lane.nll_M[place_NC + scored_N[:, None]] = nll_NC
        if self.config.lowest_counts:
            self._keep_lower(lane, visit)

    def _keep_lower(self, lane: "_Lane", visit: Visit) -> None:
        """At the end of a pass, keep its scores if their sum is lower than in every earlier pass."""
        lengths = lane.lengths[visit.documents]
        document_N, first_N, length_N, pass_N = self._send(
            visit.documents, lane.scores_at[visit.documents], lengths, visit.passes
        ).unbind()
        along_L = torch.arange(int(lengths.max()), device=self.device)
        place_NL = first_N[:, None] + torch.minimum(along_L, length_N[:, None] - 1)
        nll_NL = lane.nll_M[place_NL]
        total_N = (nll_NL.double() * (along_L < length_N[:, None])).sum(1)
        lower_N = total_N < lane.lowest_D[document_N]
        lane.lowest_D[document_N] = torch.where(lower_N, total_N, lane.lowest_D[document_N])
        lane.counted_D[document_N] = torch.where(lower_N, pass_N.int(), lane.counted_D[document_N])
        lane.kept_M[place_NL] = torch.where(lower_N[:, None], nll_NL, lane.kept_M[place_NL])

    def adapters_of(self, rows_NP: Tensor) -> AdapterBatch:
        """The adapters in the documents' rows."""
        return AdapterBatch(rows_NP, self.pieces, self.dtype, self.config.alpha)

    def _hidden(self, tokens_NT: Tensor, **how: Any) -> Tensor:
        return self.model.hidden(tokens_NT, dtype=self.dtype, attend=self.attend, **how)

    def _send(self, *rows: NDArray[Any], dtype: torch.dtype = torch.int64) -> Tensor:
        """Copy rows of numbers to the device as one tensor [rows, N], asynchronously."""
        host = torch.from_numpy(np.stack(rows)).to(dtype)
        pinned = host.pin_memory() if self.device.type == "cuda" else host
        return pinned.to(self.device, non_blocking=True)

    def rotary(self, lengths: NDArray[np.int64], width: int | None = None) -> tuple[Tensor, Tensor]:
        """Rotary tables for windows of these lengths: [T, E/2], or [N, 1, T, E/2] if a length changes the rotary base.

        `width` is T, the longest window by default; E is the head dimension.
        """
        width = width or int(lengths.max())
        if int(lengths.max()) <= self.model.config.rope_length:
            return self.model.rotary(width)
        tables = [self.model.rotary(int(length)) for length in lengths]
        cos_NTE, sin_NTE = (
            torch.stack([F.pad(table[which][:width], (0, 0, 0, max(0, width - len(table[which])))) for table in tables])
            for which in (0, 1)
        )
        return cos_NTE[:, None], sin_NTE[:, None]


@dataclass(frozen=True, slots=True)
class _Lane:
    """Documents with one queue of visits, and their state on the device."""

    lengths: Ints
    """Predictions of each document."""
    tokens_at: Ints
    """First index of each document in `tokens`."""
    scores_at: Ints
    """First index of each document in `nll_M`."""
    tokens: Tensor
    """All documents concatenated, int64."""
    state_3SP: Tensor
    """Adapters of each slot's document, and Adam's first and second moments."""
    nll_M: Tensor
    """Losses of the current pass in nats, fp32."""
    kept_M: Tensor
    """Losses that count: `nll_M` itself, or for min-epoch a copy, NaN until a pass has finite losses."""
    lowest_D: Tensor
    """Lowest total loss of each document over its passes, fp64."""
    counted_D: Tensor
    """The pass whose losses count, int32."""

    @classmethod
    def of(cls, documents: Sequence[Tensor], slots: int, engine: Engine) -> "_Lane":
        """Set up a lane before its first visit."""
        sizes = np.array([document.numel() for document in documents])
        slots, device = min(slots, len(documents)), engine.device
        nll_M = torch.zeros(int((sizes - 1).sum()), device=device)
        return cls(
            lengths=sizes - 1,
            tokens_at=np.cumsum(sizes) - sizes,
            scores_at=np.cumsum(sizes - 1) - (sizes - 1),
            tokens=torch.cat(list(documents)).to(device),
            state_3SP=torch.zeros(3, slots, engine.start_P.numel(), device=device),
            nll_M=nll_M,
            kept_M=torch.full_like(nll_M, torch.nan) if engine.config.lowest_counts else nll_M,
            lowest_D=torch.full((len(documents),), torch.inf, dtype=torch.float64, device=device),
            counted_D=torch.full((len(documents),), engine.config.passes - 1, dtype=torch.int32, device=device),
        )

    def take(self, slot_N: Tensor, fresh_N: Tensor, start_P: Tensor) -> Tensor:
        """Copy the state of slots, [3, N, P]; fresh slots get the initial adapters and zero moments."""
        state_3NP = self.state_3SP[:, slot_N]
        fresh_N1 = fresh_N[:, None] > 0
        state_3NP[0] = torch.where(fresh_N1, start_P, state_3NP[0])
        state_3NP[1:].masked_fill_(fresh_N1, 0.0)
        return state_3NP

    def put(self, slot_N: Tensor, state_3NP: Tensor) -> None:
        """Write the state of slots back."""
        self.state_3SP[:, slot_N] = state_3NP


def _unpad(nll_NL: Tensor, lengths: Ints) -> list[NDArray[np.float32]]:
    host = nll_NL.float().cpu().numpy()
    return [host[row, :length].copy() for row, length in enumerate(lengths)]
