"""Causal attention behind one entry point: which kernel of golf.model.kernels computes it here.

A kernel is used only after it has passed a probe on the device: a tiny forward and backward pass against an explicit
softmax in fp64. So a package that was built for another card, or that computes something else, is not chosen.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from golf.errors import InputError, shown_name
from golf.model.kernels import KERNELS, Attend, Kernel, KernelInputs, activate, can_undo, restoring_flash
from golf.model.precision import use_exact_float32

__all__ = ["Attend", "Kernel", "choice_problems", "choose_kernel"]

AUTO = "auto"
HEAD_DIM = 64
"""Head dimension of the contest's models, for which a machine's kernel is named."""
PROBE_SHAPES = ((192, 192), (64, 192))
"""Queries and positions of the probe: all positions, and the last ones only. 4 query heads read 2 key/value heads."""
PROBE_LIMITS = {torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 3e-2}
"""Largest difference of results and gradients from fp64, relative to the largest value.

Measured on a CPU: 7e-7 in fp32, 1.1e-3 in fp16, 1.1e-2 in bf16; 0.6 and more with a wrong mask, wrong heads or without
a gradient. TF32, which is off by 5e-4, is not accepted as fp32.
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The result of trying a kernel with such inputs."""

    name: str
    problem: str | None
    """Why it cannot be used, in words."""


def choice_problems(choice: str, key: str) -> Iterator[str]:
    """A line, which starts with `key`, if a setting names neither "auto" nor a kernel."""
    if choice != AUTO and choice not in KERNELS:
        yield f'{key} = "{shown_name(choice)}": no such attention kernel; expected {", ".join((AUTO, *KERNELS))}'


def choose_kernel(
    choice: str, device: torch.device, dtype: torch.dtype, *, head_dim: int = HEAD_DIM, compiled: bool = False
) -> Kernel:
    """The kernel that a setting names; for "auto" the best one that passes the probe on this device.

    FlashAttention-3 and -4 of torch's registry are activated for the whole process, and deactivated if torch's own
    kernel is chosen later.

    Args:
        choice: "auto" or a name of golf.model.kernels.KERNELS.
        device: where to compute.
        dtype: of queries, keys and values.
        head_dim: their last dimension.
        compiled: whether the kernel becomes part of a graph of torch.compile, without a break.

    Raises:
        InputError: the kernel cannot be used here; the message says why, and names those that can.
    """
    inputs = KernelInputs(device, dtype, head_dim)
    attempts: list[_Attempt] = []
    if device.type == "cuda":
        use_exact_float32()
    names = _preferred(inputs, compiled) if choice == AUTO else [choice]
    for name in names:
        attempts.append(_try(name, inputs, compiled))
        if attempts[-1].problem is None:
            kernel = KERNELS[name]
            activate(kernel, inputs)
            passed_over = attempts[:-1] if device.type == "cuda" else []
            _log_choice(name, str(device), tuple(f"{attempt.name}: {attempt.problem}" for attempt in passed_over))
            return kernel
    others = [name for name in _preferred(inputs, compiled) if name != choice]
    usable = [name for name in others if _try(name, inputs, compiled).problem is None]
    problem = "; ".join(f"{attempt.name}: {attempt.problem}" for attempt in attempts)
    raise InputError(f'attention = "{choice}": cannot be used here ({problem}); expected {", ".join((AUTO, *usable))}')


def _preferred(inputs: KernelInputs, compiled: bool) -> list[str]:
    """Kernels to try, the fastest first; only what is compiled has shapes that stay the same."""
    if inputs.device.type != "cuda":
        return list(KERNELS)
    # What replaces torch's own kernel for good is used only where it is asked for by name.
    kernels = [kernel for kernel in KERNELS.values() if kernel.flash is None or can_undo()]
    names = [kernel.name for kernel in kernels if compiled or not kernel.fixed_shapes]
    capability = _capability(inputs.device)
    first = [kernel.name for kernel in KERNELS.values() if kernel.first_after and capability > kernel.first_after]
    return sorted(names, key=lambda name: name not in first)


def _capability(device: torch.device) -> tuple[int, int]:
    return torch.cuda.get_device_capability(device)


@cache
def _try(name: str, inputs: KernelInputs, compiled: bool) -> _Attempt:
    """Find out whether a kernel can be used with such inputs; once for each process."""
    kernel = KERNELS[name]
    problem = kernel.missing(inputs)
    if problem is not None or inputs.device.type != "cuda":
        return _Attempt(name, problem)  # without a GPU there are this project's and torch's own kernels only
    try:
        with restoring_flash():
            activate(kernel, inputs)
            if compiled:  # training attends from all positions
                attend = torch.compile(kernel.attend, fullgraph=True, dynamic=False)
                return _Attempt(name, probe(attend, inputs, PROBE_SHAPES[:1]))
            return _Attempt(name, probe(kernel.attend, inputs))
    except torch.OutOfMemoryError:
        raise  # another process fills the GPU: that says nothing about the kernel
    except Exception as error:  # a foreign package may raise anything
        first_line = " ".join(str(error).split("\n")[0].split())[:160]
        problem = f"fails with {type(error).__name__}: {first_line}"
    _check_gpu(name, problem, inputs.device)
    return _Attempt(name, problem)


def _check_gpu(name: str, problem: str, device: torch.device) -> None:
    """Check that the GPU still works after a kernel failed.

    Raises:
        InputError: every later operation would fail, too.
    """
    try:
        torch.zeros(1, device=device).add_(1).item()
    except RuntimeError:
        raise InputError(f"attention kernel {name} {problem}, and the GPU fails since; name another kernel") from None


def probe(attend: Attend, inputs: KernelInputs, shapes: Sequence[tuple[int, int]] = PROBE_SHAPES) -> str | None:
    """Compare a kernel's results and gradients with an explicit softmax in fp64; returns what is wrong, in words.

    `shapes` are pairs of queries and positions.
    """
    for queries, positions in shapes:
        given = _probe_inputs(inputs, queries, positions)
        results = _with_gradients(attend, given)
        expected = _with_gradients(explicit_attention, [tensor.double() for tensor in given])
        for what, result, wanted in zip(("result", "dq", "dk", "dv"), results, expected, strict=True):
            if result.shape != wanted.shape or result.dtype != inputs.dtype:
                shape, dtype = tuple(result.shape), str(result.dtype).removeprefix("torch.")
                return f"its {what} for {queries} queries of {positions} positions is {dtype} {shape}"
            error = float((result.double() - wanted).abs().max() / wanted.abs().max())
            if not error <= PROBE_LIMITS[inputs.dtype]:  # NaN is not
                return f"its {what} for {queries} queries of {positions} positions is off by {error:.2g} of the largest"
    return None


def _probe_inputs(inputs: KernelInputs, queries: int, positions: int) -> list[Tensor]:
    """Queries, keys, values and the gradient of the result, in their dtype."""
    generator = torch.Generator().manual_seed(positions + queries)
    sides = ((queries, 4), (positions, 2), (positions, 2), (queries, 4))
    # Transposed, as in the model: some kernels check how their inputs lie in memory.
    drawn = (torch.randn(1, *side, inputs.head_dim, generator=generator) for side in sides)
    return [tensor.to(inputs.device, inputs.dtype).transpose(1, 2) for tensor in drawn]


def _with_gradients(attend: Attend, given: list[Tensor]) -> Iterator[Tensor]:
    """The result, and the gradients of queries, keys and values."""
    leaves = [tensor.detach().requires_grad_() for tensor in given[:3]]
    out = attend(*leaves)
    yield out.detach()
    yield from torch.autograd.grad(out, leaves, given[3])


def explicit_attention(q_BHME: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    """The definition: one matrix product, one softmax."""
    heads, queries, positions = q_BHME.shape[1] // k_BGTE.shape[1], q_BHME.shape[2], k_BGTE.shape[2]
    k_BHTE, v_BHTE = (x.repeat_interleave(heads, 1) for x in (k_BGTE, v_BGTE))
    score_BHMT = q_BHME @ k_BHTE.mT / math.sqrt(q_BHME.shape[3])
    later_MT = torch.ones(queries, positions, dtype=torch.bool, device=q_BHME.device).triu(positions - queries + 1)
    return score_BHMT.masked_fill(later_MT, -math.inf).softmax(-1) @ v_BHTE


@cache
def _log_choice(name: str, device: str, others: tuple[str, ...]) -> None:
    _log.info("attention on %s: %s%s", device, name, f" ({'; '.join(others)})" if others else "")
