"""Webhooks by command and over HTTP: a real server sends what a real receiver gets, and nobody sees the address."""

import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import generate_latest

from jobs.state import Scope, SweepState
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.measuring.metrics import StoreCollector
from sweeps.web.notices.signing import sign
from sweeps.web.service import Service
from tests.sweeps.conftest import Command
from tests.sweeps.web.conftest import NAME
from tests.sweeps.web.notices.receiver import Receiver
from tests.sweeps.web.test_serving import SECONDS, serving_process

SECRET = "Zs3cretPart"
URL = f"https://hooks.slack.com/services/{SECRET}/abcd"
Add = Callable[..., dict[str, Any]]


@pytest.fixture
def home(own_place: Workplace) -> Path:
    return own_place.home.root


@pytest.fixture
def add(golfsweep: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Add a webhook by the command."""

    def run(url: str, *words: str) -> dict[str, Any]:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{url}\n"))
        code, out, err = golfsweep("webhook", "add", *words, "--home", home, "--json")
        assert code == 0, err
        document = json.loads(out)
        assert isinstance(document, dict)
        return document

    return run


def test_a_webhook_is_added_listed_tested_and_removed(add: Add, golfsweep: Command, home: Path) -> None:
    made = add(URL, "--form", "slack", "--kind", "budget", "--kind", "job-failed")
    assert (made["host"], made["ending"], made["kinds"]) == ("hooks.slack.com", "abcd", ["budget", "job-failed"])
    assert made["secret"] == "" and SECRET not in json.dumps(made)
    _, listed, _ = golfsweep("webhook", "list", "--home", home)
    assert "hooks.slack.com/…abcd" in listed and "nothing sent yet (0 delivered)" in listed and SECRET not in listed
    _, tested, _ = golfsweep("webhook", "test", made["id"][:4], "--home", home, "--json")
    assert json.loads(tested)["waiting"] == 1
    assert golfsweep("webhook", "remove", made["id"], "--home", home, "--json", "--yes")[0] == 0
    assert json.loads(golfsweep("webhook", "list", "--home", home, "--json")[1]) == {"webhooks": []}
    code, shown, _ = golfsweep("webhook", "add", "--help")
    assert code == 0 and "--url" not in shown  # everybody on a machine can read command lines


def test_the_list_says_what_does_not_arrive(add: Add, golfsweep: Command, home: Path, own_place: Workplace) -> None:
    made, store = add(URL, "--form", "generic"), own_place.store
    store.take_notices("a")
    for give_up in (True, False):
        store.test_webhook(made["id"])
        store.note_failed("a", store.due_deliveries()[0], "answered with 404, Not Found", 60.0, give_up=give_up)
    _, listed, _ = golfsweep("webhook", "list", "--home", home)
    assert "failing: answered with 404, Not Found, tried again " in listed
    assert "(0 delivered, 1 waiting, 1 given up)" in listed
    metrics = generate_latest(StoreCollector(Service(place=own_place, host="127.0.0.1", port=0))).decode()
    assert f'golfsweep_notices_given_up{{form="generic",webhook="{made["id"]}"}} 1.0' in metrics


@pytest.mark.parametrize("words", [
    ("webhook", "test", "zz"), ("webhook", "remove", ""), ("webhook", "add", "--form", "pager"),
    ("webhook", "add", "--form", "slack"), ("webhook", "add", "--form", "slack", "--kind", "weather"),
])  # fmt: skip
def test_wrong_words_are_one_line(
    refused: Any, home: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"http:/{SECRET}"))
    assert SECRET not in refused(*words, "--home", home)


class TestApi:
    @pytest.fixture
    def client(self, own_place: Workplace) -> TestClient:
        return self.client_of(own_place, Scope.ADMIN)

    def client_of(self, place: Workplace, scope: Scope) -> TestClient:
        token = place.store.create_token(scope, "anna", days=1).text
        app = make_app(Service(place=place, host="127.0.0.1", port=0))
        headers = {"Authorization": f"Bearer {token}"}
        return TestClient(app, base_url=f"http://{NAME}", headers=headers, raise_server_exceptions=False)

    def test_the_same_over_http(self, client: TestClient, own_place: Workplace) -> None:
        made = client.post("/api/v1/webhooks", json={"form": "generic", "url": URL, "kinds": ["budget"]})
        assert made.status_code == 201 and made.json()["secret"].startswith("gsw_")
        where = f"/api/v1/webhooks/{made.json()['id']}"
        assert client.post("/api/v1/webhooks", json={"form": "generic", "url": URL}).status_code == 409
        assert client.post(f"{where}/test").json()["waiting"] == 1
        listed = client.get("/api/v1/webhooks")
        assert made.json()["secret"] not in listed.text and SECRET not in listed.text
        metrics = client.get("/metrics").text
        assert f'golfsweep_notices_waiting{{form="generic",webhook="{made.json()["id"]}"}} 1.0' in metrics
        assert client.delete(where).status_code == 200 and client.delete(where).status_code == 404
        assert client.post(f"{where}/test").status_code == 404
        assert [event.who for event in own_place.store.events() if "webhook" in event.kind] == ["anna"] * 3

    @pytest.mark.parametrize("body", [
        {"form": "slack", "url": f"ftp://{SECRET}"}, {"form": "slack", "url": f"https://u:{SECRET}@h/"},
        {"form": "x", "url": URL}, {"form": "slack", "url": URL, "kinds": ["x"]}, {"form": "slack"}, {"url": URL},
        [URL], {"form": "slack", "url": URL, "more": 1}, {"form": "slack", "url": f"https://h/{SECRET}{'x' * 2000}"},
    ])  # fmt: skip
    def test_what_is_refused_is_not_repeated(self, client: TestClient, body: Any) -> None:
        answer = client.post("/api/v1/webhooks", json=body)
        assert answer.status_code == 422 and SECRET not in answer.text

    def test_only_administrators_see_or_change_them(self, own_place: Workplace) -> None:
        for scope in (Scope.READ, Scope.SUBMIT):
            client = self.client_of(own_place, scope)
            for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/00000000"), ("POST", "/00000000/test")):
                assert client.request(method, f"/api/v1/webhooks{path}").status_code == 403
            for name in ("webhooks", "add_webhook", "remove_webhook", "test_webhook"):
                assert client.post(f"/api/v1/store/{name}", json={}).status_code == 403


@pytest.fixture
def server(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server that may send to this machine, and its address."""
    with serving_process(home, "--private-webhooks") as running:
        yield running


def test_a_server_sends_what_happens(
    server: tuple[subprocess.Popen[str], str], own_place: Workplace, golfsweep: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """From the command over HTTP, through the server's thread, to the receiver; the log has no secret."""
    process, url = server
    monkeypatch.setenv("GOLFSWEEP_TOKEN", own_place.store.create_token(Scope.ADMIN, "anna", days=1).text)
    with Receiver() as receiver:
        monkeypatch.setattr("sys.stdin", io.StringIO(receiver.url))
        code, out, err = golfsweep("webhook", "add", "--form", "generic", "--server", url, "--json")
        assert code == 0, err
        made = json.loads(out)
        assert golfsweep("webhook", "test", made["id"], "--server", url)[0] == 0
        own_place.store.put_sweep("s", {})
        own_place.store.end_sweep("s", SweepState.FAILED, "its file is gone")
        until = time.monotonic() + SECONDS
        while own_place.store.webhooks()[0].delivered < 2 and time.monotonic() < until:
            time.sleep(0.05)
        process.terminate()
        _, log = process.communicate(timeout=SECONDS)
    test, done = (message.document for message in receiver.messages)
    assert test["text"] == "This webhook works: anna tests it." and test["link"] == f"{url}/"
    assert (done["kind"], done["link"]) == ("sweep-done", f"{url}/sweeps/s")
    for message in receiver.messages:
        timestamp = int(message.headers["Golfsweep-Timestamp"])
        assert message.headers["Golfsweep-Signature"] == sign(made["secret"], timestamp, message.body)
    assert "s3cretPart99" not in log and made["secret"] not in log and "Traceback" not in log
