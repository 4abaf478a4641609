"""Causal attention behind one entry point, which chooses the kernel once, by device and installed packages.

    fa4, fa3     torch's scaled_dot_product_attention with FlashAttention-4 or -3 activated in it (Hopper and later)
    flash-attn   the package of that name (FlashAttention-2, arXiv 2307.08691)
    sdpa         torch's scaled_dot_product_attention with its default backends
    blocks       golf.model.block_attention, for the CPU

Letters of tensor shapes: B batch, H query heads, G key/value heads, T positions, M queries (the last M positions),
E head dimension.
"""

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from golf.errors import InputError
from golf.model.block_attention import block_attention

Name = Literal["fa4", "fa3", "flash-attn", "sdpa", "blocks"]
Choice = Literal["auto", "fa4", "fa3", "flash-attn", "sdpa", "blocks"]
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Causal softmax attention, scaled by 1/√E, of the last M of T positions; query head h reads head ⌊h / (H/G)⌋.

Takes queries [B, H, M, E], keys and values [B, G, T, E]; returns [B, H, M, E].
"""

HOPPER = (9, 0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kernel:
    """An attention kernel and its name."""

    name: Name
    attend: Attend


def choose_kernel(choice: Choice, device: torch.device) -> Kernel:
    """The kernel that a setting names; for "auto" the best one that this device and installation have.

    Activates FlashAttention-3 or -4 in torch for the whole process, and deactivates it if another kernel is chosen.

    Raises:
        InputError: the kernel is not available here.
    """
    for name in _preferred(device) if choice == "auto" else (choice,):
        if _activate(name, device):
            _log_once(name, str(device))
            return Kernel(name, _ATTEND[name])
    available = [name for name in get_args(Name) if _activate(name, device)]
    names = ", ".join(available)
    raise InputError(f'attention = "{choice}": not available on this {device.type}; expected auto, {names}')


@cache
def _preferred(device: torch.device) -> tuple[Name, ...]:
    """Kernels, the fastest first."""
    if device.type != "cuda":
        return ("blocks",)
    newer = torch.cuda.get_device_capability(device) > HOPPER
    return ("fa4", "fa3", "flash-attn", "sdpa") if newer else ("fa3", "fa4", "flash-attn", "sdpa")


def _activate(name: Name, device: torch.device) -> bool:
    """Try to activate a kernel; returns whether it is available here."""
    if device.type != "cuda":
        return name in ("sdpa", "blocks")
    if name in ("fa4", "fa3"):
        return _activate_in_torch(name.upper())
    if name == "flash-attn" and importlib.util.find_spec("flash_attn") is None:
        return False
    from torch.nn import attention

    if attention.current_flash_attention_impl() is not None:
        attention.restore_flash_attention_impl()
    return name != "blocks"


def _activate_in_torch(name: str) -> bool:
    from torch.nn import attention

    if attention.current_flash_attention_impl() == name:
        return True
    try:
        attention.activate_flash_attention_impl(name)
    except (ImportError, RuntimeError, ValueError):  # not installed, or not for this GPU
        return False
    return True


@cache
def _log_once(name: str, device: str) -> None:
    _log.info("attention on %s: %s", device, name)


def _sdpa(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    queries, positions = q_BHME.shape[2], k_BGTE.shape[2]
    if positions == 1:
        return block_attention(q_BHME, k_BGTE, v_BGTE)  # one key: its gradient is exact
    grouped = q_BHME.shape[1] != k_BGTE.shape[1]
    if queries == positions:
        return F.scaled_dot_product_attention(q_BHME, k_BGTE, v_BGTE, is_causal=True, enable_gqa=grouped)
    from torch.nn.attention.bias import causal_lower_right  # imports torch's compiler, which takes a second

    mask = causal_lower_right(queries, positions)
    return F.scaled_dot_product_attention(q_BHME, k_BGTE, v_BGTE, attn_mask=mask, enable_gqa=grouped)


def _flash_attn(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    from flash_attn import flash_attn_func

    if k_BGTE.shape[2] == 1:
        return block_attention(q_BHME, k_BGTE, v_BGTE)  # one key: its gradient is exact
    # Since version 2.1 its causal mask is aligned to the last position, as the last M queries need it.
    q_BMHE, k_BTGE, v_BTGE = (x.transpose(1, 2) for x in (q_BHME, k_BGTE, v_BGTE))
    out_BMHE: Tensor = flash_attn_func(q_BMHE, k_BTGE, v_BTGE, causal=True)
    return out_BMHE.transpose(1, 2)


_ATTEND: dict[Name, Attend] = {
    "fa4": _sdpa,
    "fa3": _sdpa,
    "flash-attn": _flash_attn,
    "sdpa": _sdpa,
    "blocks": block_attention,
}
