"""The columns of Parameter Golf's leaderboard in a terminal, and what its differences are from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sweeps.board.rules import LIMIT_BYTES
from sweeps.views.entry_facts import EntryColumns
from sweeps.views.terminal.entries.bars import Axis, Interval
from sweeps.views.terminal.entries.entry_lines import BAR, RANK, LineColumns
from sweeps.views.wording import format_near, format_p


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The score that differences are from."""

    name: str | None
    """Of an entry in the table; None where the score is not one of its entries'."""
    score: float
    title: str
    """What stands in its own row: baseline, or best."""


def choose_reference(rows: Sequence[EntryColumns], baseline: str | None, score: float | None) -> Reference | None:
    """What the rows are compared with: the baseline's entry, another score, or the best row."""
    scored = [row for row in rows if row["val_bpb_mean"] is not None]
    base = next((row for row in scored if row["name"] == baseline and row["source"] == "golfsweep"), None)
    if base is not None:
        return Reference(name=base["name"], score=base["val_bpb_mean"], title="baseline")
    if score is not None:
        return Reference(name=None, score=score, title="record")
    return Reference(name=scored[0]["name"], score=scored[0]["val_bpb_mean"], title="best") if scored else None


def score_columns(rows: Sequence[EntryColumns], baseline: str | None, score: float | None) -> LineColumns:
    """Scores, their differences, tests, and what the worst seed uses of the limits.

    Args:
        rows: the entries among which the one is that differences are from.
        baseline: name of the entry that the others are compared with.
        score: what differences are from where there is no such entry.
    """
    reference = choose_reference(rows, baseline, score)
    makers: Mapping[str, Callable[[EntryColumns], str]] = {
        RANK: lambda row: "–" if row["rank"] is None else str(row["rank"]),
        "val_bpb": lambda row: _format(row["val_bpb_mean"], ".4f"),
        "± std": lambda row: _format(row["val_bpb_std"], ".4f", "±"),
        "mBPB": lambda row: _format_difference(row, reference),
        "n": lambda row: str(len(row["seeds"])),
        "p": lambda row: format_p(row["p_value"] if row["p_paired_seeds"] is None else row["p_paired_seeds"]),
        "seeds": lambda row: format_seed_names(list(row["seeds"])),
        "MB": lambda row: (
            "–" if row["bytes_total"] is None else format_near(row["bytes_total"] / 1e6, LIMIT_BYTES / 1e6, 2)
        ),
        "train s": lambda row: _format(row["train_seconds"], ",.0f"),
        "eval s": lambda row: _format(row["eval_seconds"], ",.0f"),
    }
    return LineColumns(
        makers=makers,
        first=("val_bpb", "mBPB", "± std", "n", BAR),
        further=("p", "MB", "train s", "eval s", "seeds"),
        always=(RANK, "val_bpb", "mBPB"),
        before_bar=("val_bpb", "± std"),
        value=lambda row: row["val_bpb_mean"],
        interval=_interval_of,
        digits=_count_digits,
        reference=None if reference is None else reference.name,
    )


def _interval_of(row: EntryColumns) -> Interval | None:
    return tuple(row["val_bpb_ci95"]) if row["val_bpb_ci95"] else None


def _count_digits(axis: Axis) -> int:
    return 3 if axis.high - axis.low >= 0.01 else 4


def _format_difference(row: EntryColumns, reference: Reference | None) -> str:
    if reference is None or row["val_bpb_mean"] is None:
        return "–"
    if (row["name"] == reference.name and row["source"] == "golfsweep") or abs(
        row["val_bpb_mean"] - reference.score
    ) < 1e-9:
        return reference.title
    return f"{1000 * (row['val_bpb_mean'] - reference.score):+.2f}"


def _format(value: float | None, form: str, sign: str = "") -> str:
    return "–" if value is None else f"{sign}{value:{form}}"


def format_seed_names(seeds: Sequence[str]) -> str:
    """Seeds as a range where they follow each other, e.g. 2024-2026; of many others, the first and the last."""
    numbers = [int(seed) for seed in seeds if seed.isdecimal()]
    if len(numbers) == len(seeds) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]}-{numbers[-1]}"
    return ", ".join(seeds) if len(", ".join(seeds)) <= 14 else f"{seeds[0]}…{seeds[-1]}"
