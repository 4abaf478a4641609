"""Measuring this machine without data: what each stage takes, and the share of the machine's own measured peak.

Every report has `rate` and `peak`, both in `unit`, and `share_of_peak`, their ratio.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import torch

from golf.artifact import encode, load, quantise
from golf.container import num_parameters, tensor_shapes
from golf.errors import InputError
from golf.files import write_atomically
from golf.model import ModelConfig
from jobs.environment import machine
from sweeps.recipe import build_stage, parse_assignments

T = TypeVar("T")

WEIGHT_STD = 0.165
"""Quantised to 6 bits at the smallest scale, such weights take the 4.4 bits each that those of PR 611 do."""
MOST_RUNS, ENOUGH_SECONDS = 5, 5.0
"""A median is over so many runs, or as many as take this long."""
COPIED_BYTES = 2**28


def artifact(assignments: Iterable[str]) -> dict[str, Any]:
    """Quantise, code, write and load a model of random weights, at full size unless train.model.* says otherwise.

    The rate is that of saving, in fp32 bytes of weights; its peak is copying memory, the least that any saving does.

    Raises:
        InputError: a setting of another stage than quantize and train, an unknown key or a wrong value.
    """
    settings = _settings(assignments, "quantize", "train")
    model, config = settings["train"].model, settings["quantize"]
    state = random_state(model)
    quantise_s, arrays = _median_seconds(lambda: quantise(state, model, config.bits))
    code_s, (content, ledger) = _median_seconds(lambda: encode(arrays, model, config))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.golf"
        write_s, _ = _median_seconds(lambda: write_atomically(path, content))
        load_s, _ = _median_seconds(lambda: load(path))
    save_s = quantise_s + code_s + write_s
    weight_bytes = 4 * num_parameters(model)
    rate, peak = weight_bytes / save_s / 1e6, copy_peak()
    return {
        "device": machine().device,
        "threads": torch.get_num_threads(),
        "weights": num_parameters(model),
        "codec": config.codec,
        "bits": config.bits,
        "seconds": {
            "quantise": quantise_s, "code": code_s, "write": write_s, "save": save_s, "load": load_s,
        },
        "model_bytes": ledger.model_bytes,
        "entropy_bytes": ledger.entropy_bytes,
        "above_entropy": ledger.to_json()["above_entropy"],
        "rate": rate,
        "load_rate": weight_bytes / load_s / 1e6,
        "peak": peak,
        "unit": "MB/s",
        "peak_of": "copying memory on one core",
        "share_of_peak": rate / peak,
    }  # fmt: skip


def random_state(model: ModelConfig) -> dict[str, torch.Tensor]:
    """Normal weights of a model, the same every time."""
    generator = torch.Generator().manual_seed(0)
    shapes = tensor_shapes(model).items()
    return {name: WEIGHT_STD * torch.randn(shape, generator=generator) for name, shape in shapes}


def copy_peak() -> float:
    """Bytes copied per second from memory to memory by one core, in MB/s."""
    source = bytearray(COPIED_BYTES)
    seconds, _ = _median_seconds(lambda: bytes(source))
    return COPIED_BYTES / seconds / 1e6


def _settings(assignments: Iterable[str], *stages: str) -> dict[str, Any]:
    """Each stage's configuration, of its defaults and `--set` values."""
    changes = parse_assignments(assignments)
    if other := next((name for name in changes if name not in stages), None):
        raise InputError(
            f"--set {other}.…: this command takes {' and '.join(f'{stage}.*' for stage in stages)} settings"
        )
    return {stage: build_stage(stage, changes.get(stage, {}), "command line") for stage in stages}


def _median_seconds(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds that work takes, and what comes of it."""
    seconds: list[float] = []
    while True:
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
        if len(seconds) == MOST_RUNS or sum(seconds) > ENOUGH_SECONDS:
            return statistics.median(seconds), result
