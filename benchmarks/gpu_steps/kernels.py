"""Versions, the attention kernel and why it was chosen, each kernel against float64, and the loss layer."""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

import torch
from torch import Tensor

from benchmarks.gpu_steps.sizes import Row, Sizes, device, row
from golf.errors import InputError
from golf.model.attention import choose_kernel, explicit_attention
from golf.model.head import head_loss
from golf.model.kernels import KERNELS, Attend
from golf.model.precision import compute_dtype

PACKAGES = ("torch", "triton", "nvidia-cudnn-cu12", "flash-attn", "flash-attn-3", "numpy")


def versions(_: Sizes) -> list[Row]:
    """What is installed."""
    rows = [row(name, _version(name)) for name in PACKAGES]
    if device().type == "cuda":
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        capability = ".".join(map(str, torch.cuda.get_device_capability()))
        rows += [row("GPU", torch.cuda.get_device_name()), row("memory", round(memory, 1), "GiB")]
        rows += [row("compute capability", capability), row("CUDA", torch.version.cuda), row("driver", _driver())]
    return rows


def choice(size: Sizes) -> list[Row]:
    """The kernel that each kind of work gets, and why each of the others is not used."""
    rows = []
    head_dim = size.model.head_dim
    for what, dtype, compiled in (
        ("training", compute_dtype(device()), device().type == "cuda"),
        ("evaluation", compute_dtype(device()), False),
        ("audit", torch.float32, False),
    ):
        kernel = choose_kernel("auto", device(), dtype, head_dim=head_dim, compiled=compiled)
        rows.append(row(f"kernel of {what}", kernel.name))
    for name in _names():
        try:
            choose_kernel(name, device(), compute_dtype(device()), head_dim=head_dim)
            rows.append(row(name, "passes the probe"))
        except InputError as error:
            rows.append(row(name, str(error).partition("(")[2].partition(");")[0]))
    return rows


def _names() -> list[str]:
    """All kernels; last those that replace torch's own, which torch 2.10 cannot undo."""
    return sorted(KERNELS, key=lambda name: KERNELS[name].flash is not None)


def accuracy(size: Sizes) -> Iterator[Row]:
    """Each kernel's results and gradients against float64, and its time forward and backward."""
    dtype, head_dim = compute_dtype(device()), size.model.head_dim
    for name in _names():
        try:
            kernel = choose_kernel(name, device(), dtype, head_dim=head_dim)
        except InputError:
            continue
        for positions in size.positions:
            for queries in sorted({positions, min(positions, size.queries)}):
                error = _largest_error(kernel.attend, size, positions, queries, dtype)
                where = f"{name}, {queries} queries of {positions}"
                yield row(f"{where}: largest error", f"{error:.1e}", "of the largest")
        given = _inputs(size, 8, size.positions[-1], size.positions[-1], dtype)
        seconds = _median_seconds(lambda given=given, attend=kernel.attend: _gradients(attend, given), 20)  # type: ignore[misc]
        yield row(f"{name}: forward and backward, 8 windows", round(1e3 * seconds, 3), "ms")


def head(size: Sizes) -> list[Row]:
    """The loss layer with a larger vocabulary, forward and backward."""
    generator = torch.Generator().manual_seed(0)
    V, D, C = size.head_vocabulary, size.model.model_dim, size.seq_len
    N = size.batch_tokens // C
    hidden = torch.randn(N, C, D, generator=generator).to(device(), compute_dtype(device())).requires_grad_()
    weight = (0.02 * torch.randn(V, D, generator=generator)).to(device()).requires_grad_()
    targets = torch.randint(V, (N, C), generator=generator).to(device())

    def once() -> None:
        loss, _ = head_loss(hidden, weight, targets, softcap=30.0)
        torch.autograd.backward(loss)

    seconds = _median_seconds(once, 10)
    rate = 6.0 * N * C * V * D / seconds / 1e12
    return [
        row(f"loss of {N * C:,} tokens, {V:,} pieces", round(1e3 * seconds, 2), "ms"),
        row("its rate", round(rate, 2), "TFLOP/s"),
    ]


def _inputs(size: Sizes, batch: int, positions: int, queries: int, dtype: torch.dtype) -> list[Tensor]:
    model, generator = size.model, torch.Generator().manual_seed(positions)
    heads = ((model.num_heads, queries), (model.num_kv_heads, positions), (model.num_kv_heads, positions))
    shapes = [(batch, count, length, model.head_dim) for count, length in (*heads, heads[0])]
    return [torch.randn(shape, generator=generator).to(device(), dtype) for shape in shapes]


def _gradients(attend: Attend, given: list[Tensor]) -> list[Tensor]:
    leaves = [tensor.detach().requires_grad_() for tensor in given[:3]]
    out = attend(*leaves)
    return [out.detach(), *torch.autograd.grad(out, leaves, given[3])]


def _largest_error(attend: Attend, size: Sizes, positions: int, queries: int, dtype: torch.dtype) -> float:
    given = _inputs(size, 2, positions, queries, dtype)
    results = _gradients(attend, given)
    expected = _gradients(explicit_attention, [tensor.double() for tensor in given])
    pairs = zip(results, expected, strict=True)
    return max(float((result - wanted).abs().max() / wanted.abs().max()) for result, wanted in pairs)


def _median_seconds(work: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times + 2):
        started = time.perf_counter()
        work()
        if device().type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[2:])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=20, check=True
        ).stdout.split("\n")[0]
    except (OSError, subprocess.SubprocessError):
        return "unknown"
