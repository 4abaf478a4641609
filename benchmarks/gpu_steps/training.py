"""A training step of full size with its parts, and what a checkpoint and two equal runs give."""

import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from benchmarks.gpu_steps.sizes import Row, Sizes, device, row
from golf.flops import training_flops
from golf.train.config import TrainConfig
from golf.train.learner import Learner
from golf.train.optimizers.muon import newton_schulz
from golf.train.process_group import ProcessGroup
from golf.train.training import train

H100_FLOPS = 800e12
"""Operations per second that a bf16 matrix product reaches on an H100: the floor of a step."""
EXPECTED_SHARE = 0.4
"""Share of them that a compiled step of this size is expected to reach."""
PREDICTED_GIB = 21.0
"""Peak memory of PR 611's step with 98,304 tokens on each GPU."""
PARITY_STEPS = 8
READINGS_OF_HALF = 20
"""Readings of the clock until about half of the steps are made: three a step, and some before."""


def step(size: Sizes) -> Iterator[Row]:
    """The first step, the median of the others, memory, graph breaks, and the parts of a step."""
    config = TrainConfig(
        gpus=1, batch_tokens=size.batch_tokens, seq_len=size.seq_len, steps=1, max_seconds=None, model=size.model
    )
    learner = Learner(config, ProcessGroup(0, 1, device()), torch.Generator().manual_seed(0))
    stream = torch.randint(1, size.model.vocab_size, (size.batch_tokens + 1,))
    batch = stream[:-1].view(-1, size.seq_len), stream[1:].view(-1, size.seq_len)

    def whole() -> None:
        learner.step(batch, lr_scale=1.0, momentum=config.muon_momentum, seconds=0.0)

    first = _seconds(whole)
    later = statistics.median(_seconds(whole) for _ in range(size.steps))
    flops = size.batch_tokens * training_flops(size.model, size.seq_len)
    on_gpu = device().type == "cuda"
    predicted = round(1e3 * flops / (H100_FLOPS * EXPECTED_SHARE), 1) if on_gpu else None
    yield row("kernel", learner.kernel.name)
    yield row("first step, with compilation", round(first, 2), "s")
    yield row(f"step of {size.batch_tokens:,} tokens, median of {size.steps}", round(1e3 * later, 1), "ms", predicted)
    yield row("its rate", round(flops / later / 1e12, 2), "TFLOP/s")
    if on_gpu:
        yield row("peak memory", round(torch.cuda.max_memory_allocated() / 2**30, 1), "GiB", PREDICTED_GIB)
        yield row("graph breaks", _graph_breaks(), "", 0)
    yield from _parts(learner, batch)


def _parts(learner: Learner, batch: tuple[torch.Tensor, torch.Tensor]) -> Iterator[Row]:
    inputs, targets = (side.to(device()) for side in batch)

    def forward() -> torch.Tensor:
        with torch.no_grad():
            return learner.hidden(inputs)

    hidden = forward()

    def loss() -> None:
        leaf = hidden.detach().requires_grad_()
        torch.autograd.backward(learner.model.loss(leaf, targets)[0])

    def through() -> None:
        torch.autograd.backward(learner.hidden(inputs).float().sum())

    matrices = [parameter for parameter in learner.optimizers.muon.param_groups[0]["params"]]
    gradients = torch.randn(len(matrices), *matrices[0].shape, device=device())
    parts: list[tuple[str, Callable[[], object]]] = [
        ("layers, forward", forward),
        ("layers, forward and backward", through),
        ("loss, forward and backward", loss),
        ("optimizers", lambda: learner.optimizers.step(lr_scale=0.0, momentum=0.9)),
        ("Newton–Schulz of the largest group", lambda: newton_schulz(gradients, dtype=learner.dtype)),
    ]
    for what, work in parts:
        _seconds(work)
        yield row(f"part: {what}", round(1e3 * statistics.median(_seconds(work) for _ in range(5)), 2), "ms")


def runs(size: Sizes) -> list[Row]:
    """Two equal runs, and one interrupted and resumed: bit-identical on a CPU, alike up to rounding on a GPU."""
    config = TrainConfig(
        gpus=1, batch_tokens=4 * size.seq_len, seq_len=size.seq_len, steps=PARITY_STEPS, max_seconds=None,
        warmup_steps=2, model=replace(size.model, num_layers=2),
    )  # fmt: skip
    tokens = np.random.default_rng(0).integers(1, size.model.vocab_size, 200_000).astype(np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        first, second = (load_file(train(config, tokens=tokens, out=root / name)) for name in ("first", "second"))
        with contextlib.suppress(Interrupted):
            clock = _Clock(most_readings=READINGS_OF_HALF)
            train(config, tokens=tokens, out=root / "resumed", clock=clock, checkpoint_seconds=0.0)
        resumed = load_file(train(config, tokens=tokens, out=root / "resumed", checkpoint_seconds=0.0))
        continued = json.loads((root / "resumed/result.json").read_text(encoding="utf-8"))["resumed"]
    exact = 0.0 if device().type == "cpu" else None
    return [
        row("two equal runs: largest difference of a weight", _difference(first, second), "", exact),
        row("interrupted run continues from its checkpoint", continued, "", True),
        row("its largest difference from the whole run", _difference(first, resumed), "", exact),
    ]


class Interrupted(Exception):
    """Stands for a killed process."""


class _Clock:
    """A clock that interrupts the training after so many readings, a second each."""

    def __init__(self, most_readings: int) -> None:
        self._readings, self._most = 0, most_readings

    def __call__(self) -> float:
        self._readings += 1
        if self._readings > self._most:
            raise Interrupted
        return float(self._readings)


def _difference(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    return max(float((first[name].float() - second[name].float()).abs().max()) for name in first)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _graph_breaks() -> int:
    from torch._dynamo.utils import counters

    return sum(counters["graph_break"].values())
