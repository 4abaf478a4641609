"""The page of one entry: its seeds and verdict, what it stands on, and how it differs from the record."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from jobs.workplace import Workplace
from sweeps.board.compare import list_differences
from sweeps.entries.names import name_records
from sweeps.entries.reading import read_entry
from sweeps.text.escaping import to_json
from sweeps.views.certificates import describe_certificate
from sweeps.views.components.panels.budget_bars import prepare_budget_table
from sweeps.views.components.panels.diff_table import prepare_diff_table
from sweeps.views.components.panels.verdict_bar import prepare_entry_bar
from sweeps.views.report.tables import list_tables
from sweeps.views.show import describe, describe_record
from sweeps.views.verdicts.entry_chips import judge_entry
from sweeps.views.verdicts.known_names import baseline_of, words_for
from sweeps.views.verdicts.verdict import advance_entry, measure_gain
from sweeps.web.addresses import comparison_address, sweep_address
from sweeps.web.api.parameters import EntryPath, HomePlace, SweepPath, require_sweep
from sweeps.web.pages.rendering import show
from sweeps.web.problems import NotFound

router = APIRouter(include_in_schema=False)


@router.get("/sweeps/{name}/entries/{entry}")
def show_entry(request: Request, name: SweepPath, entry: EntryPath, place: HomePlace) -> Response:
    """An entry of a sweep."""
    require_sweep(name, place)
    if "\x00" in entry or read_entry(name, entry, place) is None:
        raise NotFound(f"the sweep has no entry of that name; {sweep_address(name)} lists them")
    return _show(request, describe(f"{name}/{entry}", place), place)


@router.get("/records/{name}")
def show_record(request: Request, name: str, place: HomePlace) -> Response:
    """An imported record."""
    if name not in {known for _, known in name_records(place.store.records())}:
        raise NotFound("no record of that name was imported; /records lists them")
    return _show(request, describe_record(name, place), place)


def _show(request: Request, row: Mapping[str, Any], place: Workplace) -> Response:
    content, sweep = describe_entry(row, place), row["sweep"]
    return show(request, "entry_page.html.j2", events="/api/v1/events" if sweep else "", **content)


def describe_entry(row: Mapping[str, Any], place: Workplace) -> dict[str, Any]:
    """What the page of an entry shows that is described as `golfsweep show --json` does."""
    sweep, certificate = row["sweep"] or "", row.get("certificate")
    content: dict[str, Any] = {
        "name": row["name"], "sweep": sweep, "sweep_address": sweep_address(sweep) if sweep else "", "facts": "",
        "bar": None, "tables": [], "limits": None, "differences": None, "comparison": None, "incumbent": None,
        "lines": [], "findings": row.get("findings") or [], "jobs": row.get("jobs", []),
        "problems": [*_list_problems(row)],
        "certificate": None if certificate is None else describe_certificate(certificate),
        "everything": to_json({name: value for name, value in row.items() if name not in ("certificate", "jobs")}),
    }  # fmt: skip
    if "val_bpb_mean" in row:
        content |= _judge(row, place)
    elif "rule" in row:
        content["lines"] = [f"{name}: {row[name]}" for name in ("contest", "value", "metric", "mean", "std", "n")]
    return content


def _judge(row: Mapping[str, Any], place: Workplace) -> dict[str, Any]:
    """What is to be said of an entry of the challenge."""
    sweep = row["sweep"] or ""
    baseline, words = baseline_of(sweep or None, place), words_for(sweep, place)
    bar = prepare_entry_bar(
        row, measure_gain(row, [row], baseline), judge_entry(row, baseline), advance_entry(row, baseline, words)
    )
    has_rank = row["rank"] is not None and row["track"] != "flagged"
    incumbent = row["incumbent"] or (baseline if baseline != row["name"] else None)
    content: dict[str, Any] = {
        "bar": bar,
        "facts": " · ".join([row["track"], *([f"rank {row['rank']}"] if has_rank else [])]),
        "tables": list_tables([row], baseline, words=words, drawers_open=True),
        "limits": prepare_budget_table([row]),
        "incumbent": incumbent,
    }
    if incumbent is None or not sweep:
        return content
    theirs = _entry_named(incumbent, sweep, place)
    content["comparison"] = comparison_address(
        f"{sweep}/{row['name']}", incumbent if theirs is None else "/".join(theirs)
    )
    ours, other = read_entry(sweep, row["name"], place), None if theirs is None else read_entry(*theirs, place)
    if ours is not None and other is not None:
        settings = list_differences(ours.content["settings"], other.content["settings"])
        content["differences"] = prepare_diff_table(settings, (row["name"], incumbent))
    return content


def _entry_named(name: str, sweep: str, place: Workplace) -> tuple[str, str] | None:
    """Sweep and name of an entry that a leaderboard of `sweep` names so; None for an imported record."""
    if read_entry(sweep, name, place) is not None:
        return sweep, name
    other, slash, rest = name.partition("/")
    return (other, rest) if slash and place.store.sweep(other) is not None else None


def _list_problems(row: Mapping[str, Any]) -> list[str]:
    former = [row[name] for name in ("superseded", "withdrawn") if name in row]
    return [
        *former,
        *(f"Evidence contradicts this entry: {line}" for line in row.get("mismatches", ())),
        *(f"Lost: {line}" for line in row.get("lost", ())),
    ]
