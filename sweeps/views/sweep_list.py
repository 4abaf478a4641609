"""The sweeps of a home in short: how each stands, its entries, its best, what it cost."""

from typing import Any

from golf.errors import InputError
from jobs.budget import Budget
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.entries.facts import contest_of
from sweeps.entries.reading import board_of
from sweeps.entries.superseded import is_current
from sweeps.standings.reading import standings_of
from sweeps.text.table import SHOWN_BY_JSON, FittedColumn, FittedTable
from sweeps.views.status import current_state
from sweeps.views.submissions import listed_sweeps
from sweeps.views.wording import duration, format_dollars

COLUMNS = (
    FittedColumn(heading="sweep", side="left", too_long="shorten"),
    FittedColumn(heading="state", side="left"),
    FittedColumn(heading="entries", order=2),
    FittedColumn(heading="best", side="left", too_long="shorten"),
    FittedColumn(heading="score", order=1),
    FittedColumn(heading="age", order=3),
    FittedColumn(heading="cost", order=4),
)


def describe_sweeps(place: Workplace, now: float) -> list[dict[str, Any]]:
    """Every sweep as plain data, the latest first.

    Args:
        place: the home.
        now: epoch seconds.
    """
    return [_describe(record, place, now) for record in reversed(listed_sweeps(place.store))]


def _describe(record: SweepRecord, place: Workplace, now: float) -> dict[str, Any]:
    budget, account = Budget(**record.budget or {}), place.store.account(record.name)
    contest = contest_of(record)
    return {
        "name": record.name,
        "state": current_state(record, place.store),
        "contest": contest,
        "owner": record.owner or None,
        "tags": list(record.tags),
        "entries": sum(is_current(entry) for entry in place.store.entries(record.name)),
        "best": _find_best(record.name, contest, place),
        "created": record.created,
        "age_seconds": max(0.0, now - record.created),
        "gpu_hours": account.spent,
        "dollars": budget.cost(account.spent),
    }


def _find_best(sweep: str, contest: str, place: Workplace) -> dict[str, Any] | None:
    """The best entry of a sweep that nothing flags; None without any, or where another version wrote the sweep."""
    if contest != DEFAULT:
        standings = standings_of(contest_named(contest), place)
        own = [each for each in standings.all if each.entry.sweep == sweep and each.entry.track != "flagged"]
        if not own or own[0].side.value is None:
            return None
        ranked_by = contest_named(contest).ranked.by
        metric = own[0].entry.metric if ranked_by == "score" else ranked_by
        return {"name": own[0].entry.name, "metric": metric, "value": own[0].side.value}
    try:
        entries = board_of(sweep, place).entries()
    except InputError:
        return None
    own_means = [
        (entry.moments.mean, entry.name)
        for entry in entries
        if entry.sweep == sweep and entry.moments is not None and entry.track != "flagged"
    ]
    if not own_means:
        return None
    mean, name = min(own_means)
    return {"name": name, "metric": "val_bpb", "value": mean}


def render_sweeps(sweeps: list[dict[str, Any]]) -> FittedTable:
    """The table for people."""
    rows = [
        [
            [sweep["name"]],
            [sweep["state"]],
            [f"{sweep['entries']}"],
            [sweep["best"]["name"] if sweep["best"] else "–"],
            [_format_value(sweep["best"])],
            [duration(sweep["age_seconds"]) if sweep["age_seconds"] < 86_400 else _days(sweep["age_seconds"])],
            ["–" if sweep["dollars"] is None else format_dollars(sweep["dollars"])],
        ]
        for sweep in sweeps
    ]
    return FittedTable(columns=COLUMNS, rows=rows, elsewhere=SHOWN_BY_JSON)


def _format_value(best: dict[str, Any] | None) -> str:
    if best is None:
        return "–"
    return f"{best['value']:.4f} bpb" if best["metric"] == "val_bpb" else f"{best['value']:,g} {best['metric']}"


def _days(seconds: float) -> str:
    days = int(seconds // 86_400)
    return f"{days} day{'' if days == 1 else 's'}"
