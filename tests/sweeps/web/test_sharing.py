"""Share links: whoever has one sees its page without a login, and nothing else."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from jobs.state import EventKind, Scope
from jobs.workplace import Workplace
from sweeps.cli.commands.service.shares import read_days
from sweeps.web.app import make_app
from sweeps.web.measuring.metrics import Metrics
from sweeps.web.measuring.requests import RequestLog
from sweeps.web.service import Service
from tests.sweeps.conftest import Command
from tests.sweeps.conftest import golfsweep as golfsweep
from tests.sweeps.conftest import refused as refused
from tests.sweeps.web.conftest import NAME, Connect
from tests.sweeps.web.test_pages import Tags


@pytest.fixture(scope="module")
def anybody(connect: Connect) -> TestClient:
    return connect(None)


@pytest.fixture(scope="module")
def reader(connect: Connect) -> TestClient:
    return connect(Scope.READ)


@pytest.fixture(scope="module")
def submitter(connect: Connect) -> TestClient:
    return connect(Scope.SUBMIT)


@pytest.fixture
def sweep(place: Workplace) -> str:
    return place.store.sweeps()[0].name


def share(submitter: TestClient, **body: Any) -> dict[str, Any]:
    answer = submitter.post("/api/v1/shares", json=body)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert isinstance(document, dict)
    return document


def test_a_sweep_is_shown_without_a_login_or_a_way_to_the_rest(
    place: Workplace, sweep: str, anybody: TestClient, submitter: TestClient
) -> None:
    made = share(submitter, sweep=sweep)
    answer = anybody.get(made["path"])
    page = Tags(answer.text)
    assert answer.status_code == 200 and made["url"] == f"http://{NAME}{made['path']}"
    assert all(entry.name in page.text for entry in place.store.entries(sweep))
    links = [value for name, value in page.attributes if name == "href" and value]
    assert [link for link in links if not link.startswith(("#", "/static/"))] == []
    assert not {"form", "nav", "textarea", "iframe"} & set(page.elements)
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow" and answer.headers["Cache-Control"] == "no-store"
    assert '<meta name="robots" content="noindex, nofollow">' in answer.text
    assert 'aria-label="Problems"' not in answer.text
    assert "set-cookie" not in answer.headers and answer.headers["Referrer-Policy"] == "no-referrer"


def test_an_entry_is_shown_alone(place: Workplace, sweep: str, anybody: TestClient, submitter: TestClient) -> None:
    names = [entry.name for entry in place.store.entries(sweep)]
    made = share(submitter, sweep=sweep, entry=names[-1], days=1)
    answer = anybody.get(made["path"])
    page = Tags(answer.text)
    assert answer.status_code == 200 and names[-1] in page.text
    assert all(not value.startswith("/") or value.startswith("/static/") for name, value in page.attributes
               if name in ("href", "src", "action") and value)  # fmt: skip
    assert "form" not in page.elements


def test_whoever_has_a_link_reaches_nothing_else_with_it(
    sweep: str, anybody: TestClient, submitter: TestClient
) -> None:
    secret = share(submitter, sweep=sweep)["path"].removeprefix("/s/")
    client = anybody
    for headers in ({"Authorization": f"Bearer {secret}"}, {"Cookie": f"golfsweep_token={secret}"}):
        assert client.get("/api/v1/sweeps", headers=headers).status_code == 401
    assert client.get(f"/s/{secret}/jobs").status_code == 404
    assert client.post(f"/s/{secret}").status_code == 401
    assert client.get(f"/s/../sweeps/{sweep}", follow_redirects=False).status_code == 303


def test_expired_revoked_and_unknown_links_are_the_same(
    place: Workplace, sweep: str, anybody: TestClient, submitter: TestClient
) -> None:
    revoked = share(submitter, sweep=sweep)
    assert submitter.delete(f"/api/v1/shares/{revoked['id']}").json()["revoked"] is not None
    lapsed = share(submitter, sweep=sweep, days=1e-9)
    unknown = ["/s/", "/s/x", "/s/gl_00000000_x", "/s/gl_%00_x", f"/s/{quote('../..', safe='')}", revoked["path"][:-1]]
    answers = [anybody.get(path) for path in (revoked["path"], lapsed["path"], *unknown)]
    assert {answer.status_code for answer in answers} == {404}
    assert {(answer.text, answer.headers["X-Robots-Tag"]) for answer in answers} == {
        (answers[0].text, "noindex, nofollow")
    }
    assert "href" not in re.sub(r"<link[^>]*>|<a class=\"skip\"[^>]*>", "", answers[0].text)


def test_the_api_lists_them_without_secrets_and_events_say_who(
    place: Workplace, sweep: str, reader: TestClient, submitter: TestClient
) -> None:
    made = share(submitter, sweep=sweep)
    listed = reader.get("/api/v1/shares")
    assert made["id"] in listed.text and made["path"].split("_")[2] not in listed.text
    events = [event for event in place.store.events(limit=10**6) if event.kind == EventKind.SHARE_CREATED]
    assert events[-1].who == "submiter" and made["path"].split("_")[2] not in json.dumps(dict(events[-1].detail))
    assert reader.post("/api/v1/shares", json={"sweep": sweep}).status_code == 403
    for body, status in (({"sweep": "no"}, 404), ({"sweep": sweep, "entry": "no"}, 404),
                         ({"sweep": sweep, "days": 0}, 422), ({"sweep": sweep, "days": 400}, 422),
                         ({"sweep": "\x00"}, 404)):  # fmt: skip
        assert submitter.post("/api/v1/shares", json=body).status_code == status, body
    assert submitter.delete("/api/v1/shares/00000000").status_code == 404


def test_a_form_on_the_pages_makes_one(
    place: Workplace, sweep: str, anybody: TestClient, reader: TestClient, submitter: TestClient
) -> None:
    entry = place.store.entries(sweep)[0].name
    for page in (f"/sweeps/{quote(sweep)}", f"/sweeps/{quote(sweep)}/entries/{quote(entry)}"):
        assert f'action="{page}/share"' in submitter.get(page).text
        assert "/share" not in reader.get(page).text
        assert reader.post(f"{page}/share", data={"days": "1"}).status_code == 403
        made = submitter.post(f"{page}/share", data={"days": "1"})
        [link] = re.findall(rf'value="(http://{NAME}/s/gl_[^"]+)"', made.text)
        assert made.status_code == 200 and made.headers["Cache-Control"] == "no-store"
        assert anybody.get(link).status_code == 200
        for days in ("", "0", "-1", "nan", "1e9", "400", "x"):
            assert submitter.post(f"{page}/share", data={"days": days}).status_code == 422
    foreign = submitter.post(f"{page}/share", data={"days": "1"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


def test_guessing_links_is_bounded(place: Workplace) -> None:
    app = make_app(Service(place=place, host="127.0.0.1", port=0, share_requests_per_minute=3))
    client = TestClient(app, base_url=f"http://{NAME}")
    codes = [
        client.get(f"/s/gl_0000000{n}_x", headers={"Authorization": f"Bearer gs_{n}_x"}).status_code for n in range(8)
    ]
    assert codes.count(404) <= 6 and codes[-1] == 429


def test_the_log_of_requests_has_no_secret(place: Workplace) -> None:
    service, lines = Service(place=place, host="127.0.0.1", port=0), list[str]()
    app = make_app(service)
    app.add_middleware(RequestLog, metrics=Metrics(service), write=lines.append)
    TestClient(app, base_url=f"http://{NAME}").get("/s/gl_12345678_s3cret")
    assert json.loads(lines[0])["path"] == "/s/…" and "s3cret" not in lines[0]


def test_by_command(
    golfsweep: Command, refused: Any, place: Workplace, home: Path, sweep: str, anybody: TestClient
) -> None:
    code, out, _ = golfsweep("share", sweep, "--expires", "12h", "--home", home)
    assert code == 0 and out.startswith("/s/gl_") and anybody.get(out.strip()).status_code == 200
    name = out.split("_")[1]
    _, listed, _ = golfsweep("share", "--list", "--home", home)
    assert name in listed and out.split("_")[2].strip() not in listed
    assert golfsweep("share", "--revoke", name, "--home", home)[1] == f"Revoked link {name} to {sweep}.\n"
    assert anybody.get(out.strip()).status_code == 404
    for words in ((), ("no",), (sweep, "--entry", "no"), (sweep, "--expires", "soon"), (sweep, "--list"),
                  ("--revoke", "zz"), (sweep, "--expires", "0d"), (sweep, "--expires", "999d")):  # fmt: skip
        refused("share", *words, "--home", home)


@pytest.mark.parametrize(("text", "days"), [("7d", 7.0), ("12h", 0.5), ("3", 3.0), ("1.5d", 1.5)])
def test_durations(text: str, days: float) -> None:
    assert read_days(text) == days
