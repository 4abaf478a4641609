"""Leaderboards of a home, each made once for all readers until an entry or a record changes."""

import hashlib
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from jobs.store.kept import KeptStore
from jobs.workplace import Workplace
from sweeps.entries.reading import ComputedBoard, compute_board
from sweeps.views.leaderboard_document import leaderboard_document
from sweeps.web.kept.answers import KeptAnswers, Load

MOST_BOARDS, MOST_DOCUMENTS, MOST_PARTS = 16, 256, 64
PART_SECONDS = 2.0
"""For how long a part of a page is good for all who ask, although jobs of its sweep go on meanwhile."""

Part = TypeVar("Part")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptDocument:
    """A JSON document, and the tag that changes when it does."""

    content: bytes
    tag: str

    @classmethod
    def of(cls, document: Any) -> "KeptDocument":
        """Of plain data."""
        content = json.dumps(document, allow_nan=False, default=str).encode()
        return cls(content=content, tag=f'"{hashlib.sha256(content).hexdigest()[:32]}"')


class KeptBoards:
    """The leaderboards of one home, their documents, and what pages show of them."""

    def __init__(self, place: Workplace, store: KeptStore) -> None:
        self._place, load = place, Load()
        self._boards = KeptAnswers[ComputedBoard](store.changes, load, most=MOST_BOARDS)
        self._documents = KeptAnswers[KeptDocument](store.changes, load, most=MOST_DOCUMENTS)
        self._parts = KeptAnswers[Any](store.changes, load, most=MOST_PARTS, seconds=PART_SECONDS)

    def board(self, sweep: str | None) -> ComputedBoard:
        """The leaderboard of a sweep, as `sweeps.entries.reading.board_of` makes it; raises what that does."""
        return self._boards.get(sweep, lambda: compute_board(sweep, self._place))

    def document(self, sweep: str | None, contest: str | None, check: Callable[[], object]) -> KeptDocument:
        """The document of a leaderboard, as `leaderboard_document` makes it; raises what that does.

        Args:
            sweep, contest: as there.
            check: raises where there is no such leaderboard; called before one is made.
        """

        def make() -> KeptDocument:
            check()
            return KeptDocument.of(leaderboard_document(self._place, sweep, contest, self.board))

        return self._documents.get((sweep, contest), make)

    def part(self, asked: Hashable, make: Callable[[], Part]) -> Part:
        """What a page shows to everybody, by what was asked for."""
        return self._parts.get(asked, make)  # type: ignore[no-any-return]
