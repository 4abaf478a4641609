"""Phases of a process on a simulated clock."""

from golf.train.clocks import Clocks


class HandMoved:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_every_second_belongs_to_exactly_one_phase() -> None:
    clock = HandMoved()
    clocks = Clocks(clock)
    for phase, seconds in (("warmup", 1.0), ("train", 2.0), ("other", 4.0), ("train", 8.0), ("other", 16.0)):
        clock.now += seconds
        clocks.enter(phase)  # type: ignore[arg-type]
    clock.now += 32.0
    assert clocks.seconds() == {
        "other_seconds": 1.0 + 8.0 + 32.0,
        "warmup_seconds": 2.0,
        "train_seconds": 4.0 + 16.0,
        "process_seconds": 63.0,
    }


def test_time_since_the_launch_counts() -> None:
    clock = HandMoved()
    clocks = Clocks(clock, started=clock.now - 7.0)
    clocks.enter("train")
    assert clocks.seconds()["other_seconds"] == 7.0


def test_a_running_phase_is_read_without_ending_it() -> None:
    clock = HandMoved()
    clocks = Clocks(clock)
    clocks.enter("train")
    clock.now += 1.0
    assert clocks.spent("train") == 1.0
    clock.now += 1.0
    assert clocks.spent("train") == 2.0
    assert clocks.spent("warmup") == 0.0


def test_the_time_of_an_interrupted_process_is_carried_over() -> None:
    clock = HandMoved()
    first = Clocks(clock)
    first.enter("train")
    clock.now += 5.0
    second = Clocks(clock)
    second.carry_over(first.seconds())
    second.enter("train")
    clock.now += 1.0
    assert second.spent("train") == 6.0
    assert second.seconds()["process_seconds"] == 6.0


def test_a_checkpoint_whose_clock_stood_still_for_checkpoints_keeps_its_total() -> None:
    clocks = Clocks(HandMoved())
    clocks.carry_over({"other_seconds": 1.0, "warmup_seconds": 2.0, "train_seconds": 4.0, "checkpoint_seconds": 8.0})
    assert (clocks.seconds()["train_seconds"], clocks.seconds()["process_seconds"]) == (4.0, 15.0)
