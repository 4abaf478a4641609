"""The entries of a sweep as candidates: each with the decision to keep, discard or replicate it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from golf.errors import InputError
from sweeps.board.board import Board
from sweeps.board.compare import check
from sweeps.board.entries import BoardEntry
from sweeps.board.ledger import TriesLedger
from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.board.pairs.claim_numbers import ClaimNumbers, measure_claim
from sweeps.board.rules import Published
from sweeps.challenge.past import PastChallenge
from sweeps.views.decisions.decision import Decision, DecisionWord, decide
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.verdicts.next_step import DECIDING

ORDER = tuple(DecisionWord)
"""The most promising decision first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """An entry and what to do with it."""

    entry: BoardEntry
    against: BoardEntry | Published | None
    """What its claim is against: its current record, else the baseline."""
    numbers: ClaimNumbers | None
    """None where nothing can be claimed: it is flagged, or cannot be compared."""
    decision: Decision
    challenge: PastChallenge | None = None

    @property
    def against_name(self) -> str | None:
        """The name of what it is against, among the entries of its sweep."""
        if self.against is None or isinstance(self.against, Published):
            return None if self.against is None else "published baseline"
        return self.against.name_within(self.entry.sweep)


def decide_entries(
    board: Board, sweep: str, baseline: str | None, challenges: Mapping[str, PastChallenge]
) -> list[Candidate]:
    """Every entry of a sweep that has something to beat, the most promising first.

    Args:
        board: the leaderboard of the sweep, with all other sweeps as what came before.
        sweep: its name.
        baseline: its entry that the others are compared with, which is no candidate.
        challenges: SWEEP/ENTRY → what a challenge has shown of it.
    """
    ledger = TriesLedger(board.entries(), {})
    scored = [entry for entry in board.entries() if entry.sweep == sweep and entry.moments is not None]
    own = [entry for entry in scored if entry.name != baseline]
    decided = [decide_entry(entry, board, ledger, challenges.get(f"{sweep}/{entry.name}")) for entry in own]
    return sort_candidates(candidate for candidate in decided if candidate is not None)


def sort_candidates(candidates: Iterable[Candidate]) -> list[Candidate]:
    """What is to keep first, then what is to replicate; the best score first in each."""

    def key(candidate: Candidate) -> tuple[int, bool, float]:
        moments = candidate.entry.moments
        assert moments is not None
        return ORDER.index(candidate.decision.word), candidate.entry.track == "flagged", moments.mean

    return sorted(candidates, key=key)


def decide_entry(
    entry: BoardEntry, board: Board, ledger: TriesLedger, challenge: PastChallenge | None = None
) -> Candidate | None:
    """Decide on one entry of a leaderboard; None where there is nothing that it would have to beat.

    Args:
        entry: with a score.
        board: its leaderboard.
        ledger: of the same entries: the tries of the whole team count.
        challenge: of its claim, if one was started.
    """
    if entry.track == "flagged":
        why = f"flagged, never ranked: {describe_flags(entry.columns['findings'])}"
        return Candidate(entry=entry, against=None, numbers=None, decision=_discard(why))
    against = board.opponent_of(entry)
    if against is None:
        return None
    if isinstance(against, BoardEntry):
        try:
            check(entry, against)
        except InputError as error:
            return Candidate(entry=entry, against=against, numbers=None, decision=_discard(error.error))
    tries = ledger.tries(entry).total
    numbers = measure_claim(entry, against, tries=tries, rule=MARGIN_RULES[DECIDING])
    return Candidate(
        entry=entry, against=against, numbers=numbers, decision=decide(numbers, challenge), challenge=challenge
    )


def _discard(why: str) -> Decision:
    return Decision(word=DecisionWord.DISCARD, why=why)
