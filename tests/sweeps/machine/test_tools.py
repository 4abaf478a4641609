"""What doctor makes of the engine's golden vectors."""

import math

import pytest

from sweeps.machine.tools import check_engine


def report(*differences: float, dtype: str = "float32") -> dict[str, object]:
    return {"dtype": dtype, "cases": [{"max_difference": difference} for difference in differences]}


@pytest.mark.parametrize("differences", [(math.nan, 1e-7), (1e-7, math.nan), (2e-5, 0.0)])
def test_what_is_no_number_or_too_far_off_is_no_agreement(differences: tuple[float, float]) -> None:
    assert [check.good for check in check_engine(report(*differences))] == [False]


def test_each_precision_has_its_own_limit() -> None:
    own = report(6e-3, dtype="bfloat16")
    assert [check.good for check in check_engine({**report(8e-7), "own_precision": own})] == [True, True]
    far = report(0.05, dtype="bfloat16")
    assert [check.good for check in check_engine({**report(8e-7), "own_precision": far})] == [True, False]
