"""The same training on a GPU, if there is one: bf16 activations, compiled loss, micro-batches."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from golf.model.gpt import ModelConfig
from golf.train import learner
from golf.train.training import TrainConfig, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

MODEL = ModelConfig(num_layers=3, model_dim=64, num_heads=4, num_kv_heads=2, mlp_hidden=192, vocab_size=256)
CONFIG = TrainConfig(max_seconds=None, steps=20, batch_tokens=2048, seq_len=128, warmup_steps=2, model=MODEL)
TOKENS = (np.arange(50_021) ** 2 % 251).astype(np.uint16)


def losses(out: Path) -> list[float]:
    train(CONFIG, tokens=TOKENS, seed=1, out=out)
    return [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_a_gpu_follows_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = losses(tmp_path / "gpu")
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        cpu = losses(tmp_path / "cpu")
    assert gpu == pytest.approx(cpu, abs=0.05)  # bf16 keeps three digits


def test_parts_of_a_batch_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = losses(tmp_path / "whole")
    monkeypatch.setitem(learner.MICRO_TOKENS, "cuda", 512)
    assert losses(tmp_path / "parts") == pytest.approx(whole, abs=0.02)
