"""Learning rate, momentum and end of a training, as pure functions of steps and seconds."""

from dataclasses import dataclass

from golf.train.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Pace:
    """Rank 0's training clock, equal on all ranks: `seconds` had passed after `steps` steps."""

    steps: int = 0
    seconds: float = 0.0

    @property
    def step_seconds(self) -> float:
        """Average seconds of one step so far; 0 before the first."""
        return self.seconds / max(self.steps, 1)


def lr_scale(config: TrainConfig, step: int, pace: Pace) -> float:
    """Factor on all learning rates at step `step` (from 0), from 1 down to 0 (PR 611).

    The decay at the end is linear: remaining steps / warmdown_steps under a limit of steps, and remaining seconds /
    (warmdown_steps × average step time) under a limit of seconds. With both limits the smaller factor applies.
    """
    if config.warmdown_steps == 0:
        return 1.0
    scale = 1.0
    if config.steps is not None:
        scale = min(scale, max(config.steps - step, 0) / config.warmdown_steps)
    if config.max_seconds is not None and pace.step_seconds > 0:
        remaining = max(config.max_seconds - pace.seconds, 0.0)
        scale = min(scale, remaining / (config.warmdown_steps * pace.step_seconds))
    return scale


def muon_momentum(config: TrainConfig, step: int) -> float:
    """Muon's momentum at step `step`: linear from muon_momentum_start to muon_momentum (PR 611)."""
    share = min(step / config.muon_momentum_steps, 1.0) if config.muon_momentum_steps else 1.0
    return (1 - share) * config.muon_momentum_start + share * config.muon_momentum


def is_over(config: TrainConfig, steps_done: int, pace: Pace) -> bool:
    """Whether training ends after `steps_done` steps.

    A step that is expected to end after max_seconds is not started. The first two steps are always made, because their
    duration is unknown.
    """
    if config.steps is not None and steps_done >= config.steps:
        return True
    if config.max_seconds is None or pace.steps == 0:
        return False
    unclocked = steps_done - pace.steps
    return pace.seconds + (unclocked + 1) * pace.step_seconds > config.max_seconds
