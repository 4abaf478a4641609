"""Pages: all there without scripts, for those with a token; names and texts of others are data on every one of them."""

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from golf.data.corpus import DemoData
from jobs.budget import Budget
from jobs.state import Scope, SweepState
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.pages.login import _within
from sweeps.web.service import Service
from tests.sweeps.web.conftest import NAME, Connect

HOSTILE = "<img src=x onerror=alert(1)>"
PATHS = ("/", "/sweeps", "/compare", "/records", "/cluster", "/activity")


class Tags(HTMLParser):
    """Names of a page's elements, its attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def paths(place: Workplace) -> list[str]:
    """Every page of the served home."""
    name = place.store.sweeps()[0].name
    jobs = [f"/jobs/{record.key}" for record in place.store.jobs(sweep=name)]
    entries = [f"/sweeps/{name}/entries/{quote(entry.name)}" for entry in place.store.entries(name)]
    pair = "&".join(
        f"{side}={quote(f'{name}/{entry.name}')}"
        for side, entry in zip(("challenger", "incumbent"), place.store.entries(name), strict=False)
    )
    return [*PATHS, f"/sweeps/{name}", f"/sweeps/{name}/jobs", f"/compare?{pair}", *entries, *jobs]


def test_every_page_is_whole_and_has_nothing_inline(connect: Connect, place: Workplace) -> None:
    client = connect()
    for path in paths(place):
        answer = client.get(path)
        page = Tags(answer.text)
        assert answer.status_code == 200, path
        assert page.elements.count("h1") == page.elements.count("main") == 1, path
        assert not [name for name, _ in page.attributes if name == "style" or name.startswith("on")], path
        assert "style" not in page.elements, path
        assert all(value.startswith("/") for name, value in page.attributes if name == "src" and value), path


def test_the_leaderboard_shows_every_entry_with_its_verdict(connect: Connect) -> None:
    client = connect()
    rows = client.get("/api/v1/leaderboard").json()["rows"]
    page = Tags(client.get("/").text).text
    assert all(row["name"] in page for row in rows)
    assert all(word in page for word in ("Record", "Legal", "Fits", "Cost", "Next"))


def test_links_lead_somewhere(connect: Connect, place: Workplace) -> None:
    client = connect()
    links = {
        value
        for path in paths(place)
        for name, value in Tags(client.get(path).text).attributes
        if name == "href" and value and value.startswith("/")
    }
    assert {link: code for link in links if (code := client.get(link).status_code) != 200} == {}


def test_what_is_not_there_is_a_page(connect: Connect) -> None:
    for path in ("/sweeps/nothing", f"/jobs/{'0' * 64}", "/nothing", "/?sweep=nothing", "/static/nothing.css"):
        answer = connect().get(path)
        assert answer.status_code == 404 and answer.headers["content-type"].startswith("text/html")
    page = Tags(connect().get("/nothing").text).text
    assert "no page is at '/nothing'" in page and "openapi" not in page
    assert connect().get("/jobs/xyz").status_code == 422


class TestLogin:
    def test_a_browser_without_a_token_is_sent_there_and_back(self, connect: Connect, place: Workplace) -> None:
        text = place.store.create_token(Scope.READ, "anna", days=1).text
        client = connect(None)
        answer = client.get("/sweeps?after=x", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fsweeps%3Fafter%3Dx")
        page = client.get(answer.headers["location"])
        assert 'value="/sweeps?after=x"' in page.text
        done = client.post("/login", data={"token": text, "next": "/sweeps?after=x"}, follow_redirects=False)
        assert (done.status_code, done.headers["location"]) == (303, "/sweeps?after=x")
        cookie = done.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
        assert client.get("/sweeps").status_code == 200
        assert client.get("/api/v1/sweeps").status_code == 200
        client.post("/logout")
        assert client.get("/sweeps", follow_redirects=False).status_code == 303

    def test_a_wrong_token_is_said_to_be_wrong(self, connect: Connect) -> None:
        client = connect(None)
        for token in ("", "gs_0_0", "x" * 10_000, "\x00"):
            answer = client.post("/login", data={"token": token})
            assert answer.status_code == 401 and "not known" in answer.text
            assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize("target", [
        "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "\\/evil.example",
        "/\n/evil", "", "evil", "/\t/evil.example",
    ])  # fmt: skip
    def test_it_leads_nowhere_else(self, target: str) -> None:
        assert _within(target) == "/"

    def test_another_sites_page_cannot_log_anybody_in_or_out(self, connect: Connect) -> None:
        client = connect(None)
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            for path in ("/login", "/logout"):
                assert client.post(path, data={"token": "x"}, headers=headers).status_code == 403
        assert client.post("/login", data={"token": "x"}, headers={"Origin": f"http://{NAME}"}).status_code == 401


class TestHostileNames:
    @pytest.fixture
    def client(self, tmp_path_factory: pytest.TempPathFactory, demo: DemoData) -> TestClient:
        place = Workplace.open(tmp_path_factory.mktemp("hostile"))
        spec = {"file": {"name": HOSTILE, "note": HOSTILE}, "machine": {}, "rules": "accepted"}
        place.store.put_sweep("fine", spec, Budget(), owner=HOSTILE)
        place.store.tag("fine", [HOSTILE])
        place.store.end_sweep("fine", SweepState.FAILED, HOSTILE)
        token = place.store.create_token(Scope.READ, HOSTILE, days=1).text
        service = Service(place=place, host="127.0.0.1", port=0)
        headers = {"Authorization": f"Bearer {token}"}
        return TestClient(make_app(service), base_url=f"http://{NAME}", headers=headers)

    def test_they_are_data(self, client: TestClient) -> None:
        shown = 0
        for path in ("/sweeps", "/activity", "/cluster", f"/sweeps/{quote(HOSTILE)}", f"/?sweep={quote(HOSTILE)}"):
            page = client.get(path).text
            assert "img" not in Tags(page).elements
            shown += len(re.findall("&lt;img", page))
        assert shown >= 4
