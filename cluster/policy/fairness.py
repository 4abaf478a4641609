"""Fair share: how much of the cluster each sweep has used lately.

Slot-seconds decay with a half-life, as in Slurm's fair-share factor (slurm.schedmd.com/priority_multifactor.html): with
n slots in use all the time, u(t) → n · HALF_LIFE_SECONDS / ln 2. So a sweep that starts late gets its share at once,
and one that ran alone all night is behind for an hour or two only.
"""

import math

HALF_LIFE_SECONDS = 3600.0
AHEAD_SECONDS = 60.0
"""Running slots count as if they had run this much longer, so that sweeps that start together all begin."""
_FORGOTTEN = 1e-3
"""Slot-seconds below which an idle sweep is forgotten."""


class Usage:
    """Recent slot-seconds of every sweep."""

    def __init__(self) -> None:
        self._at = -math.inf
        self._recent: dict[str, float] = {}
        self._running: dict[str, int] = {}

    def advance(self, now: float) -> None:
        """Let time pass: u ← u·d + n·(1 − d)·HALF_LIFE_SECONDS / ln 2, with d = 2^(−Δt / HALF_LIFE_SECONDS)."""
        if now <= self._at:
            return
        decay = 0.5 ** ((now - self._at) / HALF_LIFE_SECONDS)
        used = (1 - decay) * HALF_LIFE_SECONDS / math.log(2)
        self._at = now
        for sweep, recent in list(self._recent.items()):
            running = self._running.get(sweep, 0)
            self._recent[sweep] = recent * decay + running * used
            if not running and self._recent[sweep] < _FORGOTTEN:
                del self._recent[sweep]

    def hold(self, sweep: str, slots: int) -> None:
        """Count that many more slots as used by a sweep from now on (fewer if negative)."""
        self._recent.setdefault(sweep, 0.0)
        self._running[sweep] = self._running.get(sweep, 0) + slots
        if not self._running[sweep]:
            del self._running[sweep]

    def share(self, sweep: str) -> float:
        """A sweep's recent usage in slot-seconds; the lowest is served next."""
        return self._recent.get(sweep, 0.0) + self._running.get(sweep, 0) * AHEAD_SECONDS
