"""The pages of a sweep's jobs, and of one job."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from golf.errors import InputError
from jobs.state import JobState
from jobs.store import JobRecord
from jobs.workplace import Workplace
from sweeps.entries.curves import read_curves
from sweeps.entries.lost import Lost
from sweeps.text.escaping import to_json
from sweeps.views.certificates import describe_certificate
from sweeps.views.components.charts.curve_band import CurveBand, prepare_curve_band
from sweeps.views.components.panels.provenance import prepare_provenance
from sweeps.views.job_logs import read_log
from sweeps.views.show import describe
from sweeps.views.verdicts.known_names import words_for
from sweeps.web.api import jobs
from sweeps.web.api.parameters import After, HomePlace, KeyPath, SweepPath
from sweeps.web.pages.forms.controlling import job_decisions
from sweeps.web.pages.rendering import show
from sweeps.web.problems import NotFound

router = APIRouter(include_in_schema=False)
PAGE = 100


@router.get("/sweeps/{name}/jobs")
def show_jobs(request: Request, name: SweepPath, place: HomePlace, after: After = "") -> Response:
    """A sweep's jobs, in the order in which they were requested."""
    page = jobs.list_jobs(name, place, after, PAGE)
    address = f"/sweeps/{quote(name, safe='')}"
    return show(
        request, "jobs_page.html.j2", events=f"/api/v1{address}/events", sweep=name, sweep_address=address,
        jobs=page.jobs, next=page.next,
    )  # fmt: skip


@router.get("/jobs/{key}")
def show_job(request: Request, key: KeyPath, place: HomePlace) -> Response:
    """A job's log, attempts, settings and results."""
    record = place.store.job(key)
    if record is None:
        raise NotFound("no job has this key")
    try:
        description = describe(key, place)
    except InputError as error:
        raise NotFound(str(error)) from None
    certificate = description.pop("certificate", None)
    contents = {name: description[name] for name in ("inputs", "outputs", "machine")}
    return show(
        request,
        "job_page.html.j2",
        events="/api/v1/events",
        job=description,
        decisions=job_decisions(record.state),
        log=read_log(record, place),
        settings=to_json(description["settings"]),
        contents=to_json(contents),
        certificate=None if certificate is None else describe_certificate(certificate),
        curve=_draw_training(record, place),
        provenance=prepare_provenance(*_describe_origin(record, place), []),
    )


def _draw_training(record: JobRecord, place: Workplace) -> CurveBand | None:
    """A finished training's curve beside those of the same recipe with other seeds; None where it left none."""
    if not (record.outputs or {}).get("metrics"):
        return None
    curves = read_curves(record.order.sweep, place, Lost())
    recipe = next((curve.recipe for curve in curves if curve.key == record.key), None)
    return prepare_curve_band([curve for curve in curves if curve.recipe == recipe])


def _describe_origin(record: JobRecord, place: Workplace) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Commands about a job, and by what it ran."""
    attempts, words = place.store.attempts(record.key), words_for(record.order.sweep, place)
    last = attempts[-1] if attempts else None
    machine = record.order.job.machine
    facts = {
        "Sweep": record.order.sweep,
        "Machine class": f"{machine.device}, {machine.dtype}, attention {machine.attention}",
        "Ran on": "" if last is None else last.host,
        "Versions": "" if last is None else ", ".join(f"{name} {version}" for name, version in last.versions.items()),
        "Code": "" if last is None else last.commit or "not from a checkout",
        "Key": record.key,
    }
    short = record.key[:12]
    commands = [
        ("All that is known of it", f"golfsweep show {short} --json"),
        ("Its whole log", words.logs(short)),
        ("Run the sweep's failed jobs again", words.retry()),
    ]
    return commands if record.state == JobState.FAILED else commands[:2], facts
