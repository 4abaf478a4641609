"""Training settings: documentation, ranges and digest."""

import ast
import dataclasses
import inspect
import itertools
import math
from typing import Any

import pytest

import golf.train.config
from golf.errors import InputError
from golf.model.gpt import ModelConfig
from golf.train.training import TrainConfig


@pytest.mark.parametrize(
    "setting",
    [
        {"gpus": 0},
        {"seq_len": 0},
        {"steps": 0},
        {"max_seconds": 0.0},
        {"max_seconds": math.nan},
        {"muon_lr": 0.0},
        {"embed_lr": -1.0},
        {"scalar_lr": math.inf},
        {"clip": math.nan},
        {"weight_decay": -0.1},
        {"muon_momentum": 1.0},
        {"ema_decay": 1.0},
        {"prune": 1.0},
        {"swa_below": 1.5},
        {"betas": [0.9, 1.0]},
        {"warmup_steps": -1},
        {"batch_tokens": 1000},
    ],
    ids=str,
)
def test_a_value_out_of_range_is_one_line_that_names_its_key(setting: dict[str, Any]) -> None:
    (name, value), *_ = setting.items()
    with pytest.raises(InputError) as caught:
        TrainConfig(**setting)
    assert str(caught.value).startswith(f"train.{name} = {value}: ")
    assert "\n" not in str(caught.value)


def test_a_training_needs_a_limit() -> None:
    with pytest.raises(InputError, match=r"train\.steps.*train\.max_seconds"):
        TrainConfig(max_seconds=None)


def test_every_field_has_a_line_of_documentation() -> None:
    body = next(
        node for node in ast.parse(inspect.getsource(golf.train.config)).body if isinstance(node, ast.ClassDef)
    ).body
    documented = {
        field.target.id
        for field, after in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    }
    assert {field.name for field in dataclasses.fields(TrainConfig)} == documented


def test_any_changed_setting_changes_the_digest() -> None:
    assert TrainConfig().digest() == TrainConfig().digest()
    others = [
        TrainConfig(muon_lr=0.03),
        TrainConfig(steps=3),
        TrainConfig(model=ModelConfig(num_layers=10)),
        TrainConfig(train_bigram=False),
    ]
    assert len({TrainConfig().digest(), *(other.digest() for other in others)}) == 5
