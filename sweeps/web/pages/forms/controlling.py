"""Forms by which people decide about sweeps and jobs: each is carried out, and answered by the page it came from.

They need no script. That they come from this service's own pages is checked before they are read (`security.access`).
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from golf.errors import shown
from jobs.state import JobState, SubmissionState, SweepState
from jobs.store import Store, SweepRecord
from jobs.store.submissions import ACTIVE, OPEN
from jobs.workplace import Workplace
from sweeps.views.wording import format_dollars
from sweeps.web.actions import deciding
from sweeps.web.actions.submitting import differences
from sweeps.web.api.control import MOST_SEEDS, require_job
from sweeps.web.api.parameters import ActingStore, HomePlace, KeyPath, SweepPath, require_sweep
from sweeps.web.pages.forms.fields import Fields, read_fields, read_number
from sweeps.web.pages.rendering import show
from sweeps.web.problems import NotFound

router = APIRouter(include_in_schema=False)


def describe_control(name: str, record: SweepRecord, state: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """What the forms of a sweep's page show: which of them make sense now, its versions, and the last change."""
    versions = store.submission_versions(name)
    last = versions[-1] if versions else None
    goes_on = last is not None and last.state in ACTIVE
    if last is not None and last.state == SubmissionState.BY_HAND:
        goes_on = state["driver"] is not None
    is_done = last is not None and last.state == SubmissionState.ENDED and record.state == SweepState.DONE
    return {
        "control": {
            "address": _address(name),
            "edit": f"/submit?sweep={quote(name, safe='')}",
            "submitted": last is not None,
            "pause": goes_on,
            "resume": last is not None and not goes_on and not is_done,
            "cancel": state["state"] == SweepState.RUNNING or (last is not None and last.state in OPEN),
            "retry": bool(state["failed"]),
            "priority": 0 if last is None else last.priority,
            "tags": ", ".join(state["tags"]),
        },
        "versions": [
            {"version": each.version, "state": each.state, "reason": each.reason or "", "owner": each.owner}
            for each in reversed(versions)
        ],
        "difference": differences(versions[-2], versions[-1]) if len(versions) > 1 else "",
    }


def job_decisions(state: JobState) -> list[tuple[str, str]]:
    """What may be done with a job in a state: the last part of the address, and its words."""
    if state in (JobState.QUEUED, JobState.RUNNING):
        return [("cancel", "Stop this job")]
    return [("retry", "Run it again")] if state in deciding.AGAIN else []


def _set_priority(name: str, fields: Fields, store: Store) -> None:
    store.set_priority(name, read_number(fields, "priority", -(2**31), 2**31 - 1))


def _set_tags(name: str, fields: Fields, store: Store) -> None:
    deciding.set_tags(name, [tag.strip() for tag in fields.get("tags", "").split(",") if tag.strip()], store)


def _order_seeds(name: str, fields: Fields, store: Store) -> None:
    deciding.add_seeds(name, deciding.plan_seeds(name, read_number(fields, "add", 1, MOST_SEEDS), store), store)


DECISIONS: Mapping[str, Callable[[str, Fields, Store], object]] = {
    "cancel": lambda name, fields, store: deciding.cancel_sweep(name, store),
    "pause": lambda name, fields, store: store.pause_sweep(name),
    "resume": lambda name, fields, store: store.resume_sweep(name),
    "retry": lambda name, fields, store: deciding.retry_sweep(name, store),
    "priority": _set_priority,
    "tags": _set_tags,
    "seeds": _order_seeds,
}
"""By the last part of a form's address."""


@router.post("/sweeps/{name}/seeds/price")
async def show_price(request: Request, name: SweepPath, place: HomePlace, store: ActingStore) -> Response:
    """Which seeds would be added and about what they cost, with the way to order them."""
    fields = await read_fields(request)
    return await run_in_threadpool(_price_page, request, name, fields, place, store)


def _price_page(request: Request, name: str, fields: Fields, place: Workplace, store: Store) -> Response:
    record, count = require_sweep(name, place), read_number(fields, "add", 1, MOST_SEEDS)
    plan = deciding.plan_seeds(name, count, store)
    hours = "not known, as no entry has been measured yet"
    if plan.slot_hours is not None:
        hours = f"about {plan.slot_hours:.2f} slot-hours"
    price = hours if plan.dollars is None else f"{hours}, {format_dollars(plan.dollars)}"
    seeds = f"{'seed' if count == 1 else 'seeds'} {', '.join(map(str, plan.seeds))}"
    content: dict[str, Any] = {
        "sweep": record.name,
        "address": _address(name),
        "count": count,
        "seeds": seeds,
        "price": price,
    }
    return show(request, "seeds_page.html.j2", **content)


@router.post("/sweeps/{name}/{what}")
async def decide(request: Request, name: SweepPath, what: str, place: HomePlace, store: ActingStore) -> Response:
    """Do what a form of a sweep's page says."""
    if (decision := DECISIONS.get(what)) is None:
        raise NotFound(f"{shown(what)}: nothing to decide; expected one of {', '.join(DECISIONS)}")
    fields = await read_fields(request)
    await run_in_threadpool(require_sweep, name, place)
    await run_in_threadpool(decision, name, fields, store)
    return RedirectResponse(_address(name), status_code=303)


@router.post("/jobs/{key}/cancel")
def cancel_job(key: KeyPath, place: HomePlace, store: ActingStore) -> Response:
    """End a job."""
    deciding.cancel_job(require_job(key, place), store)
    return RedirectResponse(f"/jobs/{key}", status_code=303)


@router.post("/jobs/{key}/retry")
def retry_job(key: KeyPath, place: HomePlace, store: ActingStore) -> Response:
    """Queue a job again."""
    deciding.retry_job(require_job(key, place), store)
    return RedirectResponse(f"/jobs/{key}", status_code=303)


def _address(name: str) -> str:
    return f"/sweeps/{quote(name, safe='')}"
