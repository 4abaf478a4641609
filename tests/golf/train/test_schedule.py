"""Schedules against the figures in PR 611's own log (seed 42), and the end of a training against simulated clocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.train.config import TrainConfig
from golf.train.schedule import Pace, is_over, lr_scale, muon_momentum

PR_611 = TrainConfig()


@pytest.mark.parametrize(
    ("steps_done", "seconds", "step_seconds", "scale"),
    # The line of step n was printed after the step: the clock before it is one average step earlier.
    [(6050, 530.865, 0.08775, 0.2629), (6150, 539.659, 0.08775, 0.2295), (6650, 596.973, 0.08977, 0.0115)],
)
def test_learning_rates_are_those_that_pr_611_logged(
    steps_done: int, seconds: float, step_seconds: float, scale: float
) -> None:
    pace = Pace(steps_done - 1, seconds - step_seconds)
    assert lr_scale(PR_611, steps_done - 1, pace) == pytest.approx(
        scale, abs=4e-4
    )  # steps differ by 10 % from the mean


@pytest.mark.parametrize(("steps_done", "momentum"), [(1, 0.92), (50, 0.9223), (450, 0.9410), (6050, 0.99)])
def test_momentum_is_what_pr_611_logged(steps_done: int, momentum: float) -> None:
    assert muon_momentum(PR_611, steps_done - 1) == pytest.approx(momentum, abs=5e-5)


def test_steps_alone_give_exact_fractions_whatever_the_clock_says() -> None:
    config = TrainConfig(max_seconds=None, steps=10, warmdown_steps=4)
    for pace in (Pace(), Pace(3, 1e9)):
        assert [lr_scale(config, step, pace) for step in range(10)] == [1.0] * 7 + [0.75, 0.5, 0.25]


def test_a_warm_down_longer_than_the_training_starts_in_its_middle() -> None:
    config = TrainConfig(max_seconds=None, steps=10, warmdown_steps=40)
    assert lr_scale(config, 0, Pace()) == 0.25


def test_the_earlier_of_two_limits_applies() -> None:
    config = TrainConfig(max_seconds=100.0, steps=50, warmdown_steps=20)
    assert lr_scale(config, 40, Pace(40, 4.0)) == 0.5  # the clock is far from its end
    assert lr_scale(config, 10, Pace(10, 90.0)) == pytest.approx(10 / (20 * 9.0))  # the steps are


def test_no_warm_down_means_full_rates_to_the_end() -> None:
    config = TrainConfig(max_seconds=10.0, steps=5, warmdown_steps=0)
    assert lr_scale(config, 4, Pace(4, 9.9)) == 1.0


@given(st.floats(0.0, 700.0), st.integers(1, 10_000))
def test_the_scale_stays_within_its_bounds(seconds: float, steps: int) -> None:
    assert 0.0 <= lr_scale(PR_611, steps, Pace(steps, seconds)) <= 1.0


def steps_made(config: TrainConfig, step_seconds: float) -> int:
    """Number of steps that a training with a constant step time makes; rank 0's clock is known one step late."""
    step, pace = 0, Pace()
    while not is_over(config, step, pace):
        pace, step = Pace(step, step * step_seconds), step + 1
    return step


@given(st.floats(0.01, 30.0))
def test_a_clock_is_used_up_to_its_last_whole_step_and_never_overrun(step_seconds: float) -> None:
    config = TrainConfig(max_seconds=100.0)
    made = steps_made(config, step_seconds)
    assert made * step_seconds <= 100.0 * (1 + 1e-9)
    assert (made + 1) * step_seconds > 100.0 * (1 - 1e-9)


def test_whichever_limit_comes_first_ends_the_training() -> None:
    config = TrainConfig(max_seconds=10.0, steps=7)
    assert steps_made(config, 0.1) == 7
    assert steps_made(config, 2.0) == 5
    assert steps_made(TrainConfig(max_seconds=None, steps=7), 1e9) == 7


def test_two_steps_are_made_before_the_clock_can_end_anything() -> None:
    assert steps_made(TrainConfig(max_seconds=1.0), 1e6) == 2
