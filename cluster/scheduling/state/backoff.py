"""Backoff for slots that somebody else's process uses: each pause before the next try is twice as long as the last.

Nobody reports when such a process ends. Doubling keeps the tries cheap, and up to LONGEST_SECONDS a slot works
again after at most twice the time that it was taken.
"""

from cluster.policy.policy import Placement

FIRST_SECONDS = 15.0
LONGEST_SECONDS = 900.0


class Backoff:
    """The pause of every slot that was found in use, by node and slot number."""

    def __init__(self) -> None:
        self._pauses: dict[tuple[str, int], tuple[float, float]] = {}
        """When the last pause ends, and how long it is."""

    def extend(self, placement: Placement, now: float) -> dict[int, float]:
        """Pause the slots on which a job found somebody else's process; returns until when, by slot."""
        ends = {}
        for slot in placement.slots:
            until, seconds = self._pauses.get((placement.node, slot), (now, FIRST_SECONDS / 2))
            if now >= until:
                seconds = min(2 * seconds, LONGEST_SECONDS)
                until = now + seconds
                self._pauses[placement.node, slot] = (until, seconds)
            ends[slot] = until
        return ends

    def reset(self, placement: Placement) -> None:
        """Start over for slots on which a job ended well."""
        for slot in placement.slots:
            self._pauses.pop((placement.node, slot), None)
