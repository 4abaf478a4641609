"""The store through the service: the same answers and errors, in the name of whoever has the token."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from golf.errors import InputError
from jobs.budget import Budget
from jobs.errors import AlreadyTaken, LostClaim, OverBudget, StoreUnavailable
from jobs.machine.host import identity
from jobs.remote.connection import Connection, ServerAddress
from jobs.remote.methods import METHODS
from jobs.remote.store import RemoteStore
from jobs.state import JobState, Scope
from jobs.store.transactions import ActingProcess
from jobs.workplace import Workplace
from sweeps.web.security.access import required_scope
from tests.jobs.stores import FACTS, order, started

Reach = Callable[..., Workplace]


def test_a_scheduler_works_as_on_the_database(own_place: Workplace, at_service: Reach) -> None:
    own, remote = own_place.store, at_service().store
    own.put_sweep("s", {}, Budget(gpu_hours=1.0))
    remote.beat("far", "cluster", 2, 2)
    own.put_job(order(1))
    [claimed] = remote.claim("far", 3, without={}, holding=[])
    assert claimed == own.job(claimed.key)
    number = remote.start_attempt(claimed.key, "far", **FACTS, sweep="s", seconds=60.0)
    remote.progress(claimed.key, number, 0.5, "half", "a line\n")
    remote.finish(claimed.key, number, {"steps": 3}, seconds=1.5, peak_bytes=None)
    [job] = remote.jobs("s", iter([JobState.DONE]))
    assert (job.outputs, job.seconds) == ({"steps": 3}, 1.5)
    assert remote.attempts(job.key) == own.attempts(job.key) and own.attempts(job.key)[0].log == "a line\n"
    assert remote.changed_jobs("s", 0) == own.changed_jobs("s", 0)
    assert remote.events() == own.events()


def test_long_lists_travel_page_by_page(
    own_place: Workplace, at_service: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, remote = own_place.store, at_service().store
    own.put_sweep("s", {})
    for seed in range(5):
        own.put_job(order(seed))
    for module in ("jobs.remote.store", "sweeps.web.api.store"):
        monkeypatch.setattr(f"{module}.MOST_ITEMS", 2)
    sent: list[str] = []
    send = Connection.send

    def noted(self: Connection, method: str, path: str, *rest: Any) -> Any:
        sent.append(path)
        return send(self, method, path, *rest)

    monkeypatch.setattr(Connection, "send", noted)
    assert remote.jobs("s") == own.jobs("s")
    assert sent == ["/store/jobs"] * 3
    made = own.jobs("s")
    assert remote.jobs("s", iter([JobState.QUEUED]), after=made[0].key, limit=3) == made[1:4]
    assert len(remote.events(limit=100)) == 2, "the service sends no more at once, whatever is asked for"


def test_its_errors_are_those_of_the_database(own_place: Workplace, at_service: Reach) -> None:
    own, remote = own_place.store, at_service().store
    own.put_sweep("s", {}, Budget(gpu_hours=0.001))
    job = started(own)
    with pytest.raises(LostClaim, match="not the running one"):
        remote.progress(job.key, 7, 0.5, "late")
    with pytest.raises(AlreadyTaken, match="first schedules one"):
        remote.beat("first", "one")
        remote.beat("second", "one")
    own.put_job(order(2))
    [other] = remote.claim("first", 1, holding=[])
    with pytest.raises(OverBudget, match="gpu_hours"):
        remote.start_attempt(other.key, "first", **FACTS, sweep="s", slots=8, seconds=3600.0)
    with pytest.raises(InputError) as refused:
        remote.tag("nobody's", ["x"])
    assert (refused.value.error, refused.value.hint) == ('no sweep "nobody\'s" to tag', "golfsweep ls lists all sweeps")
    with pytest.raises(InputError, match="the store cannot take"):
        remote.release(["no such job"])
    with pytest.raises(InputError, match="works on the database itself; give --db"):
        remote.drive("s", "me", "here")


def test_events_name_the_token_and_rows_the_process(own_place: Workplace, at_service: Reach) -> None:
    remote = at_service(owner="ben").store
    own_place.store.put_sweep("s", {})
    remote.cancel_sweep("s")
    assert own_place.store.events()[-1].who == "ben"
    remote.beat("near")
    [row] = own_place.store.live_schedulers()
    assert (row.host, row.pid) == (identity(), os.getpid())
    assert own_place.store.process == ActingProcess(host=identity(), pid=os.getpid())


def test_a_machine_elsewhere_does_not_compare_its_clock_with_ours(
    own_place: Workplace, at_service: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.remote.connection.identity", lambda: "pod 0123abcd")
    at_service().store.beat("far")
    [row] = own_place.store.live_schedulers()
    assert row.host == f"pod 0123abcd via {identity()}", "not the name that the pod's own processes go by"


@pytest.mark.parametrize("name", METHODS)
def test_each_method_needs_its_scope(name: str) -> None:
    assert required_scope("POST", f"/api/v1/store/{name}") == METHODS[name].scope


def test_what_is_no_method_needs_the_scope_of_every_change() -> None:
    for path in ("/api/v1/store/", "/api/v1/store/put_entries", "/api/v1/store/jobs/x", "/api/v1/contents/00"):
        assert required_scope("POST", path) == Scope.SUBMIT
    assert required_scope("PUT", "/api/v1/contents/00") == required_scope("DELETE", "/api/v1/contents/00")


def test_a_token_of_too_little_is_named(own_place: Workplace, at_service: Reach) -> None:
    reader = at_service(Scope.READ).store
    own_place.store.put_sweep("s", {})
    assert [sweep.name for sweep in reader.sweeps()] == ["s"]
    with pytest.raises(InputError, match=r"needs the scope submit; the token has read; .*GOLFSWEEP_TOKEN"):
        reader.cancel_sweep("s")
    with pytest.raises(InputError, match="needs the scope admin"):
        at_service(Scope.SUBMIT).store.tokens()
    assert len(at_service(Scope.ADMIN).store.tokens()) == 3
    with pytest.raises(InputError, match="where the database is"):
        at_service(Scope.ADMIN).store.create_token(Scope.ADMIN, "me", None)


def test_many_requests_of_a_scheduler_do_not_count_as_a_readers(at_service: Reach) -> None:
    place = at_service(requests_per_minute=1, work_requests_per_minute=3)
    for _ in range(3):
        place.store.last_event()
    with pytest.raises(StoreUnavailable, match="429"):
        place.store.last_event()


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes], str]]:
    """The URL of a server that answers everything with one status."""
    servers: list[HTTPServer] = []

    def start(status: int, content: bytes = b"<html>no</html>") -> str:
        class Handler(BaseHTTPRequestHandler):
            """Answers every request alike."""

            def do_POST(self) -> None:
                self.send_response(status)
                self.send_header("Location", "https://elsewhere.example")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status, kind, words", [
    (502, StoreUnavailable, "502"), (503, StoreUnavailable, "503"), (504, StoreUnavailable, "504"),
    (429, StoreUnavailable, "429"), (500, StoreUnavailable, "500"), (401, InputError, "GOLFSWEEP_TOKEN"),
    (403, InputError, "GOLFSWEEP_TOKEN"), (404, InputError, "URL of a golfsweep service"),
    (301, InputError, "https://elsewhere.example"), (200, InputError, "same version"),
])  # fmt: skip
def test_what_stands_before_the_service_answers(
    answering: Callable[..., str], status: int, kind: type[Exception], words: str
) -> None:
    store = RemoteStore(Connection(ServerAddress(answering(status), "gs_1_secret")))
    with pytest.raises(kind, match=words) as error:
        store.last_event()
    assert "secret" not in str(error.value)
    store.close()


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = RemoteStore(Connection(ServerAddress(f"http://127.0.0.1:{port}", "gs_1_secret")))
    with pytest.raises(StoreUnavailable, match="ConnectError"):
        store.last_event()
    store.close()


@pytest.mark.parametrize("url, token, words", [
    ("sweeps.example.org", "t", "expected e.g. https"), ("ftp://sweeps", "t", "expected e.g. https"),
    ("https://me:pw@sweeps", "t", "plain URL"), ("https://sweeps?a=1", "t", "plain URL"),
    ("https://[", "t", "not a URL"),
    ("https://sweeps", "two words", "GOLFSWEEP_TOKEN"), ("https://sweeps", "gs_é", "GOLFSWEEP_TOKEN"),
])  # fmt: skip
def test_addresses_that_are_none(url: str, token: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        ServerAddress(url, token)
    assert "pw@" not in str(error.value)
