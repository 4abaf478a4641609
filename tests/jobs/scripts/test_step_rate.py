"""The rate of a script's first steps."""

import pytest

from jobs.logs.live import Point
from jobs.scripts.step_rate import first_rate


def points(*pairs: tuple[int, float | None]) -> list[Point]:
    return [Point(step=step, loss=1.0, seconds=seconds) for step, seconds in pairs]


@pytest.mark.parametrize(
    ("printed", "rate"),
    [
        (((1, 60.0), (10, 61.0), (200, 80.0), (400, 200.0)), 10.0),  # compiled before, slower later
        (((0, 0.0), (500, 50.0)), 10.0),
        (((1, 1.0), (10, 2.0), (100, 9.0)), None),
        (((500, 50.0), (1000, 100.0)), None),
        (((10, None), (10, 5.0), (210, 5.0)), None),
        ((), None),
    ],
)
def test_it_is_that_of_the_same_steps_in_every_run(
    printed: tuple[tuple[int, float | None], ...], rate: float | None
) -> None:
    assert first_rate(points(*printed)) == rate
