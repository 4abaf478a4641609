"""Contents by digest: weights, artifacts, scores, scripts. They are bytes to a browser, which must not open them."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from golf.errors import InputError, shown
from jobs.errors import Unreadable
from jobs.files import FileStore
from jobs.workplace import Workplace
from sweeps.web.api.parameters import CallerOf, HomePlace
from sweeps.web.problems import declare
from sweeps.web.uploads import Uploads

router = APIRouter(prefix="/contents", tags=["contents"])
DigestPath = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the content.")]
RangeHeader = Annotated[
    str | None, Header(alias="Range", max_length=60, description="bytes=FIRST-LAST; other forms are ignored.")
]
ExtentHeader = Annotated[
    str,
    Header(
        alias="Content-Range",
        max_length=60,
        pattern=r"^bytes ([0-9]{1,15}-[0-9]{1,15}|\*)/[0-9]{1,15}$",
        description="bytes FIRST-LAST/SIZE of the part that is sent, or bytes */SIZE to ask how much has arrived.",
    ),
]
STREAM_BYTES = 2**20
OCTETS: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")
_EXTENT = re.compile(r"bytes (?:([0-9]+)-([0-9]+)|\*)/([0-9]+)")


class UploadState(BaseModel):
    """How much of a content has arrived."""

    received: int = Field(description="Bytes; the next part begins here. Equal to `size` once the content is kept.")
    size: int = Field(description="Bytes of the whole content.")


@router.head("/{digest}", responses=declare(404, 422), response_class=Response)
def head_content(digest: DigestPath, place: HomePlace) -> Response:
    """Whether a content is there, and its size."""
    return _headed(b"", digest, 200, {"Content-Length": str(_size(place, digest))})


@router.get(
    "/{digest}",
    responses=declare(404, 422)
    | {
        200: {"description": "All of it.", "content": OCTETS},
        206: {"description": "The bytes of Range.", "content": OCTETS},
        416: {"description": "It has no byte there.", "content": OCTETS},
    },
    response_class=StreamingResponse,
)
def get_content(digest: DigestPath, place: HomePlace, range_: RangeHeader = None) -> Response:
    """A content, or a part of it. Whoever has read all of it checks its digest: this service does not."""
    size = _size(place, digest)
    if (asked := _RANGE.fullmatch(range_ or "")) is None:
        return _headed(_parts(place.files, digest, 0, size), digest, 200, {"Content-Length": str(size)})
    start, stop = int(asked[1]), min(size, int(asked[2] or size) + 1)
    if start >= size or stop <= start:
        return _headed(b"", digest, 416, {"Content-Range": f"bytes */{size}"})
    headers = {"Content-Range": f"bytes {start}-{stop - 1}/{size}", "Content-Length": str(stop - start)}
    return _headed(_parts(place.files, digest, start, stop), digest, 206, headers)


@router.put("/{digest}", responses=declare(422), openapi_extra={"requestBody": {"content": OCTETS}})
async def put_content(
    digest: DigestPath, request: Request, place: HomePlace, caller: CallerOf, extent: ExtentHeader
) -> UploadState:
    """Send a content, in parts of up to 4 MiB, each from where the last one ended; it is kept if its digest is right.

    A part that begins elsewhere is ignored: the answer says where the next one begins.
    """
    part, [first, last, size] = await request.body(), _extent(extent)
    uploads: Uploads = request.app.state.uploads
    sender = caller.token or ""
    if first is None:
        received = await run_in_threadpool(uploads.received, digest, sender, size)
        if size == 0 and received == 0:
            received = await run_in_threadpool(uploads.add, digest, sender, 0, 0, b"")
    elif last - first + 1 != len(part):
        raise InputError(f"Content-Range: {shown(extent)} with {len(part)} bytes; expected LAST - FIRST + 1 of them")
    else:
        received = await run_in_threadpool(uploads.add, digest, sender, first, size, part)
    return UploadState(received=received, size=size)


@router.delete("/{digest}", status_code=204, responses=declare(404, 422))
def delete_content(digest: DigestPath, place: HomePlace) -> Response:
    """Remove the file of a content that is damaged, or that the database does not know; any other stays."""
    place.files.discard_damaged(digest)
    if not place.store.knows_content(digest):
        place.files.delete(digest)
    return Response(status_code=204)


def _size(place: Workplace, digest: str) -> int:
    try:
        return place.files.size(digest)
    except FileNotFoundError:
        raise Unreadable(digest, f"content {digest}: not in the file store") from None


def _headed(content: Any, digest: str, status: int, headers: dict[str, str]) -> Response:
    """A response that a browser saves and does not show."""
    own = {
        "Content-Disposition": f'attachment; filename="{digest}"', "Accept-Ranges": "bytes", "ETag": f'"{digest}"',
        **headers,
    }  # fmt: skip
    kind = Response if isinstance(content, bytes) else StreamingResponse
    return kind(content, status_code=status, headers=own, media_type="application/octet-stream")


def _parts(files: FileStore, digest: str, start: int, stop: int) -> Iterator[bytes]:
    for place in range(start, stop, STREAM_BYTES):
        yield files.read_part(digest, place, min(stop, place + STREAM_BYTES))


def _extent(text: str) -> tuple[int | None, int, int]:
    """First and last byte of a part, and the size of the whole; the first is None where no part is sent."""
    parts = _EXTENT.fullmatch(text)
    assert parts is not None, "its form was checked"
    first, last, size = parts.groups()
    return (None, 0, int(size)) if first is None else (int(first), int(last), int(size))
