"""The dtype in which a model computes; its weights, losses and optimizers are float32 in any case."""

from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]
"""A setting: the dtype by name, or "auto" for that of the device."""


def compute_dtype(device: torch.device, precision: Precision = "auto") -> torch.dtype:
    """The dtype of a setting; "auto" is bfloat16 for GPUs, and float32 for CPUs, where bfloat16 is 100 times slower."""
    if precision == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def use_exact_float32() -> None:
    """Have matrix products of float32 keep its 24 bits on GPUs, for the whole process.

    Some images of the vendor set TORCH_ALLOW_TF32_CUBLAS_OVERRIDE, which makes them TF32, with 11 bits: an audit would
    take its rounding for a leak.
    """
    torch.set_float32_matmul_precision("highest")
