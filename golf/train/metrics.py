"""The training curve: one JSON line per logged step, appended as the step ends."""

import json
import resource
from pathlib import Path
from typing import Any

import torch

from golf.files import write_atomically
from golf.train.config import TrainConfig

EVERY_STEP_UNTIL, LOG_EVERY = 1000, 10
"""Every step up to the first number is logged, then every tenth: a run of 7,000 steps has 1,600 lines."""


def peak_memory_bytes(device: torch.device) -> int:
    """Peak memory so far in bytes: allocated by torch on the GPU, or resident in the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class MetricsFile:
    """The lines of one training, in the order of steps."""

    def __init__(self, path: Path, config: TrainConfig, steps_done: int, train_seconds: float) -> None:
        """Open the file to continue after `steps_done` steps; removes later and incomplete lines."""
        kept = [line for line in _whole_lines(path) if line["step"] <= steps_done]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self._path = path
        self._batch_tokens = config.batch_tokens
        self._last_step, self._last_seconds = steps_done, train_seconds

    def record(self, step: int, loss: float, lr_scale: float, train_seconds: float, peak_memory_bytes: int) -> None:
        """Append the line of the step-th step, if that is logged.

        tokens_per_second is the rate since the previous line, null if no time has passed.
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
        except ValueError:  # the process was killed while writing this line
            break
    return lines
