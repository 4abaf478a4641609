"""Train one model under a limit of seconds or steps: from tokens to averaged and pruned weights.

A training writes to its own folder: weights.safetensors (the result), result.json, metrics.jsonl (one line per logged
step), and checkpoint.safetensors, from which the same call resumes after an interruption.
"""

import json
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from golf.data.stream import Stream
from golf.data.tokens import DATA_PATH, Tokens, find_shards
from golf.errors import Diverged, InputError
from golf.files import write_atomically
from golf.train import checkpoint
from golf.train.averaging import prune
from golf.train.batches import Batch, Batches, check_stream
from golf.train.checkpoint import CheckpointTimer
from golf.train.checkpoint_writer import CheckpointWriter
from golf.train.checksum import require_equal
from golf.train.clocks import Clocks
from golf.train.config import TrainConfig
from golf.train.learner import Learner
from golf.train.metrics import MetricsFile, peak_memory_bytes
from golf.train.process_group import ProcessGroup, join_process_group
from golf.train.schedule import Pace, is_over, lr_scale, muon_momentum

__all__ = ["SEED", "TrainConfig", "train"]

SEED = 1337
"""Default seed of the challenge's own script."""


def train(
    config: TrainConfig,
    *,
    tokens: Stream | Tokens | Path | str = DATA_PATH,
    seed: int = SEED,
    out: Path | str | None = None,
    resume: bool = True,
    clock: Callable[[], float] = time.monotonic,
    launched: float | None = None,
    checkpoint_seconds: float | None = 10.0,
    show: Callable[[int, float, float], None] | None = None,
) -> Path:
    """Train one seed; returns the path of its weights, which are complete when any rank returns.

    Runs alone or as one rank of a torchrun gang; the number of processes changes only rounding. On the same CPU a run
    limited by steps gives bit-identical weights, interrupted or not. On GPUs two runs differ by rounding, since kernels
    add in any order; that all ranks of a run have the same weights is checked at every step.

    The training clock counts everything from the end of the warm-up to the end of the last step, also copying the state
    for checkpoints. Their files are written in the background.

    Args:
        config: how to train.
        tokens: the training stream (without held-out documents), integers [n], or a folder of shards.
        seed: of the generator that draws the initial weights and the sample for the pruning threshold.
        out: the folder of this training; runs/CONFIG-SEED in the current directory by default.
        resume: whether to continue from the folder's checkpoint, if it has one.
        clock: seconds from any origin; rank 0's clock decides for all ranks.
        launched: time of that clock when the process was launched, from which process_seconds counts; now by default.
        checkpoint_seconds: least training time between two checkpoints; None for none.
        show: called by the first rank after each step with its number, its loss and the seconds of the clock.

    Raises:
        InputError: the tokens do not fit the configuration, or the checkpoint belongs to another training.
        Diverged: loss or gradient is no longer finite.
        RanksDiffer: the weights of the ranks are no longer the same.
    """
    clocks = Clocks(clock, launched)
    stream = _stream(tokens)
    out = Path(f"runs/{config.digest()[:12]}-{seed}" if out is None else out)
    with join_process_group() as group:
        check_stream(stream, config, group)
        training = _Training(config, stream, seed, out, group, clocks, checkpoint_seconds, show)
        training.warm_up()
        if resume:
            training.resume()
        training.run()
        path = training.finish()
        group.barrier()
    return path


def _stream(tokens: Stream | Tokens | Path | str) -> Stream:
    if isinstance(tokens, Stream):
        return tokens
    return Stream.open(find_shards(Path(tokens), "train")) if isinstance(tokens, Path | str) else Stream([tokens])


