"""Normalization, rotation and activation with explicit backward passes.

These operations limit the speed of a small model. Explicit backward passes make fewer passes over memory than autograd.

Letters of tensor shapes: B batch, H heads, T positions, E head dimension.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

NORM_EPS = 2.0**-23  # torch's default in RMSNorm for fp32, which the public entries use


def rms_norm(x: Tensor) -> Tensor:
    """x / √(mean x² + 2⁻²³) over the last axis, without a weight."""
    y: Tensor = _RMSNorm.apply(x)
    return y


def squared_relu(x: Tensor) -> Tensor:
    """max(0, x)² (So et al. 2021, arXiv 2109.08668)."""
    y: Tensor = _SquaredReLU.apply(x)
    return y


def rotate(x_BHTE: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding on half-split pairs: (a, b) → (a·cos + b·sin, −a·sin + b·cos).

    cos and sin are [T, E/2], or [B, 1, T, E/2] if rows have different tables.
    """
    y: Tensor = _Rotate.apply(x_BHTE, cos, sin)
    return y


class _RMSNorm(torch.autograd.Function):
    """y = r·x with r = (mean x² + eps)^(−1/2); dx = r·(dy − y·mean(y·dy))."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        # The mean is computed in fp32 for bf16 input, too.
        root = x.float().square().mean(-1, keepdim=True).add_(NORM_EPS).rsqrt_().to(x.dtype)
        y = x * root
        ctx.save_for_backward(y, root)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        y, root = ctx.saved_tensors
        mean = (y * dy).mean(-1, keepdim=True)
        return torch.addcmul(dy, y, mean, value=-1).mul_(root)


class _SquaredReLU(torch.autograd.Function):
    """y = p² with p = max(0, x); dx = 2·p·dy."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        positive = x.relu()
        ctx.save_for_backward(positive)
        return positive * positive

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        return torch.addcmul(dy.new_zeros(()), positive, dy, value=2)


class _Rotate(torch.autograd.Function):
    """A rotation; the backward pass rotates by the opposite angle."""

    @staticmethod
    def forward(ctx: Any, x_BHTE: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turn(x_BHTE, cos, sin, 1.0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_BHTE: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turn(dy_BHTE, cos, sin, -1.0), None, None


def _turn(x_BHTE: Tensor, cos: Tensor, sin: Tensor, direction: float) -> Tensor:
    a, b = x_BHTE.chunk(2, dim=-1)
    first = torch.addcmul(a * cos, b, sin, value=direction)
    second = torch.addcmul(b * cos, a, sin, value=-direction)
    return torch.cat((first, second), dim=-1)
