"""Which jobs of a recipe cannot fit this machine's memory: checked before a sweep runs here, and in the job itself."""

from collections.abc import Iterator

from golf.memory import scoring_bytes, training_bytes
from golf.model.gpt import ModelConfig
from golf.train.config import TrainConfig
from golf.ttt.config import EvalConfig
from jobs.machine.memory import device_type, memory_problem


def training_problem(config: TrainConfig) -> str | None:
    """Why a training cannot fit this machine, where all its ranks run; None if it may."""
    what = f"train.model and train.batch_tokens = {config.batch_tokens} with train.gpus = {config.gpus}"
    return memory_problem(training_bytes(config, device_type()), what, processes=config.gpus)


def scoring_problem(config: EvalConfig, model: ModelConfig) -> str | None:
    """Why an evaluation cannot fit this machine; None if it may."""
    return memory_problem(scoring_bytes(config, model, device_type()), "train.model and eval.ranks")


def recipe_problems(train: TrainConfig, evaluation: EvalConfig) -> Iterator[str]:
    """A line for each kind of job of a recipe that cannot fit this machine."""
    for problem in (training_problem(train), scoring_problem(evaluation, train.model)):
        if problem is not None:
            yield problem
