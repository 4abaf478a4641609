"""Leaderboards of a home, each made once for all readers until an entry or a record changes."""

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from jobs.store.kept import KeptStore
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.entries.lost import Lost
from sweeps.entries.reading import board_of
from sweeps.views.leaderboard_document import leaderboard_document
from sweeps.web.kept.answers import KeptAnswers

MOST_BOARDS, MOST_DOCUMENTS, MOST_PARTS = 8, 256, 64
PART_SECONDS = 2.0
"""For how long a part of a page is good for all who ask, although jobs of its sweep go on meanwhile."""

Part = TypeVar("Part")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptBoard:
    """A leaderboard, computed; readers share it."""

    board: Board
    rows: Sequence[dict[str, Any]]
    changes: Sequence[Mapping[str, Any]]
    lost: Lost
    """What could not be read."""


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
        self._place = place
        self._boards = KeptAnswers[KeptBoard](store.changes, most=MOST_BOARDS)
        self._documents = KeptAnswers[KeptDocument](store.changes, most=MOST_DOCUMENTS)
        self._parts = KeptAnswers[Any](store.changes, most=MOST_PARTS, seconds=PART_SECONDS)

    def board(self, sweep: str | None) -> KeptBoard:
        """The leaderboard of a sweep, as `sweeps.entries.reading.board_of` makes it; raises what that does."""
        return self._boards.get(sweep, lambda: self._compute(sweep))

    def document(self, sweep: str | None, contest: str | None) -> KeptDocument:
        """The document of a leaderboard, as `leaderboard_document` makes it; raises what that does."""
        return self._documents.get(
            (sweep, contest), lambda: KeptDocument.of(leaderboard_document(self._place, sweep, contest))
        )

    def part(self, asked: Hashable, make: Callable[[], Part]) -> Part:
        """What a page shows to everybody, by what was asked for."""
        return self._parts.get(asked, make)  # type: ignore[no-any-return]

    def _compute(self, sweep: str | None) -> KeptBoard:
        lost = Lost()
        board = board_of(sweep, self._place, lost)
        return KeptBoard(board=board, rows=board.table(), changes=board.changes(), lost=lost)
