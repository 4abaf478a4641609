"""Logs and folders of contests, as small as they can be."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

RULER = "=" * 100
Losses = Mapping[int, str]
"""Step → what a validation line prints after the step."""


def track_3(losses: Losses, gpu: str = "NVIDIA H100 80GB HBM3") -> str:
    """A log of modded-nanogpt's track 3."""
    last = max(losses)
    lines = [f"step:{step}/{last} {text} train_time:{step / 10}s step_avg:100.00ms" for step, text in losses.items()]
    return "\n".join(["import torch", RULER, f"Running on device_name={gpu} with world_size=8", RULER, *lines, ""])


def track_1(loss: str, seconds: float, address: str = "8D") -> str:
    """A log of modded-nanogpt's track 1."""
    gpu = f"|   0  NVIDIA H100 80GB HBM3          On  |   00000000:{address}:00.0 Off |                    0 |"
    line = f"step:1390/1390 val_loss:{loss} train_time:{1000 * seconds:.0f}ms step_avg:57.22ms"
    memory = "peak memory allocated: 30220 MiB reserved: 38672 MiB"
    return "\n".join(["import torch", RULER, gpu, RULER, "step:0/1390 val_loss:10.8 train_time:0ms", line, memory, ""])


def write_runs(folder: Path, logs: Iterable[str]) -> Path:
    """Write a folder of logs."""
    folder.mkdir(parents=True)
    for number, log in enumerate(logs):
        (folder / f"run-{number}.txt").write_text(log)
    return folder


def write_claims(folder: Path, rows: Sequence[Any]) -> None:
    """Write a table of results beside record folders."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claims.json").write_text(json.dumps(rows))
