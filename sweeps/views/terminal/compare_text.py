"""A comparison as text of any width: dots for seeds and documents, tests, verdicts, settings, and the next step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group
from rich.text import Text

from sweeps.statistics.documents import Documents
from sweeps.text.escaping import escape
from sweeps.text.table import SHOWN_BY_JSON, FittedColumn, FittedTable, shorten
from sweeps.text.wrapping import wrap
from sweeps.views.terminal.compare_evidence import advance_alone, list_evidence, name_tests, state_verdict
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.wording import format_p, format_setting

WIDTH = 46
"""Characters in a line of dots."""
LEAST_WIDTH = 14
"""On the narrowest terminal: both ends of the axis must fit."""
NAME_CELLS = 20
"""Cells of the name before it."""
RANGE_CELLS = 32
"""Cells of a line of the histogram beside its bar."""
TEST_COLUMNS = (
    FittedColumn(heading="test", side="left", too_long="shorten"),
    FittedColumn(heading="difference and 95 % in mBPB", order=2),
    FittedColumn(heading="t", order=3),
    FittedColumn(heading="df", order=4),
    FittedColumn(heading="p", order=1),
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Lines that are drawn when they are printed, for the width that there is."""

    draw: Callable[[int], list[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Draw and print."""
        for line in self.draw(options.max_width):
            yield Text(line)


def render(comparison: Mapping[str, Any], documents: Documents | None, step: NextStep | None = None) -> Group:
    """Render what `compare` returns for a terminal: the verdict and the next step, then what they rest on.

    Args:
        comparison: what `compare` returned.
        documents: scores of documents, if there are any.
        step: what the claim needs next; by default what this comparison alone tells.
    """
    step = step or advance_alone(comparison)
    c, i, difference = comparison["challenger"], comparison["incumbent"], comparison["difference"]
    nats = difference["nats_per_token"]
    unit = "" if nats is None else f", {nats:+.4f} nats/token under {difference['tokenizer']}"
    parts: list[Text | FittedTable | Drawing] = [
        Drawing(partial(_draw_verdict, comparison, step)),
        Text(escape(f"Difference {difference['mbpb']:+.2f} mBPB{unit}; negative: the challenger is better")),
        Text(),
    ]
    parts.append(Drawing(partial(_draw_seeds, c, i)))
    if documents is not None:
        parts.append(Drawing(partial(_draw_documents, documents)))
    parts += [
        _make_test_table(comparison["tests"]),
        *(Text(escape(f"  {line}")) for line in list_evidence(comparison)),
    ]
    return Group(*parts, Text(), _make_settings_table(comparison["settings"]))


def draw_dots(values: Sequence[float], low: float, high: float, width: int = WIDTH) -> str:
    """Draw values as dots on a line from low to high, and their mean as a bar."""
    line = ["·"] * width
    span = (high - low) or 1.0
    for value in values:
        line[round((value - low) / span * (width - 1))] = "●"
    line[round((sum(values) / len(values) - low) / span * (width - 1))] = "┃" if len(values) > 1 else "●"
    return "".join(line)


def _draw_verdict(comparison: Mapping[str, Any], step: NextStep, columns: int) -> list[str]:
    """The verdict and the next step."""
    step = step.beyond_comparison()
    next_step = step.sentence if step.command is None else f"{step.sentence} · {step.command}"
    lines = wrap(escape(state_verdict(comparison)), columns)
    return [*lines, *wrap(escape(f"Next: {next_step}"), columns, indent=6), ""]


def _draw_seeds(c: Mapping[str, Any], i: Mapping[str, Any], columns: int) -> list[str]:
    """Every seed of both sides on one axis."""
    name_cells = min(NAME_CELLS, max(8, columns // 3))
    width = max(LEAST_WIDTH, min(WIDTH, columns - name_cells - 1))
    sides = [[bpb for bpb in side["seeds"].values() if bpb is not None] for side in (c, i)]
    low, high = min(map(min, sides)), max(map(max, sides))
    names = [shorten(escape(side["known_as"]), name_cells) for side in (c, i)]
    names = [" " * (name_cells - cell_len(name)) + name for name in names]
    lines = [f"{name} {draw_dots(scores, low, high, width)}" for name, scores in zip(names, sides, strict=True)]
    unit = shorten("bits per byte", name_cells).rjust(name_cells)
    return [*lines, f"{unit} {low:.4f}" + f"{high:.4f}".rjust(width - 6), ""]


def _draw_documents(documents: Documents, columns: int) -> list[str]:
    """A histogram of the documents' differences."""
    change = 1000 * (documents["challenger"] - documents["incumbent"])
    lower = int((change < 0).sum())
    lines = [f"{lower} of {change.size} documents are lower; differences in millibits per byte:"]
    edges = np.quantile(change, [0.02, 0.98])
    if edges[0] == edges[1]:
        return [*lines, f"  all are {edges[0]:+.1f} up to rounding", ""]
    width = max(1, min(WIDTH, columns - RANGE_CELLS))
    counts, cuts = np.histogram(np.clip(change, *edges), bins=7, range=(float(edges[0]), float(edges[1])))
    for count, left, right in zip(counts, cuts, cuts[1:], strict=False):
        lines.append(f"  {left:+9.1f} … {right:+9.1f}  {'█' * round(width * count / counts.max())} {count}")
    return [*lines, ""]


def _make_test_table(tests: Mapping[str, Any]) -> FittedTable:
    rows = []
    for name, title in name_tests().items():
        test = tests[name]
        if test["p_value"] is None:
            rows.append([[title], *(["–"] for _ in TEST_COLUMNS[1:])])
            continue
        low, high = (1000 * end for end in test["ci95"])
        t = "∞" if test["statistic"] is None else f"{test['statistic']:.2f}"
        interval = f"{1000 * test['difference']:+.2f}  {low:+.2f} … {high:+.2f}"
        rows.append([[title], [interval], [t], [f"{test['df']:.1f}"], [format_p(test["p_value"])]])
    return FittedTable(columns=TEST_COLUMNS, rows=rows, elsewhere=SHOWN_BY_JSON)


def _make_settings_table(settings: Sequence[Mapping[str, Any]]) -> FittedTable | Text:
    if not settings:
        return Text("  Their recipes have no known setting that differs.")
    sides = ("setting", "challenger", "incumbent")
    rows = [[[format_setting(setting[side])] for side in sides] for setting in settings]
    columns = [FittedColumn(heading=side, side="left", too_long="fold") for side in sides]
    return FittedTable(columns=columns, rows=rows)
