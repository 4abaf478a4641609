"""The leaderboard: evaluations and public records → one ranked entry each, as a pandas frame.

Entries are ranked within their track and tested only against entries of the same track and validation set. p-values:

    p_value         Welch across seeds against the baseline, with the written rule's margin
    p_adjusted      the same, Holm-corrected over all entries of the track that have one
    p_incumbent     Welch with margin 0 against the best entry of an earlier sweep, stage or date: the record then
    p_written_rule  the same with the written rule's margin
    p_paired        over documents, against the baseline on the same artifacts
    p_pooled        as p_value, by Student's test with a variance pooled over the sweep; equal_variance_p is its check
    p_dunnett       the same for all entries of the sweep at once

docs/glossary.md explains every column. `sweeps.board.columns` computes them, `sweeps.board.margin_rules` has the rules
behind `written_rule` and `precedent`.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sweeps.board.arrays import TRACKS
from sweeps.board.board import Board
from sweeps.board.columns.catalog import COLUMNS, INTERFACE, VARYING
from sweeps.board.evaluation import Evaluation, ImportedEntry, ValidationSet
from sweeps.board.ledger import SweepOwner
from sweeps.board.pairs.differences import ReadScores
from sweeps.board.rules import Profile, Published

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COLUMNS",
    "INTERFACE",
    "TRACKS",
    "VARYING",
    "Board",
    "Evaluation",
    "ImportedEntry",
    "Published",
    "ValidationSet",
    "leaderboard",
    "open_board",
    "to_json",
]


def leaderboard(
    evaluations: Iterable[Evaluation],
    *,
    profile: Profile,
    baseline: str | Published | None = None,
    imported: Iterable[ImportedEntry] = (),
    history: Iterable[Evaluation] = (),
    scores: ReadScores | None = None,
) -> "pd.DataFrame":
    """Rank recipes and public records: one line each, legal ones first, best first, with the columns of COLUMNS.

    Args:
        evaluations: at most one for each recipe and seed.
        profile: the rules that decide the track.
        baseline: name of the entry to compare with, or a published score.
        imported: public records, shown beside the evaluations.
        history: evaluations of other sweeps: hidden, but the records to beat are among them.
        scores: reads tables of document scores by digest; without it no documents are paired.

    Returns:
        A frame of Python objects; None where a value is unknown.
    """
    board = open_board(profile=profile, baseline=baseline, scores=scores)
    board.add(evaluations, imported)
    board.add(history, shown=False)
    return board.frame()


def open_board(
    *,
    profile: Profile,
    baseline: str | Published | None = None,
    scores: ReadScores | None = None,
    owners: Mapping[str, SweepOwner] | None = None,
) -> Board:
    """Make an empty leaderboard that can grow.

    Args:
        owners: sweep → who tried its settings.
        profile, baseline, scores: as in `leaderboard`.
    """
    return Board(profile=profile, baseline=baseline, read_scores=scores, owners=owners)


def to_json(frame: "pd.DataFrame") -> dict[str, Any]:
    """The leaderboard as plain data; null where a value is unknown."""
    return {"rows": [dict(zip(COLUMNS, values, strict=True)) for values in frame.itertuples(index=False, name=None)]}