class _Training:
    """The state of one call of `train`."""

    def __init__(
        self,
        config: TrainConfig,
        tokens: Stream,
        seed: int,
        out: Path,
        group: ProcessGroup,
        clocks: Clocks,
        checkpoint_seconds: float | None,
        show: Callable[[int, float, float], None] | None,
    ) -> None:
        self.config, self.tokens, self.out, self.group, self.clocks = config, tokens, out, group, clocks
        self.seed, self.checkpoint_seconds = seed, checkpoint_seconds
        self.show = show if group.is_first else None
        self.generator = torch.Generator().manual_seed(seed)
        self.learner = Learner(config, group, self.generator)
        self.checkpoint_path = out / "checkpoint.safetensors"
        self.step, self.pace, self.loss = 0, Pace(), math.nan
        writes = group.is_first and checkpoint_seconds is not None
        self.writer = CheckpointWriter(self.checkpoint_path, group.device) if writes else None
        self.resumed_step: int | None = None

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What a checkpoint must belong to; only rank 0 reads the tokens for it, and all ranks must ask together."""
        digest = self.tokens.digest().encode() if self.group.is_first else b""
        return {"config": self.config.digest(), "seed": self.seed, "tokens": self.group.share(digest).decode()}

    def warm_up(self) -> None:
        """Make the first steps to warm up kernels and caches, then undo them."""
        self.clocks.enter("warmup")
        weights = {name: tensor.clone() for name, tensor in self.learner.model.state_dict().items()}
        with Batches(self.tokens, self.config, self.group, 0) as batches:
            for step in range(self.config.warmup_steps):
                momentum = muon_momentum(self.config, step)
                self.learner.step(batches.take(), lr_scale=1.0, momentum=momentum, seconds=0.0, clip=False)
        if self.writer is not None:
            self.writer.reserve(self.learner.state()[0])
        self.learner.rewind(weights)
        self.group.wait()
        self.clocks.enter("other")

    def resume(self) -> None:
        """Load the folder's checkpoint, if there is one; rank 0 reads it for all."""
        exists = self.group.is_first and self.checkpoint_path.exists()
        content = self.group.share(self.checkpoint_path.read_bytes() if exists else b"")
        if not content:
            return
        tensors, facts = checkpoint.unpack(content, str(self.checkpoint_path))
        for name, value in self.identity.items():
            if facts.get(name) != value:
                raise InputError(
                    f"{self.checkpoint_path}: belongs to another training ({name} differs); use another folder"
                )
        self.learner.load(tensors, facts)
        self.step, self.loss, self.pace = facts["step"], facts["loss"], Pace(**facts["pace"])
        self.clocks.carry_over(facts["clocks"])
        self.resumed_step = self.step

    def run(self) -> None:
        """Make steps until a limit is reached; rank 0 writes metrics and checkpoints."""
        if self.checkpoint_seconds is not None:
            _ = self.identity  # reading for it takes seconds, which are no part of the training
        self.clocks.enter("train")
        with Batches(self.tokens, self.config, self.group, self.step) as batches, self.writer or nullcontext():
            self._make_steps(batches)
            self.group.wait()
            self.clocks.enter("other")
        require_equal(self.learner.final_checksums(), self.step)

    def _make_steps(self, batches: Batches) -> None:
        now = self.clocks.spent("train")
        metrics = MetricsFile(self.out / "metrics.jsonl", self.config, self.step, now) if self.group.is_first else None
        timer = CheckpointTimer(self.checkpoint_seconds or 0.0, now)
        while not is_over(self.config, self.step, self.pace):
            scale = lr_scale(self.config, self.step, self.pace)
            self._update(batches.take(), scale, now)
            now = self.clocks.spent("train")
            if metrics is not None:
                metrics.record(self.step, self.loss, scale, now, peak_memory_bytes(self.group.device))
            if self.show is not None:
                self.show(self.step, self.loss, now)
            if self.writer is not None and timer.is_due(now) and self.writer.is_free:
                before, now = now, self._save(self.writer)
                timer.restart(now, now - before)

    def _update(self, batch: Batch, scale: float, now: float) -> None:
        momentum = muon_momentum(self.config, self.step)
        result = self.learner.step(batch, lr_scale=scale, momentum=momentum, seconds=now)
        require_equal(result.checksums, self.step)
        self.pace = Pace(self.step, result.seconds)
        self.step += 1
        self.loss = result.loss
        if not math.isfinite(result.loss + result.norm):
            what = f"loss {result.loss}, gradient norm {result.norm} at step {self.step}"
            raise Diverged(f"training: {what}; {self._last_checkpoint()}")
        self.learner.average(steps_done=self.step, lr_scale=scale)

    def _last_checkpoint(self) -> str:
        if not self.group.is_first:
            return "see rank 0 for the last checkpoint"
        written = None if self.writer is None else self.writer.last_step()
        step = self.resumed_step if written is None else written
        return "there is no checkpoint" if step is None else f"the last checkpoint is of step {step}"

    def _save(self, writer: CheckpointWriter) -> float:
        """Start to write a checkpoint; returns the seconds of the training clock after its copy."""
        tensors, facts = self.learner.state()
        progress = {"step": self.step, "loss": self.loss, "pace": asdict(self.pace), "clocks": self.clocks.seconds()}
        writer.start(tensors, self.identity | progress | facts)
        return self.clocks.spent("train")

    def finish(self) -> Path:
        """Write the weights, then result.json, on rank 0; returns the path of the weights."""
        path = self.out / "weights.safetensors"
        if self.group.is_first:
            averaged, weights = self.learner.averages.best()
            pruned = prune({name: tensor.cpu() for name, tensor in weights.items()}, self.config.prune, self.generator)
            checkpoint.save(path, pruned, {"model": asdict(self.config.model)})
            result = {
                "steps": self.step,
                "clocks": self.clocks.seconds(),
                "resumed": self.resumed_step is not None,
                "final_loss": self.loss,
                "parameters": sum(parameter.numel() for parameter in self.learner.model.parameters()),
                "averaged": averaged,
                "attention": self.learner.kernel.name,
                "written": self.clocks.now(),
            }
            write_atomically(self.out / "result.json", json.dumps(result).encode())
        return path
