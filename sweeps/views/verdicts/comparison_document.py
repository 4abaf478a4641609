"""Two entries compared, with the next step for the claim: what `golfsweep compare --json` prints."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from jobs.workplace import Workplace
from sweeps.board import compare
from sweeps.entries import reading
from sweeps.entries.lost import Lost
from sweeps.standings.board import Standings
from sweeps.standings.pair import claim_row, compare_standings
from sweeps.standings.reading import pair_named
from sweeps.standings.standing import Standing
from sweeps.statistics.documents import Documents
from sweeps.views.verdicts.known_names import words_for
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.read_verdict import advance_comparison
from sweeps.views.verdicts.standing_verdict import advance_standing


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonDocument:
    """A comparison as plain data, and what its page and its text show beside that."""

    document: dict[str, Any]
    documents: Documents | None
    """Scores of every document; None where no artifact is shared, or in another contest."""
    step: NextStep
    standings: tuple[Standings, Standing, Standing] | None
    """Where both are entries of another contest."""
    claim: Mapping[str, Any]
    """There, the challenger's entry as if its record were the incumbent."""


def comparison_document(
    challenger: str, incumbent: str, place: Workplace, home_options: str = ""
) -> ComparisonDocument:
    """Compare two entries by name.

    Args:
        challenger, incumbent: as `sweeps.entries.names.resolve_entry` has it.
        place: the home.
        home_options: what was typed to reach it.

    Raises:
        InputError: they cannot be compared.
    """
    if (standings := pair_named(challenger, incumbent, place)) is not None:
        board, ours, _ = standings
        claim = claim_row(*standings)
        words = words_for(ours.entry.sweep, place, home_options, board.contest.name)
        next_step = advance_standing(claim, board.contest, words)
        document = compare_standings(*standings) | {"next": asdict(next_step), "report": None}
        return ComparisonDocument(document=document, documents=None, step=next_step, standings=standings, claim=claim)
    lost = Lost()
    pair = reading.pair_of(challenger, incumbent, place, lost)
    comparison, documents = compare.compare(pair), compare.document_differences(pair)
    step = advance_comparison(comparison, place, home_options)
    notes = {"report": None, "notes": [*lost.lines(place)]}
    return ComparisonDocument(
        document=comparison | {"next": asdict(step)} | notes, documents=documents, step=step, standings=None, claim={}
    )
