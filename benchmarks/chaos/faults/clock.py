"""Step the wall clock of all of a run's processes, hours forth or back."""

import random

from benchmarks.chaos.round import Round

STEPS_SECONDS = (-7200, -600, 600, 7200)


def step_clock(play: Round) -> bool:
    """Set the clock that libfaketime shows to the run; it reads the file again within a second."""
    if play.clock is None:
        return False
    seconds = int(play.clock.read_text() or 0) + random.choice(STEPS_SECONDS)
    temporary = play.clock.with_suffix(".new")
    temporary.write_text(f"{seconds:+d}")
    temporary.rename(play.clock)
    return True
