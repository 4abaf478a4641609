"""The loss layer: states → soft-capped logits → cross-entropy, block by block, with gradients in the same pass.

    z = h·Wᵀ + (h·Aᵀ)·Bᵀ      y = c·tanh(z / c)      nll = log Σ exp y − y[target]
    ∂nll/∂z = (softmax(y) − onehot) ⊙ (1 − tanh²(z / c))

Logits are the widest tensors of a step: V numbers per position, in several copies. Computed in blocks that fit a cache,
with the gradients in the same pass, they are never stored.

Letters of tensor shapes: N documents or windows, C scored positions, D model dimension, V vocabulary, R rank.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK_LOGITS = {"cpu": 2**18, "cuda": 2**27, "meta": 2**27}
"""Logits of one block in fp32: 1 MB on the CPU, to fit a core's cache; 512 MB on a GPU, for few large kernels.

The meta device stands for a GPU, so that a GPU's work can be counted without one.
"""


def head_loss(
    hidden_NCD: Tensor,
    weight_VD: Tensor,
    targets_NC: Tensor,
    *,
    softcap: float,
    scale: float = 1.0,
    low_rank: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the tied head.

    Args:
        hidden_NCD: normalized states after the last block, [N, C, D], fp32 or bf16.
        weight_VD: the token embedding, [V, D], fp32.
        targets_NC: int64 [N, C].
        softcap: the c of the formula.
        scale: factor on the differentiable sum.
        low_rank: head adapters A [N, R, D] and B [N, V, R] of every document.

    Returns:
        `scale` · Σ nll, an fp32 scalar that can be differentiated once, and the nll in nats, fp32 [N, C], which has no
        gradient.
    """
    a, b = low_rank or (None, None)
    total, nll = _HeadLoss.apply(hidden_NCD, weight_VD, a, b, targets_NC, softcap, scale)
    return total, nll


class _HeadLoss(torch.autograd.Function):
    """Computes the gradients in the forward pass; the backward pass multiplies them by the incoming gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_NCD: Tensor,
        weight_VD: Tensor,
        a_NRD: Tensor | None,
        b_NVR: Tensor | None,
        targets_NC: Tensor,
        softcap: float,
        scale: float,
    ) -> tuple[Tensor, Tensor]:
        for_hidden, for_weight, for_a, for_b = ctx.needs_input_grad[:4]
        (N, C, _), V = hidden_NCD.shape, weight_VD.shape[0]
        weight = weight_VD.to(hidden_NCD.dtype)
        dhidden = torch.empty_like(hidden_NCD) if for_hidden else None
        dweight = torch.zeros_like(weight_VD) if for_weight else None
        da = torch.zeros_like(a_NRD) if for_a and a_NRD is not None else None
        db = torch.zeros_like(b_NVR) if for_b and b_NVR is not None else None
        nll_NC = torch.empty(N, C, device=hidden_NCD.device)
        for rows, columns in _blocks(N, C, V, hidden_NCD.device.type):
            hidden, target = hidden_NCD[rows, columns], targets_NC[rows, columns, None]
            z = hidden.matmul(weight.T)
            low = None
            if a_NRD is not None and b_NVR is not None:
                low = torch.bmm(hidden, a_NRD[rows].mT)
                z.baddbmm_(low, b_NVR[rows].mT)
            tanh = z.float().div_(softcap).tanh_()
            y = tanh * softcap
            at_target = y.gather(2, target)
            largest = y.amax(2, keepdim=True)
            exp = y.sub_(largest).exp_()
            total = exp.sum(2, keepdim=True)
            nll_NC[rows, columns] = (total.log() + largest - at_target).squeeze(2)
            if not any(ctx.needs_input_grad):
                continue
            share = exp.div_(total)
            share.scatter_add_(2, target, torch.full_like(at_target, -1.0))
            dz = tanh.square_().neg_().add_(1.0).mul_(share).to(hidden.dtype)
            if dhidden is not None:
                dhidden[rows, columns] = dz.matmul(weight)
            if dweight is not None:
                dweight.addmm_(dz.flatten(0, 1).mT.to(dweight.dtype), hidden.flatten(0, 1).to(dweight.dtype))
            if low is not None and a_NRD is not None and b_NVR is not None:
                dlow = torch.bmm(dz, b_NVR[rows])
                if dhidden is not None:
                    dhidden[rows, columns] += torch.bmm(dlow, a_NRD[rows])
                if da is not None and db is not None:
                    da[rows] = torch.baddbmm(da[rows], dlow.mT, hidden)
                    db[rows] = torch.baddbmm(db[rows], dz.mT, low)
        ctx.gradients, ctx.scale = (dhidden, dweight, da, db), scale
        ctx.mark_non_differentiable(nll_NC)
        return nll_NC.sum() * scale, nll_NC

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dtotal: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        factor = dtotal * ctx.scale
        gradients = [None if gradient is None else gradient.mul_(factor) for gradient in ctx.gradients]
        del ctx.gradients
        return (*gradients, None, None, None)


def _blocks(rows: int, columns: int, vocabulary: int, device: str) -> Iterator[tuple[slice, slice]]:
    """Cut [N, C] into blocks: several whole rows if rows are short, parts of one row if they are long."""
    positions = max(1, BLOCK_LOGITS[device] // vocabulary)
    height, width = max(1, positions // columns), min(columns, positions)
    for row in range(0, rows, height):
        for column in range(0, columns, width):
            yield slice(row, row + height), slice(column, column + width)
