"""Two entries compared, with the next step for the claim: what `golfsweep compare --json` prints."""

from dataclasses import asdict, dataclass
from typing import Any

from jobs.workplace import Workplace
from sweeps.board import compare
from sweeps.entries import reading
from sweeps.entries.lost import Lost
from sweeps.standings.board import Standing, Standings
from sweeps.standings.pair import compare_standings
from sweeps.standings.reading import pair_named
from sweeps.statistics.documents import Documents
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.read_verdict import advance_comparison


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonDocument:
    """A comparison as plain data, and what its page and its text show beside that."""

    document: dict[str, Any]
    documents: Documents | None
    """Scores of every document; None where no artifact is shared, or in another contest."""
    step: NextStep | None
    """None in another contest."""
    standings: tuple[Standings, Standing, Standing] | None
    """Where both are entries of another contest."""


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
        return ComparisonDocument(
            document=compare_standings(*standings), documents=None, step=None, standings=standings
        )
    lost = Lost()
    pair = reading.pair_of(challenger, incumbent, place, lost)
    comparison, documents = compare.compare(pair), compare.document_differences(pair)
    step = advance_comparison(comparison, place, home_options)
    notes = {"report": None, "notes": [*lost.lines(place)]}
    return ComparisonDocument(
        document=comparison | {"next": asdict(step)} | notes, documents=documents, step=step, standings=None
    )
