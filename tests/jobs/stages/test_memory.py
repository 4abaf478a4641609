"""Memory is compared with what a job needs before the job builds a model."""

import pytest

from golf.memory import training_bytes
from golf.model.gpt import ModelConfig
from golf.train.config import TrainConfig
from golf.ttt.config import EvalConfig
from jobs.machine import memory
from jobs.stages.work.memory import recipe_problems, scoring_problem, training_problem

SMALL = TrainConfig(gpus=2, batch_tokens=512, seq_len=128, model=ModelConfig(num_layers=2, model_dim=16, num_heads=4))


def test_the_record_training_is_estimated_below_what_it_takes_on_a_gpu() -> None:
    assert 17e9 < training_bytes(TrainConfig(), "cuda") < 21e9


def test_a_training_that_cannot_fit_names_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training_problem(SMALL) is None
    assert list(recipe_problems(SMALL, EvalConfig())) == []
    monkeypatch.setattr(memory, "device_bytes", lambda: 1_000_000)
    problem = training_problem(SMALL)
    assert problem is not None
    assert "train.batch_tokens = 512 with train.gpus = 2: needs at least 2 processes × " in problem
    assert problem.endswith("this machine has 0.0 GB; lower it, or use a larger machine")
    assert scoring_problem(EvalConfig(), SMALL.model) is not None
    assert len(list(recipe_problems(SMALL, EvalConfig()))) == 2
