"""The pages of a sweep's jobs, and of one job."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from golf.errors import InputError
from sweeps.text.escaping import to_json
from sweeps.views.certificates import describe_certificate
from sweeps.views.job_logs import read_log
from sweeps.views.show import describe
from sweeps.web.api import jobs
from sweeps.web.api.parameters import After, HomePlace, KeyPath, SweepPath
from sweeps.web.pages.controlling import job_decisions
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
    )
