"""The rate of a script's first steps."""

from pathlib import Path

import pytest

from jobs.logs.live import Point
from jobs.logs.step_rate import first_rate
from jobs.scripts.program import ScriptProgram
from jobs.scripts.run import ScriptRun


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


@pytest.mark.parametrize(("limit", "rate"), [("600", 10.0), ("0", None), ("0.0", None)])
def test_a_script_tells_it_where_the_clock_bounds_its_training(limit: str, rate: float | None, tmp_path: Path) -> None:
    program = ScriptProgram(ScriptRun(file="t.py", python="python", seed=1))
    program.take_output(f"max_wallclock_seconds:{limit}\n".encode())
    program.take_output(b"step:10/20000 train_loss:5.0000 train_time:1000ms step_avg:100.00ms\n")
    assert program.steps_per_second(tmp_path) is None
    for step, seconds in ((200, 20), (400, 90)):
        line = f"step:{step}/20000 train_loss:4.0000 train_time:{1000 * seconds}ms step_avg:100.00ms\n"
        program.take_output(line.encode())
        assert program.steps_per_second(tmp_path) == rate
