"""All columns of the leaderboard in their order."""

from sweeps.board.columns.own import OWN_COLUMNS
from sweeps.board.columns.whole import TABLE_COLUMNS

INTERFACE = (
    "name", "track", "rank", "val_bpb_mean", "val_bpb_std", "val_bpb_ci95", "seeds", "p_value", "p_adjusted",
    "p_incumbent", "p_paired", "bytes_total", "train_seconds", "eval_seconds", "clocks", "bytes", "cost", "findings",
    "source",
)  # fmt: skip
"""Columns that scripts rely on; the others follow in the order of their tables."""
_VARIES = {own.name: own.varies for own in OWN_COLUMNS} | {column.name: column.varies for column in TABLE_COLUMNS}
COLUMNS = (*INTERFACE, *(name for name in _VARIES if name not in INTERFACE))
VARYING = tuple(name for name in COLUMNS if _VARIES[name])
"""Columns that differ between two runs of one sweep: times, costs and dates. All others are equal."""
