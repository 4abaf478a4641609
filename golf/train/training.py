"""Train one model under a limit of seconds or steps: from tokens to averaged and pruned weights.

A training writes to its own folder: weights.safetensors (the result), result.json, metrics.jsonl (one line per logged
step), and checkpoint.safetensors, from which the same call resumes after an interruption.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from golf.data.stream import Stream
from golf.data.tokens import DATA_PATH, Tokens, find_shards
from golf.errors import Diverged, InputError
from golf.files import write_atomically
from golf.train import checkpoint
from golf.train.averaging import prune
from golf.train.batches import check_stream, read_batch
from golf.train.checkpoint import CheckpointTimer
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
    checkpoint_seconds: float = 10.0,
) -> Path:
    """Train one seed; returns the path of its weights, which are complete when any rank returns.

    Runs alone or as one rank of a torchrun gang; the number of processes changes only rounding. On the same machine a
    run limited by steps gives bit-identical weights, interrupted or not.

    Args:
        config: how to train.
        tokens: the training stream (without held-out documents), integers [n], or a folder of shards.
        seed: of the generator that draws the initial weights and the sample for the pruning threshold.
        out: the folder of this training; runs/CONFIG-SEED in the current directory by default.
        resume: whether to continue from the folder's checkpoint, if it has one.
        clock: seconds from any origin; rank 0's clock decides for all ranks.
        launched: time of that clock when the process was launched, from which process_seconds counts; now by default.
        checkpoint_seconds: least training time between two checkpoints.

    Raises:
        InputError: the tokens do not fit the configuration, or the checkpoint belongs to another training.
        Diverged: loss or gradient is no longer finite.
    """
    clocks = Clocks(clock, launched)
    stream = _stream(tokens)
    out = Path(f"runs/{config.digest()[:12]}-{seed}" if out is None else out)
    with join_process_group() as group:
        check_stream(stream, config, group)
        training = _Training(config, stream, seed, out, group, clocks)
        training.warm_up()
        if resume:
            training.resume()
        training.run(checkpoint_seconds)
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
        self, config: TrainConfig, tokens: Stream, seed: int, out: Path, group: ProcessGroup, clocks: Clocks
    ) -> None:
        self.config, self.tokens, self.out, self.group, self.clocks = config, tokens, out, group, clocks
        self.identity = {"config": config.digest(), "seed": seed, "tokens": tokens.digest()}
        self.generator = torch.Generator().manual_seed(seed)
        self.learner = Learner(config, group, self.generator)
        self.checkpoint_path = out / "checkpoint.safetensors"
        self.step, self.pace, self.loss = 0, Pace(), math.nan
        self.saved_step: int | None = None
        self.resumed = False

    def warm_up(self) -> None:
        """Make the first steps to warm up kernels and caches, then undo them."""
        self.clocks.enter("warmup")
        weights = {name: tensor.clone() for name, tensor in self.learner.model.state_dict().items()}
        for step in range(self.config.warmup_steps):
            batch = read_batch(self.tokens, self.config, self.group, step)
            self.learner.step(batch, lr_scale=1.0, momentum=muon_momentum(self.config, step), seconds=0.0, clip=False)
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
        self.saved_step, self.resumed = self.step, True

    def run(self, checkpoint_seconds: float) -> None:
        """Make steps until a limit is reached; rank 0 writes metrics and checkpoints."""
        self.clocks.enter("train")
        now = self.clocks.spent("train")
        metrics = MetricsFile(self.out / "metrics.jsonl", self.config, self.step, now) if self.group.is_first else None
        timer = CheckpointTimer(checkpoint_seconds, now)
        while not is_over(self.config, self.step, self.pace):
            scale = lr_scale(self.config, self.step, self.pace)
            self._update(scale, now)
            now = self.clocks.spent("train")
            if metrics is not None:
                metrics.record(self.step, self.loss, scale, now, peak_memory_bytes(self.group.device))
                if timer.is_due(now):
                    timer.restart(now, self._save())
        self.group.wait()
        self.clocks.enter("other")

    def _update(self, scale: float, now: float) -> None:
        batch = read_batch(self.tokens, self.config, self.group, self.step)
        momentum = muon_momentum(self.config, self.step)
        result = self.learner.step(batch, lr_scale=scale, momentum=momentum, seconds=now)
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
        return (
            "there is no checkpoint" if self.saved_step is None else f"the last checkpoint is of step {self.saved_step}"
        )

    def _save(self) -> float:
        """Write a checkpoint; returns how many seconds that took."""
        self.group.wait()
        before = self.clocks.spent("checkpoint")
        self.clocks.enter("checkpoint")
        tensors, facts = self.learner.state()
        progress = {"step": self.step, "loss": self.loss, "pace": asdict(self.pace), "clocks": self.clocks.seconds()}
        checkpoint.save(self.checkpoint_path, tensors, self.identity | progress | facts)
        self.clocks.enter("train")
        self.saved_step = self.step
        return self.clocks.spent("checkpoint") - before

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
                "resumed": self.resumed,
                "final_loss": self.loss,
                "parameters": sum(parameter.numel() for parameter in self.learner.model.parameters()),
                "averaged": averaged,
                "attention": self.learner.kernel.name,
            }
            write_atomically(self.out / "result.json", json.dumps(result).encode())
        return path
