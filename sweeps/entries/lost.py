"""What a reading command could not read, and so leaves out: collected while it reads, and said once at its end."""

from collections.abc import Iterator
from enum import StrEnum

from jobs.workplace import Workplace


class LostKind(StrEnum):
    """What a lost content held."""

    SCORES = "document scores"
    CERTIFICATE = "certificate"
    CURVE = "training curve"
    LOG = "log"


REMADE = (LostKind.SCORES, LostKind.CERTIFICATE, LostKind.LOG)
"""Evidence of entries, which the next run makes again."""


class Lost:
    """Contents that could not be read."""

    def __init__(self) -> None:
        self._owners: dict[LostKind, dict[str, None]] = {}

    def note(self, kind: LostKind, owner: str) -> None:
        """A content could not be read, of an entry or a training as a person calls it."""
        self._owners.setdefault(kind, {})[owner] = None

    def include(self, other: "Lost") -> None:
        """What another one has collected."""
        for kind, owners in other._owners.items():
            self._owners.setdefault(kind, {}).update(owners)

    def lines(self, place: Workplace | None = None) -> Iterator[str]:
        """A line for each kind of content: what is missing, and which command makes it again.

        With the home, first a line that says so where its contents are looked for in the wrong place.
        """
        if self._owners and place is not None and (elsewhere := place.find_elsewhere()):
            yield elsewhere
        for kind, owners in self._owners.items():
            missing = f"Lost or damaged: {kind} of {', '.join(owners)}; what it shows is left out"
            if kind in REMADE:
                yield f"{missing}. To make it again, run the sweep's file again: golfsweep run FILE"
            else:
                yield f"{missing}. No score depends on it, so it is not made again."
