"""Contents through the service: in parts, by digest alone, and only what has the right one."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from golf.errors import InputError
from jobs.errors import StoreUnavailable, Unreadable
from jobs.remote import files as remote_files
from jobs.workplace import Workplace
from sweeps.web import uploads
from tests.jobs.stores import done, order

Reach = Callable[..., Workplace]
PART = 1000
CONTENT = bytes(range(256)) * 16
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_files, "PART_BYTES", PART)


@pytest.mark.parametrize("content", [b"", b"x", bytes(PART), CONTENT])
def test_what_is_put_is_got(own_place: Workplace, at_service: Reach, content: bytes) -> None:
    moved: list[int] = []
    files = at_service().files
    files.on_progress = lambda: moved.append(1)
    digest = files.put(content)
    assert digest == own_place.files.put(content) == hashlib.sha256(content).hexdigest()
    assert files.get(digest) == content and files.has(digest) and files.size(digest) == len(content)
    assert len(moved) >= 2 * len(content) / PART
    assert not own_place.home.uploads.exists() or list(own_place.home.uploads.iterdir()) == []


def send(place: Workplace, digest: str, extent: str, part: bytes = b"") -> Any:
    assert place.connection is not None
    headers = {"Content-Range": f"bytes {extent}"}
    return place.connection.send("PUT", f"/contents/{digest}", part, headers).json()


def test_an_upload_goes_on_where_it_broke_off(own_place: Workplace, at_service: Reach) -> None:
    place = at_service()
    assert send(place, DIGEST, f"0-999/{len(CONTENT)}", CONTENT[:1000]) == {"received": 1000, "size": len(CONTENT)}
    assert send(place, DIGEST, f"0-999/{len(CONTENT)}", CONTENT[:1000])["received"] == 1000, "a part sent twice"
    assert send(place, DIGEST, f"2000-2999/{len(CONTENT)}", CONTENT[2000:3000])["received"] == 1000, "a gap"
    assert send(place, DIGEST, f"*/{len(CONTENT)}")["received"] == 1000
    sent: list[int] = []
    place.files.on_progress = lambda: sent.append(1)
    place.files.put(CONTENT)
    assert len(sent) == 1 + 4, "one question, and what was missing in four parts"
    assert own_place.files.get(DIGEST) == CONTENT
    sent.clear()
    place.files.put(CONTENT)
    assert len(sent) == 1, "it is there"


def test_a_download_goes_on_where_it_broke_off(
    own_place: Workplace, at_service: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_place.files.put(CONTENT)
    place = at_service()
    assert place.connection is not None
    send_on, asked = place.connection.send, list[str]()

    def send_some(method: str, path: str, content: bytes | None = None, headers: Any = None) -> Any:
        asked.append(headers["Range"])
        if len(asked) == 3:
            raise StoreUnavailable("broken")
        return send_on(method, path, content, headers)

    monkeypatch.setattr(place.connection, "send", send_some)
    with pytest.raises(StoreUnavailable):
        place.files.get(DIGEST)
    assert place.files.get(DIGEST) == CONTENT
    assert [text.partition("-")[0] for text in asked] == [
        "bytes=0", "bytes=1000", "bytes=2000", "bytes=2000", "bytes=3000", "bytes=4000"
    ]  # fmt: skip


def test_another_content_than_its_digest_is_refused(own_place: Workplace, at_service: Reach) -> None:
    place = at_service()
    with pytest.raises(InputError, match="another digest"):
        send(place, OTHER, "0-3/4", b"mine")
    send(place, OTHER, "0-1/4", b"mi")
    with pytest.raises(InputError, match="another digest"):
        send(place, OTHER, "2-3/4", b"ne")
    assert send(place, OTHER, "*/5")["received"] == 0, "nothing is left of it"
    assert not own_place.files.has(OTHER)


def test_nobody_spoils_the_upload_of_another_token(own_place: Workplace, at_service: Reach) -> None:
    good, bad = at_service(owner="anna"), at_service(owner="eve")
    bad_part = send(bad, DIGEST, f"0-999/{len(CONTENT)}", bytes(1000))
    assert bad_part["received"] == 1000
    good.files.put(CONTENT)
    assert own_place.files.get(DIGEST) == CONTENT


def test_bounds_of_uploads(at_service: Reach, monkeypatch: pytest.MonkeyPatch) -> None:
    place = at_service(max_content_bytes=100)
    with pytest.raises(InputError, match="at most 100"):
        send(place, DIGEST, "0-9/101", bytes(10))
    with pytest.raises(InputError, match="LAST - FIRST"):
        send(place, DIGEST, "0-9/50", bytes(11))
    for extent in ("nonsense", "0-9", "9-0/x", "0-9/50,20-30/50"):
        with pytest.raises(InputError, match="Content-Range"):
            send(place, DIGEST, extent, bytes(10))
    monkeypatch.setattr(uploads, "MOST_OPEN", 2)
    for start in "ab":
        send(place, start * 64, "0-0/50", b"x")
    with pytest.raises(StoreUnavailable, match="uploads are unfinished"):
        send(place, "c" * 64, "0-0/50", b"x")
    monkeypatch.setattr(uploads, "KEPT_SECONDS", -1.0)
    assert send(place, "c" * 64, "0-0/50", b"x")["received"] == 1, "old ones have made room"


def test_it_is_served_as_bytes_that_no_browser_opens(own_place: Workplace, at_service: Reach) -> None:
    digest = own_place.files.put(b"<script>alert(1)</script>")
    place = at_service()
    assert place.connection is not None
    answer = place.connection.send("GET", f"/contents/{digest}")
    assert answer.status_code == 200 and answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{digest}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    part = place.connection.send("GET", f"/contents/{digest}", headers={"Range": "bytes=1-6"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"script", "bytes 1-6/25")
    beyond = place.connection.send("GET", f"/contents/{digest}", headers={"Range": "bytes=25-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */25")


def test_what_is_missing_or_damaged_is_said(own_place: Workplace, at_service: Reach) -> None:
    files = at_service().files
    with pytest.raises(Unreadable, match="not in the file store") as missing:
        files.get(OTHER)
    assert missing.value.digest == OTHER and not files.has(OTHER)
    path = own_place.home.files / DIGEST[:2] / DIGEST
    own_place.files.put(CONTENT)
    path.write_bytes(bytes(len(CONTENT)))
    with pytest.raises(Unreadable, match="is damaged"):
        files.get(DIGEST)
    files.discard_damaged(DIGEST)
    assert not path.exists()


def test_only_what_nothing_refers_to_is_deleted(own_place: Workplace, at_service: Reach) -> None:
    own_place.store.put_sweep("s", {})
    needed, loose = own_place.files.put(b"needed"), own_place.files.put(b"loose")
    done(own_place.store, order(1), {"artifact": needed})
    files = at_service().files
    for digest in (needed, loose, OTHER):
        files.delete(digest)
    assert own_place.files.has(needed) and not own_place.files.has(loose)


@pytest.mark.parametrize("call", [
    lambda files: list(files.files()), lambda files: files.identity(), lambda files: files.make_identity(),
    lambda files: files.delete_file("x"),
])  # fmt: skip
def test_what_needs_the_folder_is_refused(at_service: Reach, call: Callable[[Any], Any]) -> None:
    with pytest.raises(InputError, match="--db and --files"):
        call(at_service().files)
