"""Low-rank adapters (LoRA) of many documents at once, stored as one flat row of numbers per document.

An adapter of a matrix adds x·Aᵀ·Bᵀ to its projection; `bias` adds a vector after a block. A is drawn once per
evaluation and is the initial A of every document; B and biases start at zero (PR 77, PR 611).

With one row per document, resetting, leaving a batch and Adam are single operations on a tensor [N, P].

Letters of tensor shapes: N documents of a batch, P numbers of one document's adapters, T positions, D model dimension,
V vocabulary, R rank, I inputs and O outputs of an adapted matrix.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from golf.errors import InputError
from golf.model.gpt import ModelConfig
from golf.ranges import DECAY, Range, outside

KINDS = ("q", "k", "v", "o", "fc", "proj", "head", "bias")
"""Kinds of adapters: for the projections of a block and the tied head, and a bias after each block."""

RANKS, MULTIPLIERS = Range(1, 4096), DECAY

DrawA = Callable[[int, int, torch.Generator], Tensor]
"""Draws one A [R, I] from rank, inputs and the evaluation's generator."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterRanks:
    """Rank of the adapters by kind; PR 611 uses 8, and 16 for the head.

    Raises:
        InputError: a line for each rank that is out of range.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    q: int = 8
    """Rank of the adapters of the queries."""
    k: int = 8
    """Rank of the adapters of the keys."""
    v: int = 8
    """Rank of the adapters of the values."""
    o: int = 8
    """Rank of the adapters of the attention's output."""
    fc: int = 8
    """Rank of the adapters of the MLP's first matrix."""
    proj: int = 8
    """Rank of the adapters of the MLP's second matrix."""
    head: int = 16
    """Rank of the adapters of the output head."""

    def __post_init__(self) -> None:
        if problems := [*outside(self, "eval.ranks", dict.fromkeys(self.__slots__, RANKS))]:
            raise InputError(*problems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Multipliers:
    """Learning-rate multiplier by kind: one number, or one per layer; those of q, k, v, head and bias are PR 611's.

    Raises:
        InputError: a line for each kind with a multiplier that is out of range.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    q: float | tuple[float, ...] = 0.5
    """Learning-rate multiplier of the queries' adapters: one number, or a list with one per layer."""
    k: float | tuple[float, ...] = 0.3
    """Learning-rate multiplier of the adapters of the keys."""
    v: float | tuple[float, ...] = 1.5
    """Learning-rate multiplier of the adapters of the values."""
    o: float | tuple[float, ...] = 1.0
    """Learning-rate multiplier of the adapters of the attention's output."""
    fc: float | tuple[float, ...] = 1.0
    """Learning-rate multiplier of the adapters of the MLP's first matrix."""
    proj: float | tuple[float, ...] = 1.0
    """Learning-rate multiplier of the adapters of the MLP's second matrix."""
    head: float = 2.0
    """Learning-rate multiplier of the adapters of the output head; one number."""
    bias: float | tuple[float, ...] = 3.0
    """Learning-rate multiplier of the adapters of the vector that is added after each block."""

    def __post_init__(self) -> None:
        if problems := [*outside(self, "eval.multipliers", dict.fromkeys(self.__slots__, MULTIPLIERS))]:
            raise InputError(*problems)

    def at(self, kind: str, layer: int, num_layers: int) -> float:
        """The multiplier of a kind in a layer.

        Raises:
            InputError: the number of multipliers is not the number of layers.
        """
        value: float | tuple[float, ...] = getattr(self, kind)
        if not isinstance(value, tuple):
            return value
        if len(value) != num_layers:
            raise InputError(
                f"eval.multipliers.{kind} has {len(value)} entries: must be train.model.num_layers = {num_layers}"
            )
        return value[layer]


@dataclass(frozen=True, slots=True)
class Piece:
    """One tensor of a document's row."""

    kind: str
    layer: int
    role: str
    """A, B or bias."""
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Its numbers in the row."""
        return math.prod(self.shape)


def uniform_a(rank: int, inputs: int, generator: torch.Generator) -> Tensor:
    """Draw A [R, I] uniformly from ±1/√I, torch's default for linear layers, which the public entries use."""
    return (torch.rand(rank, inputs, generator=generator) * 2 - 1) / math.sqrt(inputs)


def layout(model: ModelConfig, kinds: Sequence[str], ranks: AdapterRanks) -> list[Piece]:
    """The tensors of a document's row in order: layer by layer, the head last."""
    d, kv, f = model.model_dim, model.num_kv_heads * model.head_dim, model.mlp_hidden
    sides = {"q": (d, d), "k": (d, kv), "v": (d, kv), "o": (d, d), "fc": (d, f), "proj": (f, d)}
    pieces: list[Piece] = []
    for layer in range(model.num_layers):
        for kind in (kind for kind in sides if kind in kinds):
            inputs, outputs = sides[kind]
            rank = getattr(ranks, kind)
            pieces += [Piece(kind, layer, "A", (rank, inputs)), Piece(kind, layer, "B", (outputs, rank))]
        if "bias" in kinds:
            pieces.append(Piece("bias", layer, "bias", (d,)))
    if "head" in kinds:
        pieces += [Piece("head", -1, "A", (ranks.head, d)), Piece("head", -1, "B", (model.vocab_size, ranks.head))]
    return pieces


def initial_row(pieces: Sequence[Piece], seed: int, draw: DrawA = uniform_a) -> Tensor:
    """The initial row [P] of every document of an evaluation, fp32 on the CPU."""
    generator = torch.Generator().manual_seed(seed)
    parts = [torch.zeros(piece.size) for piece in pieces]
    for part, piece in zip(parts, pieces, strict=True):
        if piece.role == "A":
            rank, inputs = piece.shape
            part.copy_(draw(rank, inputs, generator).flatten())
    return torch.cat(parts) if parts else torch.zeros(0)


def rate_row(pieces: Sequence[Piece], multipliers: Multipliers, num_layers: int) -> Tensor:
    """The learning-rate multiplier of every number of a row, [P]."""
    parts = [torch.full((piece.size,), multipliers.at(piece.kind, piece.layer, num_layers)) for piece in pieces]
    return torch.cat(parts) if parts else torch.zeros(0)


class AdapterBatch:
    """The adapters of a batch of documents, as views of their rows [N, P]; gradients flow back into the rows."""

    def __init__(
        self, rows_NP: Tensor, pieces: Sequence[Piece], dtype: torch.dtype, alpha: float | None = None
    ) -> None:
        parts = rows_NP.to(dtype).split_with_sizes([piece.size for piece in pieces], dim=1) if pieces else ()
        self._tensors = {
            (piece.kind, piece.layer, piece.role): _scaled(part.view(-1, *piece.shape), piece, alpha)
            for piece, part in zip(pieces, parts, strict=True)
        }

    def layer(self, index: int) -> "LayerAdapterBatch":
        """The adapters of one block."""
        return LayerAdapterBatch(self, index)

    def head(self) -> tuple[Tensor, Tensor] | None:
        """A [N, R, D] and B [N, V, R] of the head; None if it is not adapted."""
        a_NRD = self._tensors.get(("head", -1, "A"))
        return None if a_NRD is None else (a_NRD, self._tensors["head", -1, "B"])

    def project(self, kind: str, layer: int, x_NTI: Tensor, weight_OI: Tensor) -> Tensor:
        """x·(W + B·A)ᵀ for every document, [N, T, O]; x·Wᵀ if this kind is not adapted."""
        weight_OI = weight_OI.to(x_NTI.dtype)
        a_NRI = self._tensors.get((kind, layer, "A"))
        if a_NRI is None:
            return F.linear(x_NTI, weight_OI)
        low_NTR = torch.bmm(x_NTI, a_NRI.mT)
        return F.linear(x_NTI, weight_OI).baddbmm_(low_NTR, self._tensors[kind, layer, "B"].mT)

    def shift(self, layer: int, x_NTD: Tensor) -> Tensor:
        """x + bias for every document; x if biases are not adapted."""
        bias_ND = self._tensors.get(("bias", layer, "bias"))
        return x_NTD if bias_ND is None else x_NTD + bias_ND[:, None]


def _scaled(tensor: Tensor, piece: Piece, alpha: float | None) -> Tensor:
    """Scale B by alpha / rank; A is unchanged."""
    return tensor if alpha is None or piece.role != "B" else tensor * (alpha / piece.shape[1])


class LayerAdapterBatch:
    """One layer's view of an AdapterBatch."""

    def __init__(self, batch: AdapterBatch, index: int) -> None:
        self._batch, self._index = batch, index

    def project(self, kind: str, x: Tensor, weight: Tensor) -> Tensor:
        return self._batch.project(kind, self._index, x, weight)

    def shift(self, x: Tensor) -> Tensor:
        return self._batch.shift(self._index, x)


class RowAdam:
    """Adam over rows [N, P], with its own step count for each document.

    p ← p − rate · m̂ / (√v̂ + eps), with decoupled weight decay (Kingma & Ba, arXiv 1412.6980; Loshchilov & Hutter,
    arXiv 1711.05101).
    """

    def __init__(self, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
        self._betas, self._eps, self._weight_decay = betas, eps, weight_decay

    def step(self, state_3NP: Tensor, gradient_NP: Tensor, rate_P: Tensor, factor_N: Tensor, count_N: Tensor) -> None:
        """Update rows and their moments in place.

        Args:
            state_3NP: rows, first and second moments.
            gradient_NP: gradients of the rows.
            rate_P: learning rate of every number of a row, before the schedule.
            factor_N: schedule factor of each document, fp32.
            count_N: number of this update for each document, from 1, fp32.
        """
        first, second = self._betas
        rows_NP, m_NP, v_NP = state_3NP.unbind()
        m_NP.lerp_(gradient_NP, 1 - first)
        v_NP.mul_(second).addcmul_(gradient_NP, gradient_NP, value=1 - second)
        scale_N1 = (factor_N / (1 - first**count_N))[:, None]
        root_N1 = (1 - second**count_N).sqrt()[:, None]
        if self._weight_decay:
            rows_NP.mul_(1 - self._weight_decay * factor_N[:, None] * rate_P)
        rows_NP.sub_((m_NP / (v_NP.sqrt().div_(root_N1).add_(self._eps))).mul_(rate_P).mul_(scale_N1))
