"""Slots on which something runs that is not ours: they rest before they are tried again, longer each time.

Nobody tells when such a thing is gone. As every rest is twice the last, trying costs little however long it takes, and
up to LONGEST_SECONDS a slot is used again after at most twice the time that it was not free.
"""

from cluster.policy.policy import Placement

REST_SECONDS = 15.0
LONGEST_SECONDS = 900.0


class Resting:
    """Slots that rest, by node and number."""

    def __init__(self) -> None:
        self._rests: dict[tuple[str, int], tuple[float, float]] = {}
        """When the last rest ends, and how long it is."""

    def begin(self, placement: Placement, now: float) -> None:
        """A job found these slots in use."""
        for slot in placement.slots:
            until, seconds = self._rests.get((placement.node, slot), (now, REST_SECONDS / 2))
            if now >= until:
                seconds = min(2 * seconds, LONGEST_SECONDS)
                self._rests[placement.node, slot] = (now + seconds, seconds)

    def forget(self, placement: Placement) -> None:
        """A job ended well on these slots."""
        for slot in placement.slots:
            self._rests.pop((placement.node, slot), None)

    def ends(self, now: float) -> dict[tuple[str, int], float]:
        """Slots that rest now, and until when."""
        return {slot: until for slot, (until, _) in self._rests.items() if until > now}
