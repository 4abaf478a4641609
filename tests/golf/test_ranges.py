"""Every number of a configuration has a range, and all that are outside of theirs are reported at once."""

import dataclasses
import math
from typing import Any, get_type_hints

import pytest

from golf.artifact import packing
from golf.errors import InputError
from golf.model import config as model
from golf.train import config as train
from golf.ttt import config as ttt


@pytest.mark.parametrize(
    ("kind", "ranges"),
    [
        (train.TrainConfig, train.RANGES),
        (model.ModelConfig, model.RANGES),
        (ttt.EvalConfig, ttt.RANGES),
        (packing.QuantizeConfig, packing.RANGES),
    ],
)
def test_every_number_has_a_range_and_no_default_is_outside(kind: Any, ranges: Any) -> None:
    hints = get_type_hints(kind)
    numbers = {
        field.name
        for field in dataclasses.fields(kind)
        if hints[field.name] in (int, float, int | None, float | None, tuple[float, float])
    }
    assert set(ranges) == numbers
    for name in numbers:
        with pytest.raises(InputError, match=f"{name} = nan: must be at least|{name} = nan: must be above"):
            kind(**{name: math.nan})


def test_everything_outside_its_range_is_a_line() -> None:
    with pytest.raises(InputError) as error:
        ttt.EvalConfig(epochs=0, lr=math.inf, chunk=10**400, adapters=("z",))
    assert [line.partition(":")[0] for line in error.value.problems] == [
        "eval.lr = inf",
        "eval.epochs = 0",
        "eval.chunk = about 1e400",
        "eval.adapters",
    ]
