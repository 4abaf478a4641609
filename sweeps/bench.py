"""What this machine makes of training and evaluation: rates, and their share of its measured peak. Needs no data."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from golf.attention import choose_kernel
from golf.eval_config import EvalConfig
from golf.flops import document_flops, training_flops
from golf.learner import Learner
from golf.model import GPT, ModelConfig
from golf.ranks import Ranks
from golf.train_config import TrainConfig
from golf.ttt import evaluate
from jobs import environment

SMALL: dict[str, Any] = {"num_layers": 4, "model_dim": 128, "num_heads": 4, "num_kv_heads": 2, "mlp_hidden": 384}
"""The model that a machine without a GPU is measured with; a GPU gets the challenge's own."""
DOCUMENTS, DOCUMENT_TOKENS = 24, 1025
WARM_UP, MEASURED = 3, 9
"""Steps before and while a training is measured."""
PEAK_SIDE = {"cpu": 1536, "cuda": 8192}
PEAK_REPEATS = 5


def device() -> torch.device:
    """The device that work is done on."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def default_settings(stage: str) -> dict[str, Any]:
    """Settings of a measurement before `--set`: small on a CPU, the challenge's own size on a GPU."""
    if device().type == "cuda":
        train: dict[str, Any] = {"gpus": 1, "batch_tokens": 98_304, "max_seconds": None, "steps": MEASURED}
        return train if stage == "train" else {"preset": "chimera-611"}
    if stage == "train":
        return {"gpus": 1, "batch_tokens": 8192, "seq_len": 512, "steps": MEASURED, "model": SMALL}
    return {"preset": "chimera-611", "epochs": 2}


def default_model() -> ModelConfig:
    """The model that evaluation is measured with."""
    return ModelConfig() if device().type == "cuda" else ModelConfig(**SMALL)


def bench_train(config: TrainConfig) -> dict[str, Any]:
    """Median seconds of a training step after warm-up; the first step's, which compiles on a GPU, stand apart."""
    learner = Learner(config, Ranks(0, 1, device()), torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, config.model.vocab_size, (config.batch_tokens + 1,), generator=generator)
    batch = tokens[:-1].view(-1, config.seq_len), tokens[1:].view(-1, config.seq_len)
    step = lambda: learner.step(batch, lr_scale=1.0, momentum=config.muon_momentum, seconds=0.0)  # noqa: E731
    seconds = [_seconds(step) for _ in range(WARM_UP + MEASURED)]
    median = statistics.median(seconds[WARM_UP:])
    flops = config.batch_tokens * training_flops(config.model, config.seq_len)
    return {
        "kind": "train",
        **_machine(config.attention),
        "seconds_per_step": median,
        "first_step_seconds": seconds[0],
        "tokens_per_second": config.batch_tokens / median,
        "batch_tokens": config.batch_tokens,
        **_share(flops / median),
        "settings": asdict(config),
    }


def bench_eval(config: EvalConfig, model_config: ModelConfig) -> dict[str, Any]:
    """Seconds to score and adapt to 24 documents of 1,025 tokens, once warm."""
    model = GPT(model_config)
    generator = torch.Generator().manual_seed(0)
    model.initialise(generator)
    with torch.no_grad():
        for parameter in model.parameters():  # no zeros: gradients are to reach everything
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.02)
    model.requires_grad_(False).to(device())
    random = np.random.default_rng(0)
    documents = [random.integers(2, model_config.vocab_size, DOCUMENT_TOKENS) for _ in range(DOCUMENTS)]
    first = _seconds(lambda: evaluate(model, documents[:2], config))
    seconds = _seconds(lambda: evaluate(model, documents, config))
    predictions = DOCUMENTS * (DOCUMENT_TOKENS - 1)
    flops = DOCUMENTS * document_flops(DOCUMENT_TOKENS - 1, config, model_config)
    return {
        "kind": "eval",
        **_machine(config.attention),
        "seconds": seconds,
        "first_call_seconds": first,
        "documents": DOCUMENTS,
        "tokens": predictions,
        "tokens_per_second": predictions / seconds,
        **_share(flops / seconds),
        "settings": asdict(config),
        "model": asdict(model_config),
    }


def peak_flops() -> float:
    """Operations a second of large matrix products on this device: fp32 with all threads on a CPU, bf16 on a GPU."""
    where = device()
    side = PEAK_SIDE[where.type]
    dtype = torch.bfloat16 if where.type == "cuda" else torch.float32
    a, b = (torch.randn(side, side, dtype=dtype, device=where) for _ in range(2))
    _seconds(lambda: a @ b)
    return 2.0 * side**3 / min(_seconds(lambda: a @ b) for _ in range(PEAK_REPEATS))


def _share(flops_per_second: float) -> dict[str, float]:
    peak = peak_flops()
    return {
        "flops_per_second": flops_per_second,
        "peak_flops_per_second": peak,
        "share_of_peak": flops_per_second / peak,
    }


def _machine(attention: Any) -> dict[str, Any]:
    machine = environment.machine()
    return {
        "device": machine.device,
        "dtype": machine.dtype,
        "threads": torch.get_num_threads(),
        "torch": machine.torch,
        "attention": choose_kernel(attention, device()).name,
    }


def _seconds(work: Callable[[], object]) -> float:
    """Wall time of some work, the device's included."""
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started
