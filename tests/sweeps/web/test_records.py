"""Records over the service: a folder as a zip file is judged as `golfsweep check` does, imported, and listed."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from jobs.state import EventKind, Scope
from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.submission.judges import JUDGES
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.sweeps.records.miniature import first_era
from tests.sweeps.records.test_archive import pack
from tests.sweeps.web.conftest import NAME

NAME_OF_RECORD = "2026-03-18_Small"
ZIP = {"Content-Type": "application/zip"}


def zipped(**changes: object) -> bytes:
    """A record of three seeds."""
    claims = {"name": "Small", "val_bpb": 1.2001, "date": "2026-03-18", "author": "anna", "seeds": [7, 8, 9]}
    logs = [(f"train_seed{seed}.log", first_era(seed).encode()) for seed in (7, 8, 9)]
    return pack(("submission.json", json.dumps(claims | changes).encode()), *logs)


@pytest.fixture
def place(own_place: Workplace) -> Workplace:
    """An empty home, in place of the finished one."""
    return own_place


@pytest.fixture
def client(place: Workplace) -> TestClient:
    return client_of(place, Scope.SUBMIT)


def client_of(place: Workplace, scope: Scope) -> TestClient:
    token = place.store.create_token(scope, "anna", days=1).text
    app = make_app(Service(place=place, host="127.0.0.1", port=0))
    return TestClient(app, base_url=f"http://{NAME}", headers={"Authorization": f"Bearer {token}"})


def test_a_folder_is_judged_as_the_command_does_and_not_kept(
    client: TestClient, place: Workplace, tmp_path: Path
) -> None:
    folder = tmp_path / NAME_OF_RECORD
    folder.mkdir()
    claims = {"name": "Small", "val_bpb": 1.1, "date": "2026-03-18", "author": "anna", "seeds": [7, 8, 9]}
    (folder / "submission.json").write_text(json.dumps(claims))
    for seed in (7, 8, 9):
        (folder / f"train_seed{seed}.log").write_text(first_era(seed))
    expected = JUDGES["bits-per-byte"].review(folder, contest_named(DEFAULT))
    answer = client.post(
        "/api/v1/records/check", params={"name": NAME_OF_RECORD}, content=zipped(val_bpb=1.1), headers=ZIP
    )
    assert answer.status_code == 200
    document = answer.json()
    assert document["markdown"] == expected.text() and document["passes"] == expected.passes is False
    assert document["review"]["row"]["name"] == NAME_OF_RECORD
    assert place.store.records() == []


def test_an_import_is_listed_with_who_sent_it_and_changes_nothing_twice(client: TestClient, place: Workplace) -> None:
    for changed in ([NAME_OF_RECORD], []):
        answer = client.post("/api/v1/records", params={"name": NAME_OF_RECORD}, content=zipped(), headers=ZIP)
        assert (answer.status_code, answer.json()["changed"]) == (200, changed)
    [record] = client.get("/api/v1/records").json()["records"]
    assert record["name"] == NAME_OF_RECORD and record["val_bpb_mean"] == pytest.approx(1.2001)
    [event] = [event for event in place.store.events() if event.kind == EventKind.RECORD_IMPORTED]
    assert (event.who, event.detail) == ("anna", {"record": NAME_OF_RECORD, "new": True})
    page = client.get("/records").text
    assert f"/records/{NAME_OF_RECORD}" in page
    assert "1.2001" in client.get(f"/records/{NAME_OF_RECORD}").text


def test_who_may_only_read_may_not_send(place: Workplace) -> None:
    reader = client_of(place, Scope.READ)
    for path in ("/api/v1/records", "/api/v1/records/check", "/records"):
        assert reader.post(path, params={"name": "x"}, content=b"", headers=ZIP).status_code == 403
    assert "upload" not in reader.get("/records").text


@pytest.mark.parametrize(("content", "kind", "status", "words"), [
    (b"no zip", "application/zip", 422, "not a zip file"),
    (pack(("README.md", b"nothing")), "application/zip", 422, "no record in it"),
    (pack(("../submission.json", b"{}")), "application/zip", 422, "leads out of its folder"),
    (b"{}", "application/json", 415, "expected application/zip"),
])  # fmt: skip
def test_what_is_no_record_is_refused(client: TestClient, content: bytes, kind: str, status: int, words: str) -> None:
    for path in ("/api/v1/records", "/api/v1/records/check"):
        answer = client.post(path, params={"name": "x"}, content=content, headers={"Content-Type": kind})
        assert answer.status_code == status and words in answer.json()["detail"]
    assert client.post("/api/v1/records", params={"name": ".."}, content=content, headers=ZIP).status_code == 422
    assert client.get("/api/v1/records", params={"contest": "nothing"}).status_code == 422


def test_a_browser_sends_a_file(client: TestClient) -> None:
    file = {"archive": (f"C:\\tmp\\{NAME_OF_RECORD}.zip", zipped(), "application/zip")}
    page = client.post("/records", files=file, data={"action": "check"})
    assert page.status_code == 200 and f"Check of {NAME_OF_RECORD}" in page.text
    done = client.post("/records", files=file, data={"action": "import"}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, f"/records?contest={DEFAULT}")
    assert NAME_OF_RECORD in client.get("/records").text
    broken = client.post("/records", files={"archive": ("<img src=x>.zip", b"no zip", "application/zip")})
    assert broken.status_code == 422 and "not a zip file" in broken.text and "<img" not in broken.text
