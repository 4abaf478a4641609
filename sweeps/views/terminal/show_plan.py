"""A plan for the terminal: jobs by kind, time and money, why jobs are reused or new, and a Gantt chart."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from sweeps.planning.plan import Plan
from sweeps.views.terminal.gantt import gantt
from sweeps.views.wording import duration

REASONS = 12
"""Reasons that are shown; --json has one for every job."""


def show_plan(plan: Plan, console: Console) -> None:
    """Print a plan."""
    found = plan.to_json()
    shown = Table("stage", "jobs", "done", "slot-seconds each", "slot-hours left", title=f"Plan of {found['name']}")
    for kind, stage in found["stages"].items():
        each = "?" if stage["slot_seconds_each"] is None else f"{stage['slot_seconds_each']:.3g} ({stage['source']})"
        hours = "?" if stage["slot_hours"] is None else f"{stage['slot_hours']:.3g}"
        count = f"up to {stage['jobs']}" if stage["up_to"] else str(stage["jobs"])
        shown.add_row(kind, count, str(stage["done"]), "–" if stage["slot_hours"] == 0 else each, hours)
    console.print(shown)
    for line in [*_totals(found), *_reasons(plan), *_refusals(plan)]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if plan.forecast.spans:
        for line in gantt(plan.forecast.spans.values(), plan.nodes, plan.kinds()):
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def _totals(found: dict[str, object]) -> list[str]:
    """Time, GPU-hours, money and use in one line, and what is not in it."""
    seconds, hours, dollars = found["seconds"], found["gpu_hours"], found["dollars"]
    lines = []
    if isinstance(seconds, float) and isinstance(hours, float):
        money = f", ${dollars:.2f}" if isinstance(dollars, float) else ""
        used = found["utilization"]
        use = f", {used:.0%} of the slots' time in use" if isinstance(used, float) else ""
        where = (
            f"{found['slots']} slots of {found['nodes']} nodes" if found["nodes"] != 1 else f"{found['slots']} slots"
        )
        lines.append(f"About {duration(seconds)} on {where}: {hours:.3g} slot-hours{money}{use}.")
    if found["unknown"]:
        assert isinstance(found["unknown"], list)
        lines.append(f"Not counted, because nothing is known of what they take: {', '.join(found['unknown'])}.")
    return lines


def _reasons(plan: Plan) -> list[str]:
    """Why jobs are reused or new, those of equal reason together."""
    alike: Counter[str] = Counter()
    for job in plan.forecast.jobs:
        reason, kind = plan.reasons[job.key], job.order.job.stage
        if reason.nearest is None:
            alike[f"{'new' if job.key in plan.estimates else 'reused'}, {kind}: {reason.text}"] += 1
        else:
            parts = ", ".join(part.removeprefix("settings.") for part in reason.differs)
            alike[f"new, {kind}: differs from the nearest finished one in {parts}"] += 1
    lines = [f"{count:5d} {text}" for text, count in alike.most_common(REASONS)]
    return lines if len(alike) <= REASONS else [*lines, f"… and {len(alike) - REASONS} more reasons; --json has all"]


def _refusals(plan: Plan) -> list[str]:
    refused = Counter(plan.forecast.refused.values())
    return [f"{count:5d} would not start: {why}" for why, count in refused.items()]
