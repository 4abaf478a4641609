"""Quantization: which tensors become whole numbers, how, and back.

    c = 0.9999984 quantile of |w| in the row,  s = max(c/31, 1/31),  q = clamp(round(w/s), ±31),  w ≈ q·s   (6 bits)

2-D tensors of more than 65,536 elements other than the token embedding are quantized; control tensors stay fp32; the
rest, the token embedding included, is fp16 (PR 611). s is stored in fp16 and that is what dequantizes.
"""

import math
from typing import Literal

import torch
from torch import Tensor

CLIP_QUANTILE = 0.9999984
QUANTISED_FROM = 65_536
"""Matrices of more elements than this are quantized."""
CONTROL_NAMES = ("attn_scale", "mlp_scale", "resid_mix", "q_gain", "skip_weight")

Encoding = Literal["int", "fp16", "fp32"]


def encoding_of(name: str, shape: tuple[int, ...]) -> Encoding:
    """How a tensor of this name and shape is stored."""
    if any(control in name for control in CONTROL_NAMES):
        return "fp32"
    if len(shape) == 2 and math.prod(shape) > QUANTISED_FROM and name != "tok_emb.weight":
        return "int"
    return "fp16"


def quantize_rows(weight: Tensor, bits: int = 6) -> tuple[Tensor, Tensor]:
    """Quantize a matrix [rows, columns] row by row.

    Returns:
        Whole numbers as int8 [rows, columns] and fp16 scales [rows].
    """
    largest = 2 ** (bits - 1) - 1
    clip = upper_quantile(weight.abs(), CLIP_QUANTILE)
    scale = (clip / largest).clamp_min(1.0 / largest)
    values = weight.clamp(-clip[:, None], clip[:, None]).div_(scale[:, None]).round_().clamp_(-largest, largest)
    return values.to(torch.int8), scale.to(torch.float16)


def dequantize_rows(values: Tensor, scales: Tensor) -> Tensor:
    """fp32 weights [rows, columns] of whole numbers [rows, columns] and fp16 scales [rows]."""
    return values.float().mul_(scales.float()[:, None])


def upper_quantile(values: Tensor, quantile: float) -> Tensor:
    """A quantile near 1 of every row [rows], bit for bit that of `torch.quantile`, from the row's largest few values.

    The rank is taken in the values' dtype and interpolated linearly, as there. Sorting whole rows is what costs.
    """
    columns = values.shape[1]
    rank = torch.tensor(quantile, dtype=values.dtype) * (columns - 1)
    below = int(rank)
    top = values.topk(columns - below, dim=1).values
    return torch.lerp(top[:, -1], top[:, max(0, top.shape[1] - 2)], rank - below)
