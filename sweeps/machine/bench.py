"""Measuring this machine without data: how fast each stage is, as a share of the machine's own measured peak.

Every report has `rate` and `peak`, both in `unit`, and `share_of_peak`, their ratio.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from golf.artifact.packing import encode, load, quantize
from golf.files import write_atomically
from golf.flops import document_flops, training_flops
from golf.model.attention import choose_kernel
from golf.model.gpt import GPT, ModelConfig
from golf.model.precision import compute_dtype
from golf.model.state_dict import num_parameters, tensor_shapes
from golf.train.learner import Learner
from golf.train.process_group import ProcessGroup
from golf.ttt.engine import evaluate
from jobs.machine.environment import machine
from sweeps.spec.recipe import configure

T = TypeVar("T")

SMALL: dict[str, Any] = {"num_layers": 4, "model_dim": 128, "num_heads": 4, "num_kv_heads": 2, "mlp_hidden": 384}
"""The model that a CPU trains and evaluates; a GPU gets the challenge's own."""
WARM_UP_STEPS, MEASURED_STEPS = 3, 9
DOCUMENTS, DOCUMENT_TOKENS = 24, 1025
PEAK_SIDE = {"cpu": 1536, "cuda": 8192}
"""Rows and columns of the matrices whose product measures the peak."""
WEIGHT_STD = 0.165
"""Quantized to 6 bits at the smallest scale, such weights take 4.4 bits each, as those of PR 611 do."""
MOST_RUNS, ENOUGH_SECONDS = 5, 5.0
"""A median is over this many runs, or over as many as take this long."""
COPIED_BYTES = 2**28


