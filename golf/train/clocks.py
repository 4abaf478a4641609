"""Measure the time of one process by phase."""

from collections.abc import Callable, Mapping
from typing import Literal

Phase = Literal["other", "warmup", "train"]
PHASES: tuple[Phase, ...] = ("other", "warmup", "train")


class Clocks:
    """Seconds spent in each phase. Exactly one phase runs at any time, so that the phases add up to the total."""

    def __init__(self, clock: Callable[[], float], started: float | None = None) -> None:
        """Start in phase "other", now or at the time `started` of the same clock, when the process was launched."""
        self._clock = clock
        self._spent: dict[Phase, float] = dict.fromkeys(PHASES, 0.0)
        self._phase: Phase = "other"
        self._since = clock() if started is None else started

    def enter(self, phase: Phase) -> None:
        """Switch to a phase."""
        now = self._clock()
        self._spent[self._phase] += now - self._since
        self._phase, self._since = phase, now

    def spent(self, phase: Phase) -> float:
        """Seconds spent in a phase so far."""
        self.enter(self._phase)
        return self._spent[phase]

    def now(self) -> float:
        """What the clock shows."""
        return self._clock()

    def seconds(self) -> dict[str, float]:
        """Seconds so far by phase as "PHASE_seconds", and in total as "process_seconds"."""
        self.enter(self._phase)
        return {f"{phase}_seconds": spent for phase, spent in self._spent.items()} | {
            "process_seconds": sum(self._spent.values())
        }

    def carry_over(self, seconds: Mapping[str, float]) -> None:
        """Add the seconds of an interrupted process, as returned by its `seconds`."""
        for phase in PHASES:
            self._spent[phase] += seconds[f"{phase}_seconds"]
        self._spent["other"] += seconds.get("checkpoint_seconds", 0.0)  # a phase of its own in older checkpoints
