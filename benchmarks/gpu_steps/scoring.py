"""Test-time training on many documents: its speed, its kernels, its idle time, and whether the host ever waits."""

import time
import warnings
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.gpu_steps.sizes import Row, Sizes, device, documents, eval_config, made_up_model, row
from golf.flops import document_flops
from golf.ttt.adapters import uniform_a
from golf.ttt.engine import Engine, evaluate
from golf.ttt.visits import plan_visits

PROFILED_DOCUMENTS = 8
ATTENTION = ("flash", "fmha", "cudnn_generated", "attention")
"""Parts of the names of attention kernels: they show which library really ran."""
EXPECTED_WAITS = 5
"""Three uploads before the first visit, and the scores and the passes that count after the last one."""


def test_time_training(size: Sizes) -> Iterator[Row]:
    """Tokens per second of `score-first` and of PR 611's protocol, launches a visit, and the share of idle time."""
    model, texts = made_up_model(size), documents(size, size.model.vocab_size)
    for preset, settings in (("score-first", {}), ("chimera-611", {"epochs": 2})):
        config = eval_config(preset, size, **settings)
        evaluate(model, texts[:2], config)
        started = time.perf_counter()
        evaluate(model, texts, config)
        seconds = time.perf_counter() - started
        predictions = sum(text.size - 1 for text in texts)
        flops = sum(document_flops(text.size - 1, config, size.model) for text in texts)
        yield row(f"{preset}: {len(texts)} documents", round(predictions / seconds), "tokens/s")
        yield row(f"{preset}: rate", round(flops / seconds / 1e12, 2), "TFLOP/s")
        yield from _profile(preset, model, texts[:PROFILED_DOCUMENTS], config, size)


test_time_training.__test__ = False  # type: ignore[attr-defined]  # its name is no test's


def _profile(preset: str, model: Any, texts: list[Any], config: Any, size: Sizes) -> list[Row]:
    engine = Engine(model, config, 0, uniform_a)
    lengths = [text.size - 1 for text in texts]
    visits = len(list(plan_visits(lengths, config, engine.rows(max(lengths), adapting=True))))
    rows = [row(f"{preset}: visits of {len(texts)} documents", visits)]
    if device().type != "cuda":
        return rows
    from torch.profiler import ProfilerActivity, profile

    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        started = time.perf_counter()
        evaluate(model, texts, config)
        torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    events = [event for event in profiled.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    busy = sum(event.time_range.elapsed_us() for event in events) / 1e6
    kernels = [event for event in events if not event.name.startswith(("Memcpy", "Memset"))]
    attention = {event.name for event in kernels if any(part in event.name for part in ATTENTION)}
    return [
        *rows,
        row(f"{preset}: kernels a visit", round(len(kernels) / visits)),
        row(f"{preset}: kernels of attention", "; ".join(sorted(name[:40] for name in attention)) or "none seen"),
        row(f"{preset}: idle share while profiled", round(1 - busy / seconds, 3)),
        row(f"{preset}: waits of the host", _waits(model, texts, config), "", EXPECTED_WAITS),
    ]


def _waits(model: Any, texts: list[Any], config: Any) -> int:
    """How often the host waits for the GPU, by torch's debug mode."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            evaluate(model, texts, config)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in caught)
