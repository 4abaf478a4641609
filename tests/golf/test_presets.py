"""The published presets at full size: parameter counts of the originals, and a step on the CPU."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from golf.artifact.packing import load
from golf.model.gpt import GPT
from golf.presets import TRAIN_PRESETS
from golf.train.training import TrainConfig, train


@pytest.mark.parametrize(("preset", "parameters"), [("chimera-611", 26_829_913), ("klora-minnll-614", 24_468_561)])
def test_a_published_preset_trains_at_full_size_on_a_cpu(preset: str, parameters: int, tmp_path: Path) -> None:
    tiny = {"max_seconds": None, "steps": 1, "batch_tokens": 32, "seq_len": 16, "warmup_steps": 0, "ema_every": 1}
    config = TypeAdapter(TrainConfig).validate_python({**TRAIN_PRESETS[preset], **tiny})
    tokens = np.random.default_rng(0).integers(0, 1024, 200)
    model = load(train(config, tokens=tokens, seed=1, out=tmp_path))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert not model.bigram.embed.weight.any()  # trained by no optimizer, as published
    assert not model.smear.gate.any()
    assert isinstance(model, GPT)
