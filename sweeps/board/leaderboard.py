"""The leaderboard: evaluations of recipes and seeds, and public records → one ranked row each, as a pandas frame.

Rows are ranked within their track and tested only against rows of the same track and text. The p-values of a row:

    p_value      Welch across seeds against the baseline, margin 0.005 nats per token in the set's own bits per byte
    p_adjusted   the same, Holm-corrected over all rows of the track that have one
    p_incumbent  Welch with margin 0 against the best row of an earlier sweep, stage or date: the frontier of its date
    p_challenge  the same with the challenge's margin
    p_paired     document by document against the baseline on the same artifacts
    p_pooled     Student with one deviation for all of the sweep's rows, as p_value; equal_variance_p is its check
    p_dunnett    the same for all rows at once

`difference_mbpb` is over the seeds that a row has in common with its incumbent (`difference_seeds`; over all where
there is none), `difference_means_mbpb` between the means of all seeds, which p_incumbent and p_challenge are about.
`seeds_to_settle` is what the claim still needs by the rule `settled_by`, of the incumbent too where `incumbent_too`.

`challenge` and `practice` are the verdicts of the two rules on p_challenge and p_incumbent (sweeps.board.verdicts).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sweeps.board.board import TRACKS, Board, Scores
from sweeps.board.evaluation import Evaluation, ImportedRow, Published, TextSet
from sweeps.board.rules import Profile

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COLUMNS",
    "MEASURED",
    "TRACKS",
    "Board",
    "Evaluation",
    "ImportedRow",
    "Published",
    "TextSet",
    "leaderboard",
    "open_board",
    "to_json",
]

INTERFACE = (
    "name", "track", "rank", "val_bpb_mean", "val_bpb_std", "val_bpb_ci95", "seeds", "p_value", "p_adjusted",
    "p_incumbent", "p_paired", "bytes_total", "train_seconds", "eval_seconds", "clocks", "bytes", "cost", "findings",
    "source",
)  # fmt: skip
"""What scripts rely on; anything else follows it."""
COLUMNS = (
    *INTERFACE,
    "sweep", "date", "incumbent", "difference_mbpb", "difference_nats", "difference_seeds", "p_challenge", "challenge",
    "practice", "p_pooled", "p_dunnett", "equal_variance_p", "bpb_trained", "bpb_quantized", "bpb_adapted", "steps",
    "ms_per_step", "headroom", "text", "tokenizer", "machine", "same_code", "same_settings", "trials", "noise_mbpb",
    "confirmations", "seeds_to_settle", "dollars_to_settle", "unchecked", "author", "url", "difference_means_mbpb",
    "incumbent_too", "settled_by",
)  # fmt: skip
MEASURED = (
    "train_seconds", "eval_seconds", "clocks", "cost", "ms_per_step", "headroom", "dollars_to_settle", "date",
)  # fmt: skip
"""Columns that differ between two runs of one sweep: times, and what follows from them. All others are equal."""


def leaderboard(
    evaluations: Iterable[Evaluation],
    *,
    profile: Profile,
    baseline: str | Published | None = None,
    imported: Iterable[ImportedRow] = (),
    history: Iterable[Evaluation] = (),
    scores: Scores | None = None,
) -> "pd.DataFrame":
    """One row a recipe or record, legal rows first, best first, with the columns of COLUMNS; the unknown is None.

    Args:
        evaluations: at most one for each recipe and seed.
        profile: the rules that decide the track.
        baseline: the row to compare with, or a published record.
        imported: public records, which stand beside the evaluations.
        history: evaluations of other sweeps: not shown, but the records to beat are among them.
        scores: reads the tables of documents; without it nothing is paired.
    """
    board = open_board(profile=profile, baseline=baseline, scores=scores)
    board.add(evaluations, imported)
    board.add(history, shown=False)
    return board.frame()


def open_board(*, profile: Profile, baseline: str | Published | None = None, scores: Scores | None = None) -> Board:
    """An empty leaderboard that can be added to: `add`, then `table` or `frame`, as often as there is news."""
    return Board(COLUMNS, profile=profile, baseline=baseline, scores=scores)


def to_json(frame: "pd.DataFrame") -> dict[str, Any]:
    """The leaderboard as plain data, null where something is not known."""
    return {"rows": [dict(zip(COLUMNS, row, strict=True)) for row in frame.itertuples(index=False, name=None)]}
