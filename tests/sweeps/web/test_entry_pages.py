"""Pages of an entry and of two: what the commands show of them, by address; and what a leaderboard leaves out."""

import re
from typing import cast
from urllib.parse import quote

from fastapi.testclient import TestClient

from jobs.workplace import Workplace
from sweeps.board.rules import Profile
from sweeps.entries.facts import SweepFacts
from sweeps.views.show import describe
from sweeps.views.verdicts.known_names import baseline_of
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.sweeps.web.conftest import Connect
from tests.sweeps.web.test_pages import Tags


def names(place: Workplace) -> tuple[str, list[str]]:
    """The served sweep and its entries."""
    sweep = place.store.sweeps()[0].name
    return sweep, [entry.name for entry in place.store.entries(sweep)]


def text(client: TestClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return Tags(answer.text).text


def test_an_entry_shows_its_verdict_seeds_jobs_and_difference_to_the_record(connect: Connect, place: Workplace) -> None:
    sweep, entries = names(place)
    for entry in entries:
        page = text(connect(), f"/sweeps/{sweep}/entries/{quote(entry)}")
        described = describe(f"{sweep}/{entry}", place)
        assert all(f"{seed}: {bpb:.4f}" in page for seed, bpb in described["seeds"].items())
        assert all(job["label"] in page for job in described["jobs"])
        assert "Legal" in page and "Next" in page
    rows = connect().get("/api/v1/leaderboard").json()["rows"]
    baseline = baseline_of(sweep, place)
    for row in rows:
        page = text(connect(), f"/sweeps/{sweep}/entries/{quote(row['name'])}")
        assert ("Compare the two" in page) == (row["name"] != baseline)


def test_what_is_not_there_is_said(connect: Connect, place: Workplace) -> None:
    sweep, _ = names(place)
    assert "no entry of that name" in text(connect(), f"/sweeps/{sweep}/entries/nothing", 404)
    assert "no record of that name" in text(connect(), "/records/nothing", 404)


def test_two_entries_are_compared_as_by_the_command(connect: Connect, place: Workplace) -> None:
    sweep, [first, second, *_] = names(place)
    pair = {"challenger": f"{sweep}/{second}", "incumbent": f"{sweep}/{first}"}
    answer = connect().get("/api/v1/compare", params=pair)
    assert answer.status_code == 200
    document = answer.json()
    page = Tags(connect().get("/compare", params=pair).text).text
    assert f"{document['difference']['mbpb']:+.2f} mBPB" in page
    assert document["next"]["sentence"][1:] in page
    again = connect().get("/api/v1/compare", params=pair, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_what_cannot_be_compared_is_a_line(connect: Connect, place: Workplace) -> None:
    sweep, [first, *_] = names(place)
    same = {"challenger": f"{sweep}/{first}", "incumbent": f"{sweep}/{first}"}
    for pair, words in ((same, "is the same entry twice"), (same | {"incumbent": "nothing"}, "no confirmed entry")):
        answer = connect().get("/compare", params=pair)
        assert answer.status_code == 422 and words in answer.text
        assert words in connect().get("/api/v1/compare", params=pair).json()["detail"]


def test_a_leaderboard_can_be_narrowed(connect: Connect, place: Workplace) -> None:
    _, entries = names(place)
    rows = connect().get("/api/v1/leaderboard").json()["rows"]
    tracks = {row["track"] for row in rows}
    for track in tracks:
        lines = connect().get("/leaderboard.csv", params={"track": track}).text.splitlines()
        assert len(lines) - 1 == sum(row["track"] == track for row in rows)
    assert "No confirmed entry" in text(connect(), "/?source=import")
    assert all(entry in text(connect(), "/?source=golfsweep") for entry in entries)
    assert connect().get("/?since=yesterday").status_code == 422
    assert text(connect(), "/?owner=nobody") != text(connect(), "/")


def test_a_sweep_that_cannot_be_read_hides_no_other(own_place: Workplace) -> None:
    own_place.store.put_record("2026-01-01_Golf", {"name": "2026-01-01_Golf", "seeds": {"1": 1.2}})
    own_place.store.put_sweep("newer", {"file": {"name": "newer"}, "board": {"form": "of a later version"}})
    service = Service(place=own_place, host="127.0.0.1", port=0, public=True)
    client = TestClient(make_app(service), base_url="http://localhost", raise_server_exceptions=False)
    assert "2026-01-01_Golf" in client.get("/").text
    assert "another version of golfsweep" in client.get("/sweeps/newer").text
    assert client.get("/sweeps").status_code == client.get("/cluster").status_code == 200


def test_sweeps_are_offered_by_the_rules_that_they_are_judged_by(own_place: Workplace) -> None:
    for name, rules in (("first", "accepted"), ("second", "strict")):
        facts = SweepFacts(name=name, rules=cast(Profile, rules), baseline=None, search=None, trials=0, given_trials=0)
        own_place.store.put_sweep(name, {"file": {"name": name}, "board": facts.to_json()})
    service = Service(place=own_place, host="127.0.0.1", port=0, public=True)
    client = TestClient(make_app(service), base_url="http://localhost")
    for rules, offered in (("", ["second", "first"]), ("accepted", ["first"]), ("strict", ["second"])):
        page = client.get("/", params={"rules": rules}).text
        sweeps = page.partition('<select id="sweep"')[2].partition("</select>")[0]
        assert re.findall('<option value="([^"]*)"', sweeps) == offered
