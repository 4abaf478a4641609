"""Step the wall clock of all of a run's processes, hours forth or back."""

import random

from benchmarks.chaos.round import Round

STEPS_SECONDS = (-7200, -600, 600, 7200)


def step_clock(play: Round) -> bool:
    """Set the clock of all processes of the drivers."""
    if play.clock is None:
        return False
    play.clock.set(random.choice(STEPS_SECONDS))
    return True
