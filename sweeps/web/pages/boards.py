"""The pages of the leaderboard, of sweeps, and of one sweep."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from golf.errors import InputError
from jobs.state import JobState
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.entries import reading
from sweeps.entries.audits import read_certificates
from sweeps.entries.facts import contest_of
from sweeps.entries.lost import Lost
from sweeps.entries.superseded import is_current
from sweeps.standings.reading import standings_of
from sweeps.text.escaping import to_json
from sweeps.views.components.charts.frontier import prepare_frontier
from sweeps.views.components.panels.verdict_bar import prepare_verdict_bar
from sweeps.views.ending import describe_end, finished_at
from sweeps.views.ranking.standing_facts import score_measure_of
from sweeps.views.report.header import MINUTE
from sweeps.views.report.sections import list_sections, show_search
from sweeps.views.report.standings_report import explain_standings, list_standing_sections, list_standing_tables
from sweeps.views.report.tables import explain_tables, list_tables
from sweeps.views.status import current_state, state_of
from sweeps.views.terminal.formats import to_csv
from sweeps.views.verdicts.known_names import baseline_of
from sweeps.views.verdicts.read_verdict import read_spent, read_verdict
from sweeps.views.verdicts.spending import Spent
from sweeps.views.wording import format_dollars, format_hours
from sweeps.web.addresses import entry_address
from sweeps.web.api.parameters import After, HomePlace, SweepPath, require_sweep
from sweeps.web.api.sweeps import page_of_sweeps
from sweeps.web.pages.controlling import describe_control
from sweeps.web.pages.filters import FilterQuery, list_choices
from sweeps.web.pages.rendering import show

router = APIRouter(include_in_schema=False)
MOST_ENTRIES = 200
"""Of a track on one page."""
PAGE = 50
EVENTS = "/api/v1/events"


@router.get("/")
def show_board(request: Request, place: HomePlace, chosen: FilterQuery) -> Response:
    """The leaderboard of a sweep, by default the latest of those that are offered, beside imported records."""
    records = place.store.sweeps()
    names = [record.name for record in reversed(records) if chosen.offers(record)]
    name = chosen.sweep or next(iter(names), None)
    if name is not None:
        require_sweep(name, place)
        names = names if name in names else [name, *names]
    lost = Lost()
    board = reading.board_of(name, place, lost)
    rows = board.table()
    shown = chosen.keep(rows)
    figure = prepare_frontier([change for change in board.changes() if change["track"] != "flagged"])
    verdict = None if not rows and name is None else prepare_verdict_bar(read_verdict(name, rows, place))
    left_out = f" of {len(rows)}" if len(shown) < len(rows) else ""
    return show(
        request,
        "board_page.html.j2",
        events=EVENTS,
        facts=f"{len(shown)}{left_out} entr{'y' if len(shown) == 1 else 'ies'}"
        + (f" · sweep {name} and records" if name else ""),
        names=names,
        chosen=name,
        filter=chosen,
        choices=list_choices(records),
        query=f"?sweep={quote(name, safe='')}" if name else "",
        verdict=verdict,
        tables=list_tables(shown, board.baseline, MOST_ENTRIES, address_of=entry_address),
        explanation=explain_tables(),
        notes=[*(former.line for former in reading.former_of(place)), *lost.lines(place)],
        figures=[] if figure is None else [figure],
    )


@router.get("/leaderboard.csv")
def send_csv(place: HomePlace, chosen: FilterQuery) -> Response:
    """The entries that the leaderboard shows, as a file for spreadsheets."""
    records = place.store.sweeps()
    name = chosen.sweep or next((record.name for record in reversed(records) if chosen.offers(record)), None)
    if name is not None:
        require_sweep(name, place)
    rows = chosen.keep(reading.board_of(name, place).table())
    headers = {"Content-Disposition": 'attachment; filename="leaderboard.csv"'}
    return Response(to_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/sweeps")
def show_sweeps(request: Request, place: HomePlace, after: After = "") -> Response:
    """All sweeps, newest first."""
    page, following = page_of_sweeps(place, after, PAGE)
    return show(
        request,
        "sweeps_page.html.j2",
        events=EVENTS,
        lines=[_describe(record, place) for record in page],
        next=following,
    )


@router.get("/sweeps/{name}")
def show_sweep(request: Request, name: SweepPath, place: HomePlace) -> Response:
    """How far a sweep is, what it shows, and its file."""
    record, lost = require_sweep(name, place), Lost()
    state = state_of(record, place.store)
    content: dict[str, Any] = {
        "sweep": name, "facts": _describe_state(record, state, place), "verdict": None, "tables": [], "notes": [],
        "explanation": "", "sections": [], "problems": [], "failed": record.state == "failed",
    }  # fmt: skip
    if place.store.sweep(name) is None:
        content["notes"] = ["Nobody has begun it yet."]
    elif contest_of(record) == DEFAULT:
        try:
            board = reading.board_of(name, place, lost)
        except InputError as error:  # another version of golfsweep wrote it
            content["notes"] = [str(error)]
        else:
            rows = board.table()
            verdict = read_verdict(name, rows, place)
            current = [entry for entry in place.store.entries(name) if is_current(entry)]
            judged = read_certificates(current, place.files, lost)
            content |= {
                "verdict": prepare_verdict_bar(verdict),
                "tables": list_tables(rows, board.baseline, MOST_ENTRIES, address_of=entry_address),
                "explanation": explain_tables(),
                "sections": list(list_sections(record, board, rows, verdict.leader, judged, place, lost)),
            }
    else:
        standings = standings_of(contest_named(contest_of(record)), place, lost)
        rows, contest = standings.rows(name), standings.contest
        content |= {
            "verdict": prepare_verdict_bar(read_verdict(name, rows, place, contest=contest)),
            "tables": list_standing_tables(rows, contest, baseline_of(name, place), name),
            "explanation": explain_standings(contest),
            "sections": list(
                list_standing_sections(standings, rows, contest, show_search(record, place, score_measure_of(contest)))
            ),
        }
    failed = [f"Failed: {job['label']}: {job['reason']}" for job in state["failed"][:10]]
    return show(
        request,
        "sweep_page.html.j2",
        events=f"/api/v1/sweeps/{quote(name, safe='')}/events",
        **content | {"problems": [*failed, *lost.lines()]},
        states=[each.value for each in JobState],
        stages=state["stages"],
        running=state["running"],
        waiting=state["waiting"],
        jobs_address=f"/sweeps/{quote(name, safe='')}/jobs",
        file=to_json(record.spec["file"]),
        **describe_control(name, record, state, place.store),
    )


def _describe(record: SweepRecord, place: Workplace) -> dict[str, str]:
    counts = place.store.stage_counts(record.name).values()
    done, total = (sum(sum(states.get(each, 0) for each in kinds) for states in counts) for kinds in _DONE_AND_ALL)
    spent = read_spent(record, place)
    return {
        "name": record.name,
        "address": f"/sweeps/{quote(record.name, safe='')}",
        "state": current_state(record, place.store),
        "jobs": f"{done} of {total}",
        "owner": record.owner or "–",
        "spent": _describe_cost(spent),
        "started": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%d %H:%M"),
    }


_DONE_AND_ALL = ((JobState.DONE,), tuple(JobState))


def _describe_cost(spent: Spent) -> str:
    if not spent.slot_hours:
        return "–"
    return format_hours(spent.slot_hours, spent.unit) if spent.dollars is None else format_dollars(spent.dollars)


def _describe_state(record: SweepRecord, state: dict[str, Any], place: Workplace) -> str:
    """State, time, work, cost, owner and end in a line; of a sweep that has no job yet, state and owner."""
    owner = [f"by {record.owner}"] if record.owner else []
    jobs = place.store.jobs(sweep=record.name)
    if not jobs:
        why = f" ({state['reason']})" if state["reason"] else ""
        return " · ".join([f"{state['state']}{why}", *owner])
    ended = finished_at(record, jobs)
    finished = [] if ended is None else [f"finished {ended:{MINUTE}}"]
    return " · ".join([*describe_end(state, record, jobs, read_spent(record, place)), *owner, *finished])
