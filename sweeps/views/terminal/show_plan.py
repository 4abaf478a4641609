"""Print a plan: jobs by stage, time and money, why jobs are reused or new, and a Gantt chart."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from jobs.stages.stage import title_of
from sweeps.planning.plan import SweepPlan
from sweeps.text.escaping import escape
from sweeps.text.table import SHOWN_BY_JSON, FittedColumn, FittedTable
from sweeps.views.terminal.gantt import draw_gantt
from sweeps.views.wording import duration, format_amount

COLUMNS = (
    FittedColumn(heading="stage", side="left", too_long="shorten"),
    FittedColumn(heading="jobs", order=1),
    FittedColumn(heading="done", order=3),
    FittedColumn(heading="slot-seconds each", order=4),
    FittedColumn(heading="slot-hours left", order=2),
)
MOST_REASONS = 12
"""Most reasons that are shown; --json has one for every job."""


def show_plan(plan: SweepPlan, console: Console) -> None:
    """Print a plan."""
    content = plan.to_json()
    console.print(_make_table(content))
    lines = [*_describe_totals(content), *_count_reasons(plan), *_count_refusals(plan), *_list_unset(content)]
    if plan.dry_run.spans:
        lines += draw_gantt(plan.dry_run.spans.values(), plan.nodes, plan.stages())
    for line in lines:
        console.print(Text(escape(line)), soft_wrap=True)


def _make_table(content: Mapping[str, Any]) -> FittedTable:
    rows = []
    for name, stage in content["stages"].items():
        each = (
            "?"
            if stage["slot_seconds_each"] is None
            else f"{format_amount(stage['slot_seconds_each'])} ({stage['source']})"
        )
        hours = "?" if stage["slot_hours"] is None else format_amount(stage["slot_hours"])
        count = f"up to {stage['jobs']}" if stage["up_to"] else str(stage["jobs"])
        rows.append([[name], [count], [str(stage["done"])], ["–" if stage["slot_hours"] == 0 else each], [hours]])
    return FittedTable(columns=COLUMNS, rows=rows, title=f"Plan of {content['name']}", elsewhere=SHOWN_BY_JSON)


def _describe_totals(content: Mapping[str, Any]) -> list[str]:
    """Time, slot-hours, money and use in one line, and the stages that it leaves out."""
    lines = []
    if content["seconds"] is not None:
        money = "" if content["dollars"] is None else f", ${content['dollars']:.2f}"
        used = content["utilization"]
        use = "" if used is None else f", {used:.0%} of the slots' time in use"
        slots, nodes = content["slots"], content["nodes"]
        where = f"{slots} slots of {nodes} nodes" if nodes != 1 else f"{slots} slots"
        hours = f"{format_amount(content['gpu_hours'])} slot-hours"
        lines.append(f"About {duration(content['seconds'])} on {where}: {hours}{money}{use}.")
    if (mix := content["seed_mix"]) is not None:
        each = (format_amount(mix["train_seconds"]), format_amount(mix["evaluate_seconds"]))
        costs = "A seed takes {} slot-seconds to train and {} to evaluate".format(*each)
        if mix["cost_share"] < 1:
            further = (
                f"{mix['trained_per_evaluated'] - 1:.1f} train-only seeds (confirm.train_only) for each evaluated one"
            )
            lines.append(
                f"{costs}: {further} give the same interval for {mix['cost_share']:.0%} of the cost, at the public "
                f"record's correlation of {mix['correlation']:g} between the scores before and after."
            )
        else:
            lines.append(f"{costs}: train-only seeds (confirm.train_only) would not pay.")
    if content["unknown"]:
        lines.append(f"Not counted, because their duration is unknown: {', '.join(content['unknown'])}.")
    return lines


def _count_reasons(plan: SweepPlan) -> list[str]:
    """Why jobs are reused or new, with the number of jobs for each reason."""
    counts: Counter[str] = Counter()
    for job in plan.dry_run.jobs:
        reason, stage = plan.reasons[job.key], title_of(job.order.job.stage)
        if reason.nearest is None:
            counts[f"{'new' if job.key in plan.estimates else 'reused'}, {stage}: {reason.text}"] += 1
        else:
            parts = ", ".join(part.removeprefix("settings.") for part in reason.differs)
            counts[f"new, {stage}: differs from the nearest finished job in {parts}"] += 1
    lines = [f"{count:5d} {text}" for text, count in counts.most_common(MOST_REASONS)]
    more = len(counts) - MOST_REASONS
    return lines if more <= 0 else [*lines, f"… and {more} more reasons; --json has all"]


def _list_unset(content: Mapping[str, Any]) -> list[str]:
    """Variables of a script that nobody sets, in one line."""
    unset = content.get("unset") or {}
    shown = [name if default is None else f"{name} ({default})" for name, default in unset.items()]
    return [f"Read by the script and set by nobody: {', '.join(shown)}."] if shown else []


def _count_refusals(plan: SweepPlan) -> list[str]:
    counts = Counter(plan.dry_run.refused.values())
    return [f"{count:5d} would not start: {why}" for why, count in counts.items()]
