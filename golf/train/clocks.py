"""Where the time of one process goes, by phase."""

from collections.abc import Callable, Mapping
from typing import Literal

Phase = Literal["other", "warmup", "train", "checkpoint"]
PHASES: tuple[Phase, ...] = ("other", "warmup", "train", "checkpoint")


class Clocks:
    """Seconds spent in each phase; at any moment exactly one phase runs, so that they add up to the whole."""

    def __init__(self, clock: Callable[[], float], started: float | None = None) -> None:
        """Begin with phase "other", now or, on the same clock, at the moment when the process was launched."""
        self._clock = clock
        self._spent: dict[Phase, float] = dict.fromkeys(PHASES, 0.0)
        self._phase: Phase = "other"
        self._since = clock() if started is None else started

    def enter(self, phase: Phase) -> None:
        """End the phase that runs and begin another, or the same again."""
        now = self._clock()
        self._spent[self._phase] += now - self._since
        self._phase, self._since = phase, now

    def spent(self, phase: Phase) -> float:
        """Seconds of one phase up to now."""
        self.enter(self._phase)
        return self._spent[phase]

    def seconds(self) -> dict[str, float]:
        """Seconds of every phase up to now as "<phase>_seconds", and of the whole as "process_seconds"."""
        self.enter(self._phase)
        return {f"{phase}_seconds": spent for phase, spent in self._spent.items()} | {
            "process_seconds": sum(self._spent.values())
        }

    def carry_over(self, seconds: Mapping[str, float]) -> None:
        """Add what an interrupted process had spent, as `seconds` gave it."""
        for phase in PHASES:
            self._spent[phase] += seconds[f"{phase}_seconds"]
