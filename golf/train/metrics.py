"""The trace of a training: one JSON line a logged step, appended and flushed as it happens."""

import json
import resource
from pathlib import Path
from typing import Any

import torch

from golf.files import write_atomically
from golf.train.config import TrainConfig

EVERY_STEP_UNTIL = 1000  # after that, every LOG_EVERY-th: a ten-minute run of 7,000 steps leaves 1,600 lines
LOG_EVERY = 10


def peak_memory_bytes(device: torch.device) -> int:
    """Most memory in use so far: of the GPU as allocated by torch, or of the process as resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Trace:
    """The lines of one training, in the order of steps."""

    def __init__(self, path: Path, config: TrainConfig, steps_done: int, train_seconds: float) -> None:
        """Open the file to go on after `steps_done` steps; later lines, and half ones, are cut off."""
        kept = [line for line in _whole_lines(path) if line["step"] <= steps_done]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self._path = path
        self._batch_tokens = config.batch_tokens
        self._last_step, self._last_seconds = steps_done, train_seconds

    def record(self, step: int, loss: float, lr_scale: float, train_seconds: float, peak_memory_bytes: int) -> None:
        """Append the line of the step that made it `step` steps, if it is one that is logged.

        tokens_per_second is the rate since the line before, null if the clock stood still.
        """
        if step > EVERY_STEP_UNTIL and step % LOG_EVERY:
            return
        passed = train_seconds - self._last_seconds
        line = {
            "step": step,
            "tokens": step * self._batch_tokens,
            "loss": loss,
            "lr_scale": lr_scale,
            "tokens_per_second": (step - self._last_step) * self._batch_tokens / passed if passed > 0 else None,
            "peak_memory_bytes": peak_memory_bytes,
            "train_seconds": train_seconds,
        }
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        self._last_step, self._last_seconds = step, train_seconds


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    if not path.exists():
        return lines
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:  # the process was killed within this line
            break
    return lines
