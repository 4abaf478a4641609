"""Requests that no client of ours sends: each is refused as what it is, and none ends in an error of the service."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import DataError

from golf.errors import InputError
from jobs.database.engine import translate_errors
from jobs.errors import Unreadable
from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.web.actions import checking
from sweeps.web.app import make_app
from sweeps.web.measuring import requests
from sweeps.web.security.headers import HEADERS
from sweeps.web.service import Service
from tests.jobs.stores import FACTS, done, order
from tests.sweeps.web.conftest import NAME, Connect

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
MANY_FIELDS = "&".join(f"a{number}=1" for number in range(50))
BODIES = [
    ("POST", "/login", FORM), ("POST", "/sweeps/x/tags", FORM), ("POST", "/cluster/drain", FORM),
    ("POST", "/submit", FORM), ("POST", "/submit", MULTIPART), ("POST", "/records", MULTIPART),
    ("POST", "/api/v1/sweeps", "application/json"), ("POST", "/api/v1/store/put_job", "application/json"),
    ("POST", "/api/v1/records?name=x", "application/zip"), ("PUT", f"/api/v1/contents/{'a' * 64}", "text/plain"),
]  # fmt: skip
"""Everything that reads a body in a way of its own."""


@pytest.fixture
def admin(own_place: Workplace) -> TestClient:
    own_place.store.put_sweep("x", {"file": {}})
    token = own_place.store.create_token(Scope.ADMIN, "anna", days=1).text
    app = make_app(Service(place=own_place, host="127.0.0.1", port=0))
    return TestClient(app, base_url=f"http://{NAME}", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    "origin", ["http://[", "http://]", "null", "", "//localhost", "localhost", "http://localhost:1"]
)
def test_a_malformed_origin_is_another_sites(connect: Connect, origin: str) -> None:
    answer = connect(None).post("/login", data={"token": "x"}, headers={"Origin": origin})
    assert answer.status_code == 403 and "another site" in answer.json()["detail"]
    own = connect(None).post("/login", data={"token": "x"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 401


@pytest.mark.parametrize(("path", "body"), [
    ("/sweeps/x/tags", MANY_FIELDS), ("/sweeps/x/tags", "a" * 5000),
    *(("/sweeps/x/priority", f"priority={text}") for text in ("--5", "-", "1.5", "9" * 5000, "²", "")),
    ("/sweeps/x/seeds", "add=--5"), ("/sweeps/x/seeds/price", "add=-1"),
])  # fmt: skip
def test_a_form_that_is_none_of_ours_is_refused(admin: TestClient, path: str, body: str) -> None:
    assert admin.post(path, content=body, headers={"Content-Type": FORM}).status_code == 422


@pytest.mark.parametrize("body", [MANY_FIELDS, "a" * 5000])
def test_a_login_that_is_no_form_of_ours_has_no_token(admin: TestClient, body: str) -> None:
    assert admin.post("/login", content=body, headers={"Content-Type": FORM}).status_code == 401


@pytest.mark.parametrize(("method", "path", "kind"), BODIES)
def test_a_body_of_no_stated_size_is_bounded(admin: TestClient, method: str, path: str, kind: str) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(6):
            yield b"x" * 2**20

    headers = {"Content-Type": kind, "Content-Range": "bytes 0-9/10"}
    answer = admin.request(method, path, content=endless(), headers=headers)
    assert answer.status_code == 413 and "4,194,304" in answer.json()["hint"]


@pytest.mark.parametrize(("method", "path", "kind"), BODIES)
def test_who_leaves_amid_a_body_is_no_error(
    own_place: Workplace, monkeypatch: pytest.MonkeyPatch, method: str, path: str, kind: str
) -> None:
    written: list[str] = []
    monkeypatch.setattr(requests.RequestLog.__init__, "__defaults__", (written.append,))
    token = own_place.store.create_token(Scope.ADMIN, "anna", days=1).text
    app = make_app(Service(place=own_place, host="127.0.0.1", port=0, logs_requests=True))
    messages = iter([{"type": "http.request", "body": b"abc", "more_body": True}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    given = {
        "host": NAME, "authorization": f"Bearer {token}", "content-type": kind, "content-length": "100",
        "content-range": "bytes 0-99/100",
    }  # fmt: skip
    path, _, query = path.partition("?")
    connection = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": query.encode(), "root_path": "", "scheme": "http", "client": ("127.0.0.1", 1),
        "server": (NAME, 80), "headers": [(name.encode(), text.encode()) for name, text in given.items()],
    }  # fmt: skip
    asyncio.run(app(connection, receive, send))  # raises nothing
    assert len(written) == 1 and '"status": 4' in written[0]
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] in ([], [400], [422])


def test_a_mistake_of_the_service_tells_nothing_and_binds_browsers(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("sweeps.web.api.sweeps.page_of_sweeps", fail)
    answer = connect().get("/api/v1/sweeps")
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_value_that_a_database_cannot_hold_is_bad_input() -> None:
    with pytest.raises(InputError, match="cannot take a value: text fields cannot contain NUL"), translate_errors():
        raise DataError("SELECT …", {}, ValueError("text fields cannot contain NUL"))


def test_long_versions_are_not_compared(admin: TestClient, own_place: Workplace) -> None:
    from jobs.store import SubmittedContent

    lines = [f"#{number * number % 211}" for number in range(60_000)]  # minutes of work for difflib
    for text in (lines, lines[::-1]):
        own_place.store.submit("x", SubmittedContent(file="name = 'x'\n" + "\n".join(text)))
    began = time.monotonic()
    assert admin.get("/sweeps/x").status_code == 200
    [_, last] = admin.get("/api/v1/sweeps/x/versions").json()["versions"]
    assert last["differences"] == "version 1 and version 2 have more than 5,000 lines; too long to be compared here"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("output", ["", "x", "../../etc/passwd", 5, ["a"], {"a": 1}])
def test_what_a_worker_reports_in_place_of_a_digest_breaks_no_page(
    admin: TestClient, own_place: Workplace, output: object
) -> None:
    own_place.store.put_sweep("s", {"file": {}})
    made = done(own_place.store, order(1), {"weights": output, "metrics": output, "log": output})
    for path in (f"/jobs/{made.key}", f"/api/v1/jobs/{made.key}", "/sweeps/s", "/api/v1/sweeps/s", "/"):
        assert admin.get(path).status_code < 500, path
    with pytest.raises(Unreadable, match="is not a digest"):
        own_place.files.has(output)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [{}, {"name": ["a"]}, {"name": 5}, {"name": "a/b"}])
def test_a_record_of_no_form_breaks_no_page(admin: TestClient, content: dict[str, object]) -> None:
    assert admin.post("/api/v1/store/put_record", json={"name": "x", "content": content}).status_code == 200
    for path in ("/", "/records", "/records/x", "/records/5", "/api/v1/records", "/leaderboard.csv"):
        assert admin.get(path).status_code < 500, path


def test_a_failure_of_no_kind_is_refused(admin: TestClient, own_place: Workplace) -> None:
    store = own_place.store
    store.put_sweep("s", {"file": {}})
    store.beat("a")
    store.put_job(order(1))
    [record] = store.claim("a", 1)
    number = store.start_attempt(record.key, "a", **FACTS)
    body = {"key": record.key, "attempt": number, "reason": "x", "counted": True, "final": True, "failure": "<b>"}
    answer = admin.post("/api/v1/store/fail", json=body)
    assert answer.status_code == 422 and "expected one of" in answer.text
    assert admin.post("/api/v1/store/fail", json=body | {"failure": None}).status_code == 200
    assert admin.get(f"/jobs/{record.key}").status_code == 200


def test_submissions_that_wait_leave_threads_for_others(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "ROOM", threading.Semaphore(2))
    monkeypatch.setattr(checking, "AT_ONCE", threading.Semaphore(0))
    monkeypatch.setattr(checking, "SECONDS", 3.0)
    codes: list[int] = []

    def submit() -> None:
        answer = admin.post("/api/v1/sweeps", json={"file": "name = 'x'"})
        codes.append(answer.status_code)
        assert answer.headers["retry-after"] == "30"

    threads = [threading.Thread(target=submit) for _ in range(12)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    while len(codes) < 10 and time.monotonic() - began < 60:
        time.sleep(0.05)
    waiting = sum(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()
    assert codes == [503] * 12 and waiting <= 2
    assert checking.ROOM._value == 2, "all have left"
