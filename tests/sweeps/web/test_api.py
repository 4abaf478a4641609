"""The API: what the commands print with --json, in pages, with refusals that say what would be right."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from jobs.budget import Budget
from jobs.machine.clock import steady_epoch
from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.sweeps.conftest import Command
from tests.sweeps.web.conftest import Connect


def test_the_leaderboard_is_that_of_the_command(connect: Connect, place: Workplace, golfsweep: Command) -> None:
    printed = json.loads(golfsweep("leaderboard", "--json", "--home", place.home.root)[1])
    answered = connect().get("/api/v1/leaderboard").json()
    assert answered == printed
    assert next(row["rank"] for row in answered["rows"] if row["track"] == "legal") == 1


def test_status_and_show_are_those_of_the_commands(connect: Connect, place: Workplace, golfsweep: Command) -> None:
    client = connect()
    [sweep] = client.get("/api/v1/sweeps").json()["sweeps"]
    [printed] = json.loads(golfsweep("status", "--json", "--home", place.home.root)[1])["sweeps"]
    assert client.get(f"/api/v1/sweeps/{sweep['name']}").json() == printed
    job = client.get(f"/api/v1/sweeps/{sweep['name']}/jobs").json()["jobs"][0]
    shown = json.loads(golfsweep("show", job["key"], "--json", "--home", place.home.root)[1])
    assert client.get(f"/api/v1/jobs/{job['key']}").json() == shown
    assert client.get(f"/api/v1/sweeps/{sweep['name']}/file").json()["file"] == place.store.sweeps()[0].spec["file"]


def test_entries_have_their_certificates(connect: Connect) -> None:
    client = connect()
    rows = client.get("/api/v1/leaderboard").json()["rows"]
    for row in rows:
        entry = client.get(f"/api/v1/sweeps/{row['sweep']}/entries/{row['name']}").json()
        assert entry["certificate"]["findings"] is not None and entry["mismatches"] == []


def test_pages_of_any_size_give_every_job_once(connect: Connect, place: Workplace) -> None:
    client, name = connect(), place.store.sweeps()[0].name
    keys = [record.key for record in place.store.jobs(sweep=name)]
    for limit in (1, 3, len(keys), 500):
        got: list[str] = []
        after: str | None = ""
        while after is not None:
            page = client.get(f"/api/v1/sweeps/{name}/jobs", params={"after": after, "limit": limit}).json()
            got += [job["key"] for job in page["jobs"]]
            assert len(got) <= len(keys)
            after = page["next"]
        assert got == keys


def test_what_is_known_already_is_not_sent_again(connect: Connect) -> None:
    client = connect()
    first = client.get("/api/v1/leaderboard")
    again = client.get("/api/v1/leaderboard", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", [
    "/api/v1/sweeps/nothing", "/api/v1/sweeps/nothing/jobs", "/api/v1/sweeps/%00", "/api/v1/leaderboard?sweep=nothing",
    f"/api/v1/jobs/{'0' * 64}", "/api/v1/sweeps/inline/entries/nobody", "/api/v1/nothing",
    "/api/v1/sweeps/nothing/events", "/api/v1/activity?sweep=nothing",
])  # fmt: skip
def test_what_is_not_there_is_said_so_with_a_hint(connect: Connect, path: str) -> None:
    answer = connect().get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404 and answer.json()["detail"]


@pytest.mark.parametrize("path", [
    "/api/v1/jobs/xyz", "/api/v1/sweeps?limit=0", "/api/v1/activity?after=-1", "/api/v1/activity?after=9e99",
    "/api/v1/leaderboard?contest=chess",
])  # fmt: skip
def test_wrong_values_are_named(connect: Connect, path: str) -> None:
    answer = connect().get(path)
    assert answer.status_code == 422 and answer.json()["detail"] and answer.json()["hint"]


class TestEvents:
    def test_pages_end_where_the_stream_begins(self, connect: Connect, place: Workplace) -> None:
        client, after, seen = connect(), 0, []
        while page := client.get("/api/v1/activity", params={"after": after, "limit": 7}).json()["events"]:
            seen += [event["id"] for event in page]
            after = seen[-1]
        assert seen == [event.id for event in place.store.events(limit=10**6)]

    def test_health_needs_no_token(self, connect: Connect) -> None:
        client = connect(None)
        assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/openapi.json")] == [200, 200, 200]

    def test_tokens_are_listed_without_their_secrets(self, connect: Connect) -> None:
        listed = connect(Scope.ADMIN).get("/api/v1/tokens").json()["tokens"]
        assert {token["owner"] for token in listed} >= {"reader", "submiter", "adminer"}
        assert all("digest" not in token for token in listed)
        assert all(token["created"] <= steady_epoch() for token in listed)


def test_a_cursor_that_nothing_has_is_refused(connect: Connect, place: Workplace) -> None:
    name = place.store.sweeps()[0].name
    for path in ("/api/v1/sweeps", f"/api/v1/sweeps/{name}/jobs", "/sweeps"):
        assert connect().get(path, params={"after": "nothing"}).status_code == 422, path


def test_a_sweep_whose_driver_is_gone_is_stopped_wherever_it_is_shown(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    place.store.put_sweep("left", {"file": {"name": "left"}, "machine": {}, "rules": "accepted"}, Budget())
    service = Service(place=place, host="127.0.0.1", port=0, public=True)
    client = TestClient(make_app(service), base_url="http://localhost")
    [summary] = client.get("/api/v1/sweeps").json()["sweeps"]
    assert (summary["state"], client.get("/api/v1/sweeps/left").json()["state"]) == ("stopped", "stopped")
    assert "stopped" in client.get("/sweeps").text
    place.store.close()
