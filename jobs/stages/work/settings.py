"""A job's plain settings as golf's configurations, and the operations that they stand for."""

from collections import Counter
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from golf.flops import document_flops
from golf.model.gpt import ModelConfig
from golf.train.training import TrainConfig
from golf.ttt.config import EvalConfig
from jobs.spec import Order

T = TypeVar("T")


def settings_of(kind: type[T], settings: Mapping[str, Any]) -> T:
    """The configuration that a job's plain settings stand for."""
    adapter: TypeAdapter[T] = _adapter(cast(Any, kind))
    return adapter.validate_python(dict(settings))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Making one takes milliseconds, using it microseconds."""
    return TypeAdapter(kind)


def train_config(order: Order) -> TrainConfig:
    """The configuration of a training job."""
    return settings_of(TrainConfig, order.job.settings["train"])


@lru_cache(maxsize=4096)
def scoring_flops(lengths: tuple[int, ...], config: EvalConfig, model: ModelConfig) -> float:
    """Operations to score documents of so many predictions each."""
    return sum(count * document_flops(length, config, model) for length, count in Counter(lengths).items())
