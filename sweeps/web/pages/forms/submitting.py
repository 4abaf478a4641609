"""The page on which a sweep is submitted: its file as text or upload, and the files of its script."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from golf.errors import InputError
from jobs.store import Store, SubmissionRecord, SubmittedContent
from jobs.workplace import Workplace
from sweeps.spec.reading import MOST_BYTES
from sweeps.spec.submitted import is_inside
from sweeps.web.actions.submitting import Draft, submit_sweep
from sweeps.web.api.parameters import ActingStore, HomePlace
from sweeps.web.api.submissions import MOST_FILES
from sweeps.web.pages.rendering import show

router = APIRouter(include_in_schema=False)
MOST_FIELDS = MOST_FILES + 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmitForm:
    """What the form has in it."""

    sweep: str = ""
    """The sweep whose latest version it began with."""
    file: str = ""
    assignments: str = ""
    tags: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Files of that version: path → digest."""
    uploads: Mapping[str, bytes] = field(default_factory=dict)


@router.get("/submit")
def ask(request: Request, place: HomePlace, sweep: Annotated[str, Query(max_length=80)] = "") -> Response:
    """The form; with a sweep's name, its latest version to be edited."""
    if (record := _version(sweep, place.store)) is None:
        return _show(request, SubmitForm())
    form = SubmitForm(
        sweep=sweep, file=record.file, assignments="\n".join(record.assignments), kept=record.files
    )  # fmt: skip
    return _show(request, form, version=record.version)


@router.post("/submit")
async def submit(request: Request, place: HomePlace, store: ActingStore) -> Response:
    """Submit it, or show the form once more with what is wrong."""
    return await run_in_threadpool(_submit, request, await _read(request), place, store)


async def _read(request: Request) -> SubmitForm:
    """The fields and files of a form as it was sent."""
    async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=MOST_BYTES) as form:
        texts = {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}
        kept = [str(value).rpartition("=") for value in form.getlist("kept")]
        sent = [each for each in form.getlist("files") if isinstance(each, UploadFile)]
        upload = form.get("upload")
        if isinstance(upload, UploadFile) and upload.filename:
            texts["file"] = (await upload.read()).decode("utf-8", "replace")
        return SubmitForm(
            sweep=texts.get("sweep", ""),
            file=texts.get("file", ""),
            assignments=texts.get("set", ""),
            tags=texts.get("tags", ""),
            kept={path: digest for path, _, digest in kept},
            uploads={each.filename: await each.read() for each in sent if each.filename},
        )


def _submit(request: Request, form: SubmitForm, place: Workplace, store: Store) -> Response:
    record = _version(form.sweep, store)
    known = {} if record is None else record.files
    kept = {path: digest for path, digest in form.kept.items() if known.get(path) == digest}
    try:
        if wrong := [path for path in form.uploads if not is_inside(path)]:
            raise InputError(*(f"files: {path}: not the name of a file of a script" for path in wrong))
        files = kept | {path: place.files.put(content) for path, content in form.uploads.items()}
        lines = tuple(line.strip() for line in form.assignments.splitlines() if line.strip())
        content = SubmittedContent(file=form.file, assignments=lines, files=files)
        tags = [tag.strip() for tag in form.tags.split(",") if tag.strip()]
        made = submit_sweep(Draft(content=content, tags=tags), place, store)
    except InputError as error:
        return _show(request, form, problems=error.problems, status=422)
    return RedirectResponse(f"/sweeps/{quote(made.record.sweep, safe='')}", status_code=303)


def _version(sweep: str, store: Store) -> SubmissionRecord | None:
    """The latest version of a sweep that a form names."""
    return store.submission(sweep) if sweep.isprintable() and 0 < len(sweep) <= 80 else None


def _show(
    request: Request, form: SubmitForm, *, problems: tuple[str, ...] = (), version: int | None = None, status: int = 200
) -> Response:
    return show(
        request,
        "submit_page.html.j2",
        status=status,
        problems=problems,
        version=version,
        sweep=form.sweep,
        file=form.file,
        assignments=form.assignments,
        tags=form.tags,
        kept=form.kept,
    )
