"""Quantize the rows of large matrices to whole numbers, and dequantize them.

    c = 0.9999984 quantile of |w| in the row,  s = max(c/31, 1/31),  q = clamp(round(w/s), ±31),  w ≈ q·s   (6 bits)

Quantized are 2-D tensors of more than 65,536 elements other than the token embedding. Control tensors stay fp32, all
others are fp16 (PR 611). s is stored in fp16, and the stored value dequantizes.
"""

import math
from typing import Literal

import torch
from torch import Tensor

CLIP_QUANTILE = 0.9999984
"""Quantile of |w| at which a row is clipped (PR 611)."""
MAX_UNQUANTIZED = 65_536
"""Matrices of more elements than this are quantized (PR 611)."""
CONTROL_NAMES = ("attn_scale", "mlp_scale", "resid_mix", "q_gain", "skip_weight")
"""Parts of the names of control tensors (PR 611)."""

Encoding = Literal["int", "fp16", "fp32"]


def encoding_of(name: str, shape: tuple[int, ...]) -> Encoding:
    """The encoding of a tensor with this name and shape."""
    if any(control in name for control in CONTROL_NAMES):
        return "fp32"
    if len(shape) == 2 and math.prod(shape) > MAX_UNQUANTIZED and name != "tok_emb.weight":
        return "int"
    return "fp16"


def quantize_rows(weight: Tensor, bits: int = 6) -> tuple[Tensor, Tensor]:
    """Quantize each row of a matrix [rows, columns].

    Returns:
        Values, int8 [rows, columns], and scales, fp16 [rows].
    """
    largest = 2 ** (bits - 1) - 1
    clip = upper_quantile(weight.abs(), CLIP_QUANTILE)
    scale = (clip / largest).clamp_min(1.0 / largest)
    values = weight.clamp(-clip[:, None], clip[:, None]).div_(scale[:, None]).round_().clamp_(-largest, largest)
    return values.to(torch.int8), scale.to(torch.float16)


def dequantize_rows(values: Tensor, scales: Tensor) -> Tensor:
    """The weights, fp32 [rows, columns], of int8 values [rows, columns] and fp16 scales [rows]."""
    return values.float().mul_(scales.float()[:, None])


def upper_quantile(values: Tensor, quantile: float) -> Tensor:
    """A quantile near 1 of every row, [rows], bit-identical to `torch.quantile`.

    It uses only the few largest values of a row, because sorting whole rows is slow. The rank is computed in the
    values' dtype and interpolated linearly, as in torch.
    """
    columns = values.shape[1]
    rank = torch.tensor(quantile, dtype=values.dtype) * (columns - 1)
    below = int(rank)
    top = values.topk(columns - below, dim=1).values
    return torch.lerp(top[:, -1], top[:, max(0, top.shape[1] - 2)], rank - below)
