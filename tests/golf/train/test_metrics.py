"""The metrics file: which steps have a line, and what remains after an interruption."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from golf.train.config import TrainConfig
from golf.train.metrics import MetricsFile, peak_memory_bytes

CONFIG = TrainConfig(steps=1, batch_tokens=1024)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path: Path, steps: range, *, since: int = 0) -> None:
    metrics = MetricsFile(path, CONFIG, since, train_seconds=0.5 * since)
    for step in steps:
        metrics.record(step, 1.0 / step, 0.5, 0.5 * step, 77)


def test_a_line_has_every_figure_of_its_step(tmp_path: Path) -> None:
    write(tmp_path / "m.jsonl", range(1, 3))
    assert lines(tmp_path / "m.jsonl")[1] == {
        "step": 2,
        "tokens": 2048,
        "loss": 0.5,
        "lr_scale": 0.5,
        "tokens_per_second": 2048.0,
        "peak_memory_bytes": 77,
        "train_seconds": 1.0,
    }


def test_long_runs_write_few_lines_with_the_rate_since_the_previous_one(tmp_path: Path) -> None:
    write(tmp_path / "m.jsonl", range(1, 1031))
    found = lines(tmp_path / "m.jsonl")
    assert [line["step"] for line in found] == [*range(1, 1001), 1010, 1020, 1030]
    assert {line["tokens_per_second"] for line in found} == {2048.0}


def test_lines_after_the_checkpoint_and_incomplete_lines_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write(path, range(1, 8))
    with path.open("a") as stream:
        stream.write('{"step": 8, "lo')
    write(path, range(5, 7), since=4)
    assert [line["step"] for line in lines(path)] == [1, 2, 3, 4, 5, 6]
    assert {line["tokens_per_second"] for line in lines(path)} == {2048.0}


def test_a_new_training_overwrites_old_metrics(tmp_path: Path) -> None:
    write(tmp_path / "m.jsonl", range(1, 8))
    write(tmp_path / "m.jsonl", range(1, 3))
    assert [line["step"] for line in lines(tmp_path / "m.jsonl")] == [1, 2]


def test_a_clock_that_stands_still_gives_no_rate(tmp_path: Path) -> None:
    MetricsFile(tmp_path / "m.jsonl", CONFIG, 0, 3.0).record(1, 1.0, 1.0, 3.0, 0)
    assert lines(tmp_path / "m.jsonl")[0]["tokens_per_second"] is None


def test_peak_memory_of_this_process_is_in_bytes() -> None:
    resident = int(
        next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line).split()[1]
    )
    assert peak_memory_bytes(torch.device("cpu")) == pytest.approx(1024 * resident, rel=0.05)
