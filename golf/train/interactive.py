"""Training from a notebook or a shell of Python: with progress, on the bundled corpus by default."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from golf.data.corpus import bundled_corpus
from golf.data.stream import Stream
from golf.data.tokens import Tokens
from golf.model.config import ModelConfig
from golf.progress import ProgressLine
from golf.train.config import TrainConfig
from golf.train.training import SEED
from golf.train.training import train as train_seed

DEMO = TrainConfig(
    gpus=1,
    steps=400,
    batch_tokens=1024,
    seq_len=256,
    embed_lr=0.05,
    warmup_steps=1,
    warmdown_steps=200,
    muon_momentum=0.9,
    muon_momentum_start=0.8,
    muon_momentum_steps=50,
    ema_decay=0.98,
    swa_every=5,
    model=ModelConfig(num_layers=3, model_dim=64, num_heads=2, num_kv_heads=1, mlp_hidden=192),
)
"""The recipe of examples/demo.toml: a small model that one core trains in less than a minute."""


def train(
    config: TrainConfig = DEMO,
    *,
    tokens: Stream | Tokens | Path | str = "demo",
    steps: int | None = None,
    seed: int = SEED,
    out: Path | str | None = None,
    progress: bool | None = None,
) -> Path:
    """Train one seed with progress; returns the path of its weights.

    On a CPU it computes on one thread, as a job of a sweep does, unless OMP_NUM_THREADS is set: small models gain
    nothing by more, and the weights are those of a sweep.

    Args:
        config: how to train, by default a small model.
        tokens: integers [n], a folder of shards, or "demo", the bundled corpus.
        steps: a limit in steps instead of the configuration's.
        seed: of initial weights.
        out: the folder of this training; runs/CONFIG-SEED in the current directory by default.
        progress: whether to show a line of progress; by default on a terminal and in a notebook.

    Raises:
        InputError: the tokens do not fit the configuration, or the folder is of another training.
        Diverged: loss or gradient is no longer finite.
    """
    chosen = config if steps is None else replace(config, steps=steps)
    source = bundled_corpus().tokens if isinstance(tokens, str) and tokens == "demo" else tokens
    line, last = ProgressLine("train", 1.0, shown=progress), (0, float("nan"))

    def show(step: int, loss: float, seconds: float) -> None:
        nonlocal last
        last = step, loss
        by_steps = step / chosen.steps if chosen.steps else 0.0
        by_time = seconds / chosen.max_seconds if chosen.max_seconds else 0.0
        line.set(max(by_steps, by_time), f"step {step}, loss {loss:.3f}")

    with _threads_of_a_job():
        weights = train_seed(chosen, tokens=source, seed=seed, out=out, show=show)
    line.finish(f"{last[0]} steps, loss {last[1]:.3f}")
    return weights


@contextmanager
def _threads_of_a_job() -> Iterator[None]:
    """Compute on as many threads as a job of a sweep, for a `with` block."""
    before = torch.get_num_threads()
    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
