"""The sizes of the measurements: the contest's, or a toy's for a machine without a GPU."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from golf.artifact.packing import load
from golf.entry.entry import configure
from golf.model.gpt import GPT, ModelConfig
from golf.presets import EVAL_PRESETS
from golf.selftest import BUNDLED
from golf.ttt.config import EvalConfig

Row = dict[str, Any]
"""One line: "what" in words, "value", "unit", and "predicted" where there is a prediction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How large everything is."""

    model: ModelConfig
    batch_tokens: int
    """Tokens of a step: an eighth of the contest's batch."""
    seq_len: int
    steps: int
    """Steps whose median is taken."""
    positions: tuple[int, ...]
    """Positions of the attention kernels' test."""
    queries: int
    """The last positions, in its second half."""
    head_vocabulary: int
    documents: int
    document_tokens: float
    """Median of the log-normal lengths."""
    window: int
    audit_seconds: float


FULL = Sizes(
    model=ModelConfig(num_layers=11),
    batch_tokens=98_304,
    seq_len=1024,
    steps=20,
    positions=(2, 256, 1024),
    queries=256,
    head_vocabulary=8192,
    documents=400,
    document_tokens=700.0,
    window=1024,
    audit_seconds=2.0,
)
TOY = Sizes(
    model=ModelConfig(
        num_layers=2, model_dim=32, num_heads=2, num_kv_heads=1, mlp_hidden=48, vocab_size=64,
        bigram_buckets=64, bigram_dim=8,
    ),
    batch_tokens=256,
    seq_len=32,
    steps=3,
    positions=(2, 48),
    queries=16,
    head_vocabulary=128,
    documents=6,
    document_tokens=40.0,
    window=32,
    audit_seconds=0.2,
)  # fmt: skip


def device() -> torch.device:
    """The device that is measured."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def sizes() -> Sizes:
    """The contest's sizes on a GPU, a toy's without one."""
    return FULL if device().type == "cuda" else TOY


def row(what: str, value: Any, unit: str = "", predicted: Any = None) -> Row:
    """One line of the table."""
    return {"what": what, "value": value, "unit": unit, "predicted": predicted}


def eval_config(preset: str, size: Sizes, **settings: Any) -> EvalConfig:
    """A preset's settings, with windows of this size."""
    chunk = {"window": size.window, "chunk": size.window // 4, "min_document_tokens": 0}
    overrides: Mapping[str, Any] = {**EVAL_PRESETS[preset], **chunk, "max_seconds": None, **settings}
    return configure(EvalConfig, overrides)


def made_up_model(size: Sizes) -> GPT:
    """A frozen model with weights of about the size that training leaves."""
    model = GPT(size.model)
    generator = torch.Generator().manual_seed(0)
    model.initialize(generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return model.requires_grad_(False).to(device())


def golden_model() -> GPT:
    """The small trained model of the bundled golden vectors."""
    return load(BUNDLED[1] / "model.safetensors", device=device())


def documents(size: Sizes, vocab_size: int) -> list[NDArray[np.int64]]:
    """Documents of log-normal lengths, as those of the contest's validation set (σ of the logarithm about 1)."""
    random = np.random.default_rng(0)
    lengths = np.exp(np.log(size.document_tokens) + random.normal(0, 1, size.documents)).astype(int).clip(2, None)
    return [np.append(1, random.integers(2, vocab_size, length)) for length in lengths]
