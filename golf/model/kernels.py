"""Kernels of causal attention, one entry of a table each: what it needs, and how it is called.

    fa3, fa4       torch's scaled_dot_product_attention by its flash kernel, which its registry replaced by
                   FlashAttention-3 or -4
    flash-attn-3   the package flash_attn_interface: FlashAttention-3 (arXiv 2407.08608), which many pods carry
    flash-attn     the package flash_attn: FlashAttention-2 (arXiv 2307.08691)
    cudnn          torch's scaled_dot_product_attention by cuDNN
    flash          torch's scaled_dot_product_attention by its own flash kernel (FlashAttention-2)
    sdpa           torch's scaled_dot_product_attention by whichever backend it takes
    blocks         golf.model.block_attention, for the CPU

Works with torch 2.9 to 2.13. Version 2.9 has no registry of FlashAttention kernels, 2.10 has one with FA4 that cannot
be undone, 2.11 and later have FA3 and FA4 and can undo them.

Letters of tensor shapes: B batch, H query heads, G key/value heads, T positions, M queries (the last M positions),
E head dimension.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from golf.errors import InputError
from golf.model.block_attention import block_attention

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Causal softmax attention, scaled by 1/√E, of the last M of T positions; query head h reads head ⌊h / (H/G)⌋.

Takes queries [B, H, M, E], keys and values [B, G, T, E]; returns [B, H, M, E].
"""

HALF = (torch.bfloat16, torch.float16)
HOPPER = (9, 0)
"""Compute capability of an H100."""
LEAST_CUDNN = 91501
"""Earlier versions give wrong gradients for lengths that are no multiple of 128 (pytorch/pytorch#169849)."""


@dataclass(frozen=True, slots=True)
class KernelInputs:
    """What a kernel is to take: device, dtype and last dimension of queries, keys and values."""

    device: torch.device
    dtype: torch.dtype
    head_dim: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Kernel:
    """An attention kernel: a row of the table."""

    name: str
    attend: Attend
    missing: Callable[[KernelInputs], str | None]
    """Why it cannot be tried with such inputs, in words; None if it can."""
    flash: str | None = None
    """FlashAttention in torch's registry that must be active while it runs."""
    first_after: tuple[int, int] | None = None
    """On GPUs of a higher compute capability it is tried first."""
    default_flash: bool = False
    """Whether it runs torch's own flash kernel, which must not be replaced by one of the registry then."""
    fixed_shapes: bool = False
    """Whether "auto" takes it only where shapes stay the same, because it prepares each shape anew."""


def activate(kernel: Kernel, inputs: KernelInputs) -> None:
    """Switch torch, for the whole process, to the flash kernel that a kernel needs.

    Raises:
        InputError: this torch cannot return to its own flash kernel.
        Exception: the package behind it is missing or broken; it may raise anything.
    """
    if inputs.dtype not in HALF:
        return  # no flash kernel takes it
    from torch.nn import attention

    current = getattr(attention, "current_flash_attention_impl", lambda: None)()
    if kernel.flash not in (None, current):
        attention.activate_flash_attention_impl(kernel.flash)
    elif kernel.flash is None and kernel.default_flash and current is not None:
        if not can_undo():
            raise InputError(f"torch {torch.__version__} cannot return from {current} to its own flash kernel")
        attention.restore_flash_attention_impl()


@contextmanager
def restoring_flash() -> Iterator[None]:
    """Leave torch's flash kernel as it was before a `with` block, where this torch can."""
    from torch.nn import attention

    before = getattr(attention, "current_flash_attention_impl", lambda: None)()
    try:
        yield
    finally:
        if can_undo() and attention.current_flash_attention_impl() != before:
            if before is None:
                attention.restore_flash_attention_impl()
            else:
                attention.activate_flash_attention_impl(before)


def can_undo() -> bool:
    """Whether this torch can return to its own flash kernel after another one was activated."""
    from torch.nn import attention

    return hasattr(attention, "restore_flash_attention_impl")


def _on_gpu(inputs: KernelInputs) -> str | None:
    return None if inputs.device.type == "cuda" else f"needs a GPU; this is {inputs.device.type}"


def _half_on_gpu(inputs: KernelInputs) -> str | None:
    dtype = str(inputs.dtype).removeprefix("torch.")
    return _on_gpu(inputs) or (None if inputs.dtype in HALF else f"computes in bfloat16 or float16, not in {dtype}")


def _in_registry(name: str) -> Callable[[KernelInputs], str | None]:
    def missing(inputs: KernelInputs) -> str | None:
        from torch.nn import attention

        if (reason := _half_on_gpu(inputs)) is not None:
            return reason
        if not hasattr(attention, "list_flash_attention_impls"):
            return f"torch {torch.__version__} has no registry of FlashAttention kernels; expected 2.10 or later"
        if name not in attention.list_flash_attention_impls():
            return f"torch {torch.__version__} has no {name} in its registry of FlashAttention kernels"
        return None

    return missing


