"""Train one model under a limit of seconds or steps: tokens in, averaged and pruned weights out.

On the disk a training leaves, in its own folder: weights.safetensors (the result), result.json, metrics.jsonl (one line
a logged step) and checkpoint.safetensors, from which the same call goes on after an interruption.
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
from golf.train.checkpoint import Cadence
from golf.train.clocks import Clocks
from golf.train.config import TrainConfig
from golf.train.learner import Learner
from golf.train.metrics import Trace, peak_memory_bytes
from golf.train.ranks import Ranks, join_ranks
from golf.train.schedule import Pace, is_over, lr_scale, muon_momentum

__all__ = ["SEED", "TrainConfig", "train"]

SEED = 1337
"""Of the challenge's own script."""


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
    """Train one seed and return the path of its weights, complete on return on every rank.

    Alone in its process, or as one rank of a torchrun gang; the number of processes changes rounding only. A run that
    is limited by steps gives the same bits again on the same machine, interrupted or not.

    Args:
        config: how to train.
        tokens: the training stream without held-out documents, integers [n], or a folder of shards.
        seed: of the one generator that draws the first weights and the sample of the pruning threshold.
        out: folder of this training alone; runs/CONFIGURATION-SEED in the current directory if None.
        resume: go on from the folder's checkpoint, if it has one.
        clock: seconds from any origin; rank 0's decides for all.
        launched: when, on that clock, the command was given that this process belongs to; now if None. The clock of the
            whole process counts from there.
        checkpoint_seconds: least training time between two checkpoints.

    Raises:
        InputError: tokens that do not fit the configuration, or a checkpoint of another training.
        Diverged: loss or gradient stopped being finite.
    """
    clocks = Clocks(clock, launched)
    stream = _stream(tokens)
    out = Path(f"runs/{config.digest()[:12]}-{seed}" if out is None else out)
    with join_ranks() as ranks:
        check_stream(stream, config, ranks)
        training = _Training(config, stream, seed, out, ranks, clocks)
        training.warm_up()
        if resume:
            training.resume()
        training.run(checkpoint_seconds)
        path = training.finish()
        ranks.meet()
    return path


def _stream(tokens: Stream | Tokens | Path | str) -> Stream:
    if isinstance(tokens, Stream):
        return tokens
    return Stream.open(find_shards(Path(tokens), "train")) if isinstance(tokens, Path | str) else Stream([tokens])


class _Training:
    """The state of one call of `train`."""

    def __init__(self, config: TrainConfig, tokens: Stream, seed: int, out: Path, ranks: Ranks, clocks: Clocks) -> None:
        self.config, self.tokens, self.out, self.ranks, self.clocks = config, tokens, out, ranks, clocks
        self.identity = {"config": config.digest(), "seed": seed, "tokens": tokens.digest()}
        self.generator = torch.Generator().manual_seed(seed)
        self.learner = Learner(config, ranks, self.generator)
        self.checkpoint_path = out / "checkpoint.safetensors"
        self.step, self.pace, self.loss = 0, Pace(), math.nan
        self.saved_step: int | None = None
        self.resumed = False

    def warm_up(self) -> None:
        """Make the first steps once for the sake of kernels and caches, and undo them."""
        self.clocks.enter("warmup")
        weights = {name: tensor.clone() for name, tensor in self.learner.model.state_dict().items()}
        for step in range(self.config.warmup_steps):
            batch = read_batch(self.tokens, self.config, self.ranks, step)
            self.learner.step(batch, lr_scale=1.0, momentum=muon_momentum(self.config, step), seconds=0.0, clip=False)
        self.learner.rewind(weights)
        self.ranks.wait()
        self.clocks.enter("other")

    def resume(self) -> None:
        """Take up the state of the folder's checkpoint, which rank 0 reads for all; without one, nothing changes."""
        found = self.ranks.is_first and self.checkpoint_path.exists()
        content = self.ranks.share(self.checkpoint_path.read_bytes() if found else b"")
        if not content:
            return
        tensors, facts = checkpoint.unpack(content, str(self.checkpoint_path))
        for name, value in self.identity.items():
            if facts.get(name) != value:
                raise InputError(f"{self.checkpoint_path}: of another training ({name} differs); use another folder")
        self.learner.load(tensors, facts)
        self.step, self.loss, self.pace = facts["step"], facts["loss"], Pace(**facts["pace"])
        self.clocks.carry_over(facts["clocks"])
        self.saved_step, self.resumed = self.step, True

    def run(self, checkpoint_seconds: float) -> None:
        """Make steps until a limit is reached; rank 0 keeps the trace and writes checkpoints on the way."""
        self.clocks.enter("train")
        now = self.clocks.spent("train")
        trace = Trace(self.out / "metrics.jsonl", self.config, self.step, now) if self.ranks.is_first else None
        due = Cadence(checkpoint_seconds, now)
        while not is_over(self.config, self.step, self.pace):
            scale = lr_scale(self.config, self.step, self.pace)
            self._update(scale, now)
            now = self.clocks.spent("train")
            if trace is not None:
                trace.record(self.step, self.loss, scale, now, peak_memory_bytes(self.ranks.device))
                if due.is_due(now):
                    due.saved(now, self._save())
        self.ranks.wait()
        self.clocks.enter("other")

    def _update(self, scale: float, now: float) -> None:
        batch = read_batch(self.tokens, self.config, self.ranks, self.step)
        momentum = muon_momentum(self.config, self.step)
        reading = self.learner.step(batch, lr_scale=scale, momentum=momentum, seconds=now)
        self.pace = Pace(self.step, reading.seconds)
        self.step += 1
        self.loss = reading.loss
        if not math.isfinite(reading.loss + reading.norm):
            what = f"loss {reading.loss}, gradient norm {reading.norm} at step {self.step}"
            raise Diverged(f"training: {what}; {self._last_checkpoint()}")
        self.learner.average(steps_done=self.step, lr_scale=scale)

    def _last_checkpoint(self) -> str:
        if not self.ranks.is_first:
            return "rank 0 knows the last checkpoint"
        return (
            "there is no checkpoint" if self.saved_step is None else f"the last checkpoint is of step {self.saved_step}"
        )

    def _save(self) -> float:
        """Write a checkpoint; return the seconds that it took."""
        self.ranks.wait()
        before = self.clocks.spent("checkpoint")
        self.clocks.enter("checkpoint")
        tensors, facts = self.learner.state()
        progress = {"step": self.step, "loss": self.loss, "pace": asdict(self.pace), "clocks": self.clocks.seconds()}
        checkpoint.save(self.checkpoint_path, tensors, self.identity | progress | facts)
        self.clocks.enter("train")
        self.saved_step = self.step
        return self.clocks.spent("checkpoint") - before

    def finish(self) -> Path:
        """Write the weights, then what is to be known of the run; only rank 0 does."""
        path = self.out / "weights.safetensors"
        if self.ranks.is_first:
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