def device() -> torch.device:
    """The device that this machine computes on."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(assignments: Iterable[str]) -> dict[str, Any]:
    """Time training steps of one process, the median after a warm-up; the first, which compiles on a GPU, is separate.

    Raises:
        InputError: a setting of another stage than train, an unknown key or a wrong value.
    """
    base = {"gpus": 1, "batch_tokens": 8192, "seq_len": 512, "steps": MEASURED_STEPS, "model": SMALL}
    if device().type == "cuda":
        base = {"gpus": 1, "batch_tokens": 98_304, "steps": MEASURED_STEPS}
    config = configure({"train": base}, assignments)["train"]
    learner = Learner(config, ProcessGroup(0, 1, device()), torch.Generator().manual_seed(0))
    stream = torch.randint(1, config.model.vocab_size, (config.batch_tokens + 1,), generator=_generator())
    batch = stream[:-1].view(-1, config.seq_len), stream[1:].view(-1, config.seq_len)

    def step() -> None:
        learner.step(batch, lr_scale=1.0, momentum=config.muon_momentum, seconds=0.0)

    seconds = [_seconds(step)[0] for _ in range(WARM_UP_STEPS + MEASURED_STEPS)]
    median = statistics.median(seconds[WARM_UP_STEPS:])
    flops = config.batch_tokens * training_flops(config.model, config.seq_len)
    return {
        **_machine(),
        "attention": learner.kernel.name,
        "seconds_per_step": median,
        "first_step_seconds": seconds[0],
        "batch_tokens": config.batch_tokens,
        "tokens_per_second": config.batch_tokens / median,
        **_share_of_matmul_peak(flops / median),
    }


def evaluation(assignments: Iterable[str]) -> dict[str, Any]:
    """Time scoring with test-time training after a warm-up: 24 documents of 1,025 tokens, two epochs of PR 611.

    Raises:
        InputError: a setting of another stage than eval and train, an unknown key or a wrong value.
    """
    base: dict[str, dict[str, Any]] = {"eval": {"preset": "chimera-611", "epochs": 2}, "train": {"model": SMALL}}
    if device().type == "cuda":
        base["train"] = {}
    settings = configure(base, assignments)
    config, shape = settings["eval"], settings["train"].model
    model = GPT(shape)
    model.load_state_dict(random_state(shape, std=0.05))
    model.requires_grad_(False).to(device())
    random = np.random.default_rng(0)
    documents = [random.integers(2, shape.vocab_size, DOCUMENT_TOKENS) for _ in range(DOCUMENTS)]
    first, _ = _seconds(lambda: evaluate(model, documents[:2], config))
    seconds, _ = _median_seconds(lambda: evaluate(model, documents, config))
    predictions = DOCUMENTS * (DOCUMENT_TOKENS - 1)
    flops = DOCUMENTS * document_flops(DOCUMENT_TOKENS - 1, config, shape)
    return {
        **_machine(),
        "attention": choose_kernel(config.attention, device(), compute_dtype(device(), config.precision)).name,
        "seconds": seconds,
        "first_call_seconds": first,
        "documents": DOCUMENTS,
        "tokens": predictions,
        "tokens_per_second": predictions / seconds,
        **_share_of_matmul_peak(flops / seconds),
    }


def artifact(assignments: Iterable[str]) -> dict[str, Any]:
    """Time quantizing, coding, writing and loading random weights, of full size unless train.model.* says otherwise.

    The rate is that of saving, in fp32 bytes of weights; its peak is the speed of copying memory.

    Raises:
        InputError: a setting of another stage than quantize and train, an unknown key or a wrong value.
    """
    settings = configure({"quantize": {}, "train": {}}, assignments)
    model, config = settings["train"].model, settings["quantize"]
    state = random_state(model)
    quantize_s, arrays = _median_seconds(lambda: quantize(state, model, config.bits))
    code_s, (content, ledger) = _median_seconds(lambda: encode(arrays, model, config))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.golf"
        write_s, _ = _median_seconds(lambda: write_atomically(path, content))
        load_s, _ = _median_seconds(lambda: load(path))
    save_s = quantize_s + code_s + write_s
    weight_bytes = 4 * num_parameters(model)
    rate, peak = weight_bytes / save_s / 1e6, copy_peak()
    return {
        **_machine(),
        "weights": num_parameters(model),
        "codec": config.codec,
        "bits": config.bits,
        "seconds": {
            "quantize": quantize_s, "code": code_s, "write": write_s, "save": save_s, "load": load_s,
        },
        "model_bytes": ledger.model_bytes,
        "entropy_bytes": ledger.entropy_bytes,
        "above_entropy": ledger.above_entropy,
        "rate": rate,
        "load_rate": weight_bytes / load_s / 1e6,
        "peak": peak,
        "unit": "MB/s",
        "peak_of": "copying memory on one core",
        "share_of_peak": rate / peak,
    }  # fmt: skip


def random_state(model: ModelConfig, std: float = WEIGHT_STD) -> dict[str, torch.Tensor]:
    """Normally distributed weights of a model, the same in every call."""
    generator, shapes = _generator(), tensor_shapes(model).items()
    return {name: std * torch.randn(shape, generator=generator) for name, shape in shapes}


def matmul_peak() -> float:
    """Operations per second of a large matrix product: fp32 on all threads of a CPU, bf16 on a GPU."""
    where = device()
    side, dtype = PEAK_SIDE[where.type], torch.bfloat16 if where.type == "cuda" else torch.float32
    a, b = (torch.randn(side, side, dtype=dtype, device=where) for _ in range(2))
    _seconds(lambda: a @ b)
    return 2.0 * side**3 / min(_seconds(lambda: a @ b)[0] for _ in range(MOST_RUNS))


def copy_peak() -> float:
    """Speed at which one core copies memory, in MB/s."""
    source = bytearray(COPIED_BYTES)
    seconds, _ = _median_seconds(lambda: bytes(source))
    return COPIED_BYTES / seconds / 1e6


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _machine() -> dict[str, Any]:
    this = machine()
    return {"device": this.device, "dtype": this.dtype, "torch": this.torch, "threads": torch.get_num_threads()}


def _share_of_matmul_peak(flops_per_second: float) -> dict[str, Any]:
    rate, peak = flops_per_second / 1e9, matmul_peak() / 1e9
    return {
        "rate": rate,
        "peak": peak,
        "unit": "GFLOP/s",
        "peak_of": "a large matrix product",
        "share_of_peak": rate / peak,
    }


def _seconds(work: Callable[[], T]) -> tuple[float, T]:
    """Wall time of some work, including the device's, and its result."""
    started = time.perf_counter()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started, result


def _median_seconds(work: Callable[[], T]) -> tuple[float, T]:
    """Median wall time of several runs, and the last result."""
    seconds: list[float] = []
    while True:
        spent, result = _seconds(work)
        seconds.append(spent)
        if len(seconds) == MOST_RUNS or sum(seconds) > ENOUGH_SECONDS:
            return statistics.median(seconds), result
