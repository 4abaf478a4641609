"""A Gantt chart in plain text: a line for each slot, a letter for what runs there in each slice of time."""

from collections.abc import Iterable, Mapping

from cluster.policy.policy import FreeSlots
from cluster.policy.simulate import Span
from sweeps.views.wording import duration

WIDTH, LEAST_WIDTH = 72, 10
"""Most slices of time, and fewest."""
LINES = 32
"""Most slots that are shown; of more, evenly spaced ones."""
IDLE = "·"


def draw_gantt(
    spans: Iterable[Span], nodes: Iterable[FreeSlots], stages: Mapping[str, str], columns: int = 100
) -> list[str]:
    """Draw a dry run.

    Args:
        spans: when and where jobs run.
        nodes: the cluster.
        stages: job key → stage; a stage is shown by its first letter.
        columns: of the terminal.
    """
    jobs = list(spans)
    end = max((span.end for span in jobs), default=0.0)
    slots = [(node.node, slot) for node in nodes for slot in range(node.capacity)]
    shown = slots[:: -(-len(slots) // LINES)]
    names = {slot: f"{slot[0]}.{slot[1]}" for slot in shown}
    margin = max(map(len, names.values()))
    width = max(LEAST_WIDTH, min(WIDTH, columns - margin - 1))
    cells = {slot: [IDLE] * width for slot in shown}
    for span in jobs:
        first = int(span.start / end * width) if end else 0
        last = max(first + 1, int(span.end / end * width)) if end else 0
        for slot in span.slots:
            if (line := cells.get((span.node, slot))) is not None:
                line[first:last] = stages[span.job.key][0] * (min(last, width) - first)
    lines = [f"{names[slot]:>{margin}} {''.join(cells[slot])}" for slot in shown]
    scale = f"{'0':<{width - len(duration(end))}}{duration(end)}"
    letters = ", ".join(f"{stage[0]} {stage}" for stage in dict.fromkeys(stages.values()))
    part = "" if len(shown) == len(slots) else f"; {len(shown)} of {len(slots)} slots are shown"
    return [*lines, f"{'':>{margin}} {scale}", f"{'':>{margin}} {letters}, {IDLE} idle{part}"]
