"""How far off a forecast may be, by its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

from sweeps.planning.durations import Source

SPREAD: Mapping[Source, tuple[float, float]] = {
    "history": (0.75, 1.4),
    "measured": (0.6, 1.7),
    "guess": (0.3, 3.0),
    "limit": (0.0, 1.0),
}
"""The least and the most that a job takes, as a share of its estimate. docs/performance.md has what runs took."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certainty:
    """How sure a forecast is."""

    shares: Mapping[Source, float]
    """Share of the work, in slot-seconds, that is estimated in each way; all 0 where none is left."""

    @classmethod
    def of(cls, work: Mapping[Source, float]) -> "Certainty":
        """Of slot-seconds by what they are estimated from."""
        total = sum(work.values())
        return cls(shares={source: seconds / total if total else 0.0 for source, seconds in work.items()})

    @property
    def low(self) -> float:
        """The least that may come out, as a share of the forecast."""
        return self._weigh(0)

    @property
    def high(self) -> float:
        """The most that may come out, as a share of the forecast."""
        return self._weigh(1)

    def range(self, forecast: float | None) -> list[float] | None:
        """The least and the most of a forecast amount; None where nothing is forecast."""
        return None if forecast is None else [self.low * forecast, self.high * forecast]

    def _weigh(self, end: int) -> float:
        """All jobs of a kind are off alike: what makes one slower than expected makes the others so."""
        if not any(self.shares.values()):
            return 1.0
        return sum(share * SPREAD[source][end] for source, share in self.shares.items())