def _in_package(package: str) -> Callable[[KernelInputs], str | None]:
    def missing(inputs: KernelInputs) -> str | None:
        reason = _half_on_gpu(inputs)
        return reason or (None if importlib.util.find_spec(package) else f"the package {package} is not installed")

    return missing


def _new_cudnn(inputs: KernelInputs) -> str | None:
    if (reason := _half_on_gpu(inputs)) is not None:
        return reason
    version: int = torch.backends.cudnn.version() or 0  # type: ignore[no-untyped-call]
    return None if version >= LEAST_CUDNN else f"cuDNN {version} is wrong for some lengths; expected {LEAST_CUDNN}"


def _on_cpu(inputs: KernelInputs) -> str | None:
    return None if inputs.device.type == "cpu" else f"needs a CPU; this is {inputs.device.type}"


def _always(_: KernelInputs) -> None:
    return None


def _sdpa(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    queries, positions = q_BHME.shape[2], k_BGTE.shape[2]
    if positions == 1:
        return block_attention(q_BHME, k_BGTE, v_BGTE)  # one key: its gradient is exact
    grouped = q_BHME.shape[1] != k_BGTE.shape[1]
    if grouped and q_BHME.is_cuda and q_BHME.dtype == torch.float32:
        # The kernel for float32 takes equal heads only; without it all T² weights would be stored.
        heads, grouped = q_BHME.shape[1] // k_BGTE.shape[1], False
        k_BGTE, v_BGTE = (x.repeat_interleave(heads, 1) for x in (k_BGTE, v_BGTE))
    if queries == positions:
        return F.scaled_dot_product_attention(q_BHME, k_BGTE, v_BGTE, is_causal=True, enable_gqa=grouped)
    from torch.nn.attention.bias import causal_lower_right  # imports torch's compiler, which takes a second

    mask = causal_lower_right(queries, positions)
    return F.scaled_dot_product_attention(q_BHME, k_BGTE, v_BGTE, attn_mask=mask, enable_gqa=grouped)


def _flash(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    # Without this, new versions of torch prefer cuDNN on an H100, whatever flash kernel is activated.
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        return _sdpa(q_BHME, k_BGTE, v_BGTE)


def _cudnn(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if q_BHME.shape[2] != k_BGTE.shape[2]:
        return _flash(q_BHME, k_BGTE, v_BGTE)  # its causal mask is aligned to the first position
    with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        return _sdpa(q_BHME, k_BGTE, v_BGTE)


def _flash_attn_3(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    from flash_attn_interface import flash_attn_func

    return _by_positions(flash_attn_func, q_BHME, k_BGTE, v_BGTE)


def _flash_attn(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    from flash_attn import flash_attn_func

    return _by_positions(flash_attn_func, q_BHME, k_BGTE, v_BGTE)


def _by_positions(
    function: Callable[..., Tensor | tuple[Tensor, ...]], q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor
) -> Tensor:
    """Call a function of the flash-attn packages, whose tensors are [B, T, H, E].

    Its causal mask is aligned to the last position (from version 2.1), as the last M queries need it. Early versions of
    FlashAttention-3 return the log-sum-exp beside the result.
    """
    if k_BGTE.shape[2] == 1:
        return block_attention(q_BHME, k_BGTE, v_BGTE)  # one key: its gradient is exact
    q_BMHE, k_BTGE, v_BTGE = (x.transpose(1, 2) for x in (q_BHME, k_BGTE, v_BGTE))
    returned = function(q_BMHE, k_BTGE, v_BTGE, causal=True)
    out_BMHE = returned[0] if isinstance(returned, tuple) else returned
    return out_BMHE.transpose(1, 2)


_ROWS = (
    Kernel(name="fa3", attend=_flash, missing=_in_registry("FA3"), flash="FA3"),
    Kernel(name="fa4", attend=_flash, missing=_in_registry("FA4"), flash="FA4", first_after=HOPPER),
    Kernel(name="flash-attn-3", attend=_flash_attn_3, missing=_in_package("flash_attn_interface")),
    Kernel(name="flash-attn", attend=_flash_attn, missing=_in_package("flash_attn")),
    Kernel(name="cudnn", attend=_cudnn, missing=_new_cudnn, default_flash=True, fixed_shapes=True),
    Kernel(name="flash", attend=_flash, missing=_half_on_gpu, default_flash=True),
    Kernel(name="blocks", attend=block_attention, missing=_on_cpu),
    Kernel(name="sdpa", attend=_sdpa, missing=_always, default_flash=True),
)
KERNELS: Mapping[str, Kernel] = MappingProxyType({kernel.name: kernel for kernel in _ROWS})
"""Every kernel by name, in the order in which "auto" tries them. A new one is a row here."""
