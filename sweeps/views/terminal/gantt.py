"""A Gantt chart in plain text: a row a slot, a letter for what runs there in each slice of time."""

from collections.abc import Iterable, Mapping

from cluster.policy.policy import Free
from cluster.policy.simulate import Span
from sweeps.views.wording import duration

WIDTH = 72
"""Slices of time."""
ROWS = 32
"""Slots that are shown; of more, every so-and-so-many-th."""
IDLE = "·"


def gantt(spans: Iterable[Span], nodes: Iterable[Free], kinds: Mapping[str, str]) -> list[str]:
    """Draw a forecast.

    Args:
        spans: when and where jobs run.
        nodes: the cluster.
        kinds: kind of every job by its key; a kind is shown by its first letter.
    """
    drawn = list(spans)
    end = max((span.end for span in drawn), default=0.0)
    rows = [(node.node, slot) for node in nodes for slot in range(node.capacity)]
    shown = rows[:: -(-len(rows) // ROWS)]
    cells = {row: [IDLE] * WIDTH for row in shown}
    for span in drawn:
        first = int(span.start / end * WIDTH) if end else 0
        last = max(first + 1, int(span.end / end * WIDTH)) if end else 0
        for slot in span.slots:
            if (row := cells.get((span.node, slot))) is not None:
                row[first:last] = kinds[span.job.key][0] * (min(last, WIDTH) - first)
    names = {row: f"{row[0]}.{row[1]}" for row in shown}
    margin = max(map(len, names.values()))
    lines = [f"{names[row]:>{margin}} {''.join(cells[row])}" for row in shown]
    scale = f"{'0':<{WIDTH - len(duration(end))}}{duration(end)}"
    letters = ", ".join(f"{kind[0]} {kind}" for kind in dict.fromkeys(kinds.values()))
    part = "" if len(shown) == len(rows) else f"; {len(shown)} of {len(rows)} slots are shown"
    return [*lines, f"{'':>{margin}} {scale}", f"{'':>{margin}} {letters}, {IDLE} idle{part}"]
