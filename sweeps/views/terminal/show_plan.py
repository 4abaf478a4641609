"""Print a plan: jobs by stage, time and money, why jobs are reused or new, and a Gantt chart."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from jobs.stages.stage import title_of
from sweeps.planning.plan import SweepPlan
from sweeps.text.escaping import escape
from sweeps.text.table import SHOWN_BY_JSON, FittedColumn, FittedTable
from sweeps.views.terminal.gantt import draw_gantt
from sweeps.views.wording import duration, format_amount, format_dollars


def _columns(unit: str) -> tuple[FittedColumn, ...]:
    return (
        FittedColumn(heading="stage", side="left", too_long="shorten"),
        FittedColumn(heading="jobs", order=1),
        FittedColumn(heading="done", order=3),
        FittedColumn(heading=f"{unit}-seconds each", order=4),
        FittedColumn(heading=f"{unit}-hours left", order=2),
    )


BASIS = {
    "history": "finished jobs like these",
    "measured": "short jobs timed on this machine for {seconds}",
    "guess": "nominal figures of {device}, a guess",
    "limit": "time limits alone, which are the most that it can take",
}
"""The evidence of a forecast, by the source of its estimates."""
MOST_REASONS = 12
"""Most reasons that are shown; --json has one for every job."""


def show_plan(plan: SweepPlan, console: Console) -> None:
    """Print a plan."""
    content = plan.to_json()
    console.print(_make_table(content))
    lines = [*_describe_totals(content), *_describe_basis(content), *_describe_data(content), *_describe_mix(content)]
    lines += [*_count_reasons(plan), *_count_refusals(plan), *_list_unset(content)]
    for line in lines:  # a file or a pipe keeps each on a line of its own
        console.print(Text(escape(line)), soft_wrap=not console.is_terminal)
    if plan.dry_run.spans:
        for line in draw_gantt(plan.dry_run.spans.values(), plan.nodes, plan.stages(), columns=console.width):
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
    return FittedTable(
        columns=_columns(unit_of(content)), rows=rows, title=f"Plan of {content['name']}", elsewhere=SHOWN_BY_JSON
    )


def unit_of(content: Mapping[str, Any]) -> str:
    """What people call a slot."""
    return "GPU" if content["device"].startswith("cuda") else "core"


def _describe_totals(content: Mapping[str, Any]) -> list[str]:
    """Time, use, work and money in a line each, and the stages that they leave out."""
    lines, unit = [], unit_of(content)
    if content["seconds"] is not None:
        slots, nodes, used = content["slots"], content["nodes"], content["utilization"]
        where = f"{slots} {unit}{'' if slots == 1 else 's'}" + (f" of {nodes} nodes" if nodes != 1 else "")
        use = "" if used is None else f", {used:.0%} of their time in use"
        unknown = f"; {', '.join(content['unknown'])} not counted: duration unknown" if content["unknown"] else ""
        lines.append(f"Time: {_range(content, 'seconds', duration)} on {where}{use}{unknown}.")
        most = "at most " if content["seconds"] and content["range"]["gpu_hours"][0] == 0.0 else ""
        money = "" if content["dollars"] is None else f", {_range(content, 'dollars', format_dollars)}"
        lines.append(f"Cost: {most}{format_amount(content['gpu_hours'])} {unit}-hours{money}.")
    elif content["unknown"]:
        lines.append(f"Time: unknown, because no job of {', '.join(content['unknown'])} has run yet.")
    return lines


def _describe_mix(content: Mapping[str, Any]) -> list[str]:
    """What a seed that is only trained saves, in a line; nothing where it saves nothing."""
    lines, unit = [], unit_of(content)
    if (mix := content["seed_mix"]) is not None:
        each = (format_amount(mix["train_seconds"]), format_amount(mix["evaluate_seconds"]))
        costs = f"A seed takes {each[0]} {unit}-seconds to train and {each[1]} to evaluate"
        if mix["cost_share"] < 1:
            further = (
                f"{mix['trained_per_evaluated'] - 1:.1f} train-only seeds (confirm.train_only) for each evaluated one"
            )
            lines.append(
                f"{costs}: {further} give the same interval for {mix['cost_share']:.0%} of the cost, at the public "
                f"record's correlation of {mix['correlation']:g} between the scores before and after."
            )
    return lines


def _range(content: Mapping[str, Any], name: str, show: Callable[[float], str]) -> str:
    """An expected amount with its range; where nothing but limits are known, the most that it can be."""
    low, high = content["range"][name]
    if content["seconds"] == 0:
        return show(0.0)
    if low == 0.0:
        return f"at most {show(high)}"
    return f"about {show(content[name])} ({show(low)} to {show(high)})"


def _describe_basis(content: Mapping[str, Any]) -> list[str]:
    """The evidence of the forecast, in one line."""
    basis = content["basis"]
    shares = {source: basis[source] for source in BASIS if basis[source] > 0}
    if not shares:
        return []
    facts = {"seconds": duration(basis["measured_seconds"] or 0.0), "device": content["device"]}
    texts = {source: BASIS[source].format(**facts) for source in shares}
    if len(shares) == 1:
        return [f"Based on: {next(iter(texts.values()))}."]
    parts = [f"{texts[source]} ({_percent(share)})" for source, share in shares.items()]
    return [f"Based on: {'; '.join(parts)}."]


def _percent(share: float) -> str:
    return "under 1%" if share < 0.01 else f"{share:.0%}"


def _describe_data(content: Mapping[str, Any]) -> list[str]:
    """What the sweep reads, and what the plan assumes, in a line each."""
    data = content["data"]
    name = "the bundled corpus" if data["tokens"] == "demo" else data["tokens"]
    count, tune = data.get("validation_documents"), data.get("tuning_documents")
    sizes = "" if count is None else f", {count:,} validation documents"
    sizes += f", {tune:,} for tuning" if tune else ""
    return [f"Data: {name}{sizes}.", *(f"Assumed: {text}" for text in content["assumed"])]


def _count_reasons(plan: SweepPlan) -> list[str]:
    """Why jobs are reused or new, with the number of jobs for each reason."""
    if all(plan.reasons[job.key].is_first for job in plan.dry_run.jobs):
        return [f"All {len(plan.dry_run.jobs)} jobs are new: none like them is finished yet."]
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
