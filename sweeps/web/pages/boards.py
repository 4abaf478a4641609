"""The pages of the leaderboard, of sweeps, and of one sweep."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from jobs.state import JobState
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.entries.lost import Lost
from sweeps.text.escaping import to_json
from sweeps.views.ending import describe_end, finished_at
from sweeps.views.report.header import MINUTE
from sweeps.views.status import current_states, state_of
from sweeps.views.verdicts.read_verdict import read_spent
from sweeps.views.verdicts.spending import Spent
from sweeps.views.wording import format_dollars, format_hours
from sweeps.web.addresses import entry_address
from sweeps.web.api.parameters import After, BoardsOf, HomePlace, SweepPath, require_sweep
from sweeps.web.api.sweeps import page_of_sweeps
from sweeps.web.pages.filters import FilterQuery
from sweeps.web.pages.forms.controlling import describe_control
from sweeps.web.pages.leaderboards import draw_leaderboard, leaderboard_csv
from sweeps.web.pages.rendering import PagePart, draw_part, show, show_part
from sweeps.web.pages.sweep_content import describe_board

router = APIRouter(include_in_schema=False)
PAGE = 50
EVENTS = "/api/v1/events"


@router.get("/")
def show_board(request: Request, place: HomePlace, boards: BoardsOf, chosen: FilterQuery) -> Response:
    """The leaderboard of a sweep, by default the latest of those that are offered, beside imported records."""

    def draw() -> PagePart:
        if chosen.sweep:
            require_sweep(chosen.sweep, place)
        return draw_leaderboard(place, boards, chosen)

    return show_part(request, boards.part(("board", chosen), draw), EVENTS)


@router.get("/leaderboard.csv")
def send_csv(place: HomePlace, boards: BoardsOf, chosen: FilterQuery) -> Response:
    """The entries that the leaderboard shows, as a file for spreadsheets."""
    if chosen.sweep:
        require_sweep(chosen.sweep, place)
    text = leaderboard_csv(place, boards, chosen)
    headers = {"Content-Disposition": 'attachment; filename="leaderboard.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/sweeps")
def show_sweeps(request: Request, place: HomePlace, boards: BoardsOf, after: After = "") -> Response:
    """All sweeps, newest first."""
    return show_part(request, boards.part(("sweeps", after), lambda: _draw_sweeps(place, after)), EVENTS)


def _draw_sweeps(place: Workplace, after: str) -> PagePart:
    page, following = page_of_sweeps(place, after, PAGE)
    states = current_states(page, place.store)
    lines = [_describe(record, states[record.name], place) for record in page]
    return PagePart(title="Sweeps", body=draw_part("sweeps_body.html.j2", lines=lines, next=following))


@router.get("/sweeps/{name}")
def show_sweep(request: Request, name: SweepPath, place: HomePlace, boards: BoardsOf) -> Response:
    """How far a sweep is, what it shows, and its file."""
    record, lost = require_sweep(name, place), Lost()
    state = state_of(record, place.store)
    failed = [f"Failed: {job['label']}: {job['reason']}" for job in state["failed"][:10]]
    return show(
        request,
        "sweep_page.html.j2",
        events=f"/api/v1/sweeps/{quote(name, safe='')}/events",
        sweep=name,
        facts=_describe_state(record, state, place),
        failed=record.state == "failed",
        **describe_board(record, place, boards, lost, address_of=entry_address),
        problems=[*failed, *lost.lines()],
        states=[each.value for each in JobState],
        stages=state["stages"],
        running=state["running"],
        waiting=state["waiting"],
        jobs_address=f"/sweeps/{quote(name, safe='')}/jobs",
        file=to_json(record.spec["file"]),
        **describe_control(name, record, state, place.store),
        may_share=place.store.sweep(name) is not None,
    )


def _describe(record: SweepRecord, state: str, place: Workplace) -> dict[str, str]:
    counts = place.store.stage_counts(record.name).values()
    done, total = (sum(sum(states.get(each, 0) for each in kinds) for states in counts) for kinds in _DONE_AND_ALL)
    spent = read_spent(record, place)
    return {
        "name": record.name,
        "address": f"/sweeps/{quote(record.name, safe='')}",
        "state": state,
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
