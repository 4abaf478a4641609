"""Settings of a recipe's sections that do not go together: what its jobs would refuse as soon as they start."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial

from golf.artifact.container import check_model
from golf.errors import InputError
from golf.train.training import TrainConfig
from golf.ttt.engine import EvalConfig


def recipe_conflicts(train: TrainConfig, evaluation: EvalConfig) -> Iterator[str]:
    """A line for each rule between settings that a recipe breaks."""
    yield from _problems(partial(train.check_processes, train.gpus))
    yield from _problems(partial(check_model, train.model))
    for field in fields(evaluation.multipliers):
        yield from _problems(partial(evaluation.multipliers.at, field.name, 0, train.model.num_layers))


def _problems(check: Callable[[], object]) -> tuple[str, ...]:
    try:
        check()
    except InputError as error:
        return error.problems
    return ()
