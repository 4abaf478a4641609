"""Submitting sweeps over HTTP and deciding about them: each write names its owner in the events."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from jobs.state import Scope, SubmissionState
from jobs.store import SubmittedContent
from jobs.workplace import Workplace
from sweeps.web.actions import checking
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.jobs.stores import DONE, FACTS, order
from tests.sweeps.web.conftest import NAME

FILE = """
name = "sent"
priority = 2
[data]
tokens = "demo"
[recipe]
eval.preset = "none"
[seeds]
confirm = [3]
[[arm]]
name = "base"
"""
SCRIPT = """
name = "scripted"
[data]
tokens = "demo"
[seeds]
confirm = [3]
[script]
file = "code/train.py"
[script.train]
metric = "loss=(.*)"
[[arm]]
name = "base"
"""


@pytest.fixture
def place(own_place: Workplace) -> Workplace:
    """An empty home, in place of the finished one."""
    return own_place


@pytest.fixture
def client(place: Workplace) -> TestClient:
    return client_of(place, "anna")


def client_of(place: Workplace, owner: str, scope: Scope = Scope.SUBMIT) -> TestClient:
    token = place.store.create_token(scope, owner, days=1).text
    app = make_app(Service(place=place, host="127.0.0.1", port=0))
    return TestClient(app, base_url=f"http://{NAME}", headers={"Authorization": f"Bearer {token}"})


def submit(client: TestClient, **body: Any) -> Any:
    return client.post("/api/v1/sweeps", json={"file": FILE} | body)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Have files be checked in this process; one test does it as the service does."""
    from sweeps.spec.submitted import check

    seen: list[Any] = []

    def check_here(text: str, assignments: Any, files: Any, more_seeds: int = 0) -> dict[str, Any]:
        seen.append(text)
        return check(text, list(assignments), files, more_seeds)

    for module in ("submitting", "deciding"):
        monkeypatch.setattr(f"sweeps.web.actions.{module}.check_file", check_here)
    return seen


def test_a_file_is_checked_in_a_process_of_its_own(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLFSWEEP_DB", "postgresql://me:secret@host/db")
    assert "GOLFSWEEP_DB" not in checking._environment("/tmp")
    answer = submit(
        client, file=FILE.replace("confirm = [3]", "confirm = [3, 'x']\nmore = 1").replace('"none"', '"nine"')
    )
    problem = answer.json()
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert [word in problem["detail"] for word in ("seeds.more", "seeds.confirm", "nine")] == [True] * 3
    assert client.get("/api/v1/sweeps").json()["sweeps"] == []


def test_the_same_file_twenty_times_at_once_is_checked_once_and_one_sweep(
    client: TestClient, place: Workplace, checked: list[Any]
) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: submit(client), range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["ticket"] for answer in answers}) == 1
    assert len(checked) == len(place.store.last_submissions()) == 1


def test_versions_come_in_pages(client: TestClient, place: Workplace) -> None:
    for number in range(5):
        place.store.submit("sent", SubmittedContent(file=f'name = "sent"  # {number}'))
    first = client.get("/api/v1/sweeps/sent/versions", params={"limit": 3}).json()
    assert ([each["version"] for each in first["versions"]], first["next"]) == ([1, 2, 3], "3")
    rest = client.get("/api/v1/sweeps/sent/versions", params={"limit": 3, "after": first["next"]}).json()
    assert ([each["version"] for each in rest["versions"]], rest["next"]) == ([4, 5], None)
    assert '-name = "sent"  # 2' in rest["versions"][0]["differences"]


def test_a_new_sweep_waits_and_is_shown(client: TestClient, place: Workplace, checked: list[Any]) -> None:
    answer = submit(client, tags=["b", "a"], agent="greedy", set=["eval.chunk=64"])
    made = answer.json()
    assert answer.status_code == 201 and answer.headers["location"] == made["location"] == "/api/v1/sweeps/sent"
    assert {name: made[name] for name in ("sweep", "version", "state", "owner", "agent", "priority")} == {
        "sweep": "sent", "version": 1, "state": "queued", "owner": "anna", "agent": "greedy", "priority": 2,
    }  # fmt: skip
    status = client.get(made["location"]).json()
    assert (status["state"], status["tags"]) == ("queued", ["a", "b"])
    assert status["reason"].startswith("no driver; golfsweep run --queue")
    assert status["submission"]["ticket"] == made["ticket"]
    [listed] = client.get("/api/v1/sweeps").json()["sweeps"]
    assert (listed["name"], listed["state"]) == ("sent", "queued")
    for page in ("/sweeps", "/sweeps/sent", "/", "/sweeps/sent/jobs"):
        assert client.get(page).status_code == 200
    [version] = client.get("/api/v1/sweeps/sent/versions").json()["versions"]
    assert (version["file"], version["set"], version["differences"]) == (FILE, ["eval.chunk=64"], "")
    assert [(event.kind.value, event.who) for event in place.store.events(sweep="sent")] == [
        ("sweep submitted", "anna")
    ]


def test_the_same_file_is_the_same_sweep_and_an_edited_one_a_new_version(
    client: TestClient, place: Workplace, checked: list[Any]
) -> None:
    first, again = submit(client), submit(client_of(place, "ben"), tags=["x"])
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(checked) == 1, "what is known is not checked once more"
    edited = submit(client_of(place, "ben"), file=FILE.replace("[3]", "[3, 4]"))
    assert (edited.status_code, edited.json()["version"]) == (201, 2)
    first_version, second = client.get("/api/v1/sweeps/sent/versions").json()["versions"]
    assert (first_version["state"], first_version["reason"]) == ("ended", "replaced by version 2")
    assert "-confirm = [3]\n+confirm = [3, 4]" in second["differences"]


@pytest.mark.parametrize(("change", "word"), [
    ({"file": "x"}, "not TOML"), ({"file": "a = 1"}, "name: missing"), ({"file": "name = 1"}, "expected text"),
    ({"set": ["nothing"]}, "not an assignment"), ({"set": ["a=\x00"]}, "set"), ({"tags": [" "]}, "tags"),
    ({"agent": " x"}, "agent"), ({"files": {"a.py": "0" * 64}}, "PUT /api/v1/contents/0000"),
    ({"files": {"a.py": "0"}}, "files"), ({"other": 1}, "other"), ({"file": ""}, "file"),
    ({"file": FILE.replace('"demo"', '"data/here"\ntokenizer = "/t.model"')}, "give an absolute one"),
])  # fmt: skip
def test_wrong_submissions_are_refused(
    client: TestClient, place: Workplace, checked: list[Any], change: dict[str, Any], word: str
) -> None:
    answer = submit(client, **change)
    assert answer.status_code == 422 and word in str(answer.json()), answer.json()
    assert place.store.last_submissions() == []


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.py", "code/../../up.py"])
def test_no_file_of_another_machine_becomes_a_script(
    client: TestClient, place: Workplace, checked: list[Any], path: str
) -> None:
    digest = place.files.put(b"print('loss=1')")
    sent = submit(client, file=SCRIPT.replace("code/train.py", path), files={path: digest})
    assert sent.status_code == 422 and "sent along" in sent.json()["detail"]
    unsent = submit(client, file=SCRIPT, files={"train.py": digest})
    assert unsent.status_code == 422 and "give its digest in files" in str(unsent.json())
    assert submit(client, file=SCRIPT, files={"code/train.py": digest}).status_code == 201
    assert digest == hashlib.sha256(b"print('loss=1')").hexdigest()


class TestDecisions:
    @pytest.fixture(autouse=True)
    def sent(self, client: TestClient, checked: list[Any]) -> None:
        assert submit(client).status_code == 201

    def decide(self, client: TestClient, what: str, method: str = "POST", **body: Any) -> Any:
        answer = client.request(method, f"/api/v1/sweeps/sent/{what}", json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_pause_resume_cancel(self, client: TestClient, place: Workplace) -> None:
        ben = client_of(place, "ben")
        assert self.decide(ben, "pause") | {"tags": 0} == {
            "name": "sent", "state": "paused", "reason": "paused by ben", "tags": 0, "priority": 2, "jobs": 0,
        }  # fmt: skip
        assert self.decide(ben, "resume")["state"] == "queued"
        assert self.decide(ben, "cancel")["state"] == "cancelled"
        assert self.decide(ben, "cancel")["state"] == "cancelled", "once more is no error"
        assert ben.post("/api/v1/sweeps/sent/pause").status_code == 409
        written = [(event.kind.value, event.who) for event in place.store.events(sweep="sent")]
        assert written[1:] == [("sweep paused", "ben"), ("sweep resumed", "ben"), ("sweep cancelled", "ben")]

    def test_priority_and_tags(self, client: TestClient, place: Workplace) -> None:
        assert self.decide(client, "priority", "PUT", priority=-4)["priority"] == -4
        assert self.decide(client, "tags", "PUT", tags=["new", "new"])["tags"] == ["new"]
        assert self.decide(client, "tags", "PUT", tags=["other"])["tags"] == ["other"]
        record = place.store.submission("sent")
        assert record is not None and (record.priority, record.tags) == (-4, ("other",))

    def test_seeds_have_a_price_and_are_a_version(self, client: TestClient, place: Workplace) -> None:
        place.store.put_sweep("sent", {}, owner="anna")
        store = place.store
        store.beat("a")
        record = store.put_job(order(3, sweep="sent", slots=2))
        store.claim("a", 1)
        attempt = store.start_attempt(record.key, "a", **FACTS)
        store.finish(record.key, attempt, {}, sizes={}, **DONE | {"seconds": 1800.0})
        dry = self.decide(client, "seeds", add=2, dry=True)
        assert dry == {"seeds": [4, 5], "slot_hours": 2.0, "dollars": None, "submission": None}
        assert len(store.submission_versions("sent")) == 1
        done = self.decide(client, "seeds", add=2)
        assert done["submission"]["version"] == 2 and done["seeds"] == [4, 5]
        latest = store.submission("sent")
        assert latest is not None and latest.assignments == ("seeds.confirm=[3, 4, 5]",)
        assert self.decide(client, "seeds", add=1)["seeds"] == [6]

    def test_what_is_not_there_or_not_submitted(self, client: TestClient, place: Workplace) -> None:
        place.store.put_sweep("own", {"file": {}, "machine": {}})
        for what in ("pause", "resume"):
            assert client.post(f"/api/v1/sweeps/own/{what}").status_code == 409
            assert client.post(f"/api/v1/sweeps/nothing/{what}").status_code == 404
        assert client.put("/api/v1/sweeps/own/priority", json={"priority": 1}).status_code == 409
        assert client.post(f"/api/v1/jobs/{'0' * 64}/cancel").status_code == 404

    def test_jobs(self, client: TestClient, place: Workplace) -> None:
        place.store.put_sweep(
            "sent", {"board": {"rules": "accepted", "baseline": None, "search": None, "trials": 0, "given_trials": 0}}
        )
        job = place.store.put_job(order(1, sweep="sent"))
        assert client.post(f"/api/v1/jobs/{job.key}/retry").status_code == 409
        cancelled = client.post(f"/api/v1/jobs/{job.key}/cancel")
        assert cancelled.json()["state"] == "cancelled"
        assert client.post(f"/api/v1/jobs/{job.key}/cancel").status_code == 409
        assert client.post(f"/api/v1/jobs/{job.key}/retry").json()["state"] == "queued"
        events = [(event.kind.value, event.who) for event in place.store.events(sweep="sent") if event.key == job.key]
        assert events[1:] == [("job cancelled", "anna"), ("job requested", "anna")]

    def test_readers_decide_nothing(self, place: Workplace) -> None:
        reader = client_of(place, "eve", Scope.READ)
        before = place.store.last_event()
        for path in ("cancel", "pause", "resume", "retry", "seeds"):
            assert reader.post(f"/api/v1/sweeps/sent/{path}").status_code == 403
        assert submit(reader, file=FILE + "# x").status_code == 403
        assert place.store.last_event() == before
        record = place.store.submission("sent")
        assert record is not None and record.state == SubmissionState.QUEUED


class TestForms:
    """The same by plain forms, as browsers without scripts send them."""

    def browser(self, place: Workplace, owner: str = "anna", scope: Scope = Scope.SUBMIT) -> TestClient:
        client = client_of(place, owner, scope)
        client.cookies.set("golfsweep_token", client.headers.pop("authorization").removeprefix("Bearer "))
        client.headers["Sec-Fetch-Site"] = "same-origin"
        return client

    def test_a_sweep_is_submitted_edited_and_decided_about(self, place: Workplace, checked: list[Any]) -> None:
        client = self.browser(place)
        assert "<textarea" in client.get("/submit").text
        script = {"files": ("code/train.py", b"print('loss=1')", "text/x-python")}
        sent = client.post("/submit", data={"file": SCRIPT.replace("\n", "\r\n"), "tags": "a, b"}, files=script)
        assert sent.status_code == 200 and sent.url.path == "/sweeps/scripted"
        first = place.store.submission("scripted")
        assert first is not None and (first.file, first.owner, first.tags) == (SCRIPT, "anna", ("a", "b"))
        edit = client.get("/submit?sweep=scripted").text
        digest = first.files["code/train.py"]
        assert f'value="code/train.py={digest}" checked' in edit
        kept = {"sweep": "scripted", "kept": f"code/train.py={digest}", "set": "seeds.confirm=[3, 4]", "file": SCRIPT}
        page = client.post("/submit", files={name: (None, value) for name, value in kept.items()}).text
        assert "+--set seeds.confirm=[3, 4]" in page
        for what, fields in (("priority", {"priority": "5"}), ("tags", {"tags": "x"}), ("pause", {})):
            assert client.post(f"/sweeps/scripted/{what}", data=fields).status_code == 200
        last = place.store.submission("scripted")
        assert last is not None
        assert (last.version, last.priority, last.tags, last.reason) == (2, 5, ("x",), "paused by anna")
        price = client.post("/sweeps/scripted/seeds/price", data={"add": "2"}).text
        assert "on seeds 5, 6, too. Price: not known" in price
        client.post("/sweeps/scripted/seeds", data={"add": "2"})
        client.post("/sweeps/scripted/cancel")
        last = place.store.submission("scripted")
        assert last is not None and (last.version, last.state) == (3, "cancelled")
        assert "Resume" in client.get("/sweeps/scripted").text

    def test_what_is_wrong_is_said_in_the_form_that_keeps_all(self, place: Workplace, checked: list[Any]) -> None:
        hostile = "</textarea><script>alert(1)</script>"
        page = self.browser(place).post("/submit", files={"file": (None, hostile), "tags": (None, '"><img>')})
        assert page.status_code == 422 and "not TOML" in page.text
        assert "<script>alert" not in page.text and "<img>" not in page.text
        assert place.store.last_submissions() == []

    def test_a_path_in_an_upload_stays_a_name(self, place: Workplace, checked: list[Any]) -> None:
        script = {"files": ("../../up.py", b"x", "text/plain")}
        page = self.browser(place).post("/submit", data={"file": SCRIPT}, files=script)
        assert page.status_code == 422 and "not the name of a file" in page.text

    def test_another_sites_page_decides_nothing(self, place: Workplace, checked: list[Any]) -> None:
        client = self.browser(place)
        assert client.post("/submit", data={"file": FILE}, files={"files": ("", b"")}).status_code == 200
        client.headers["Sec-Fetch-Site"] = "cross-site"
        for path in ("/submit", "/sweeps/sent/cancel", "/sweeps/sent/pause", "/api/v1/sweeps/sent/cancel"):
            assert client.post(path, data={"file": FILE}).status_code == 403
        record = place.store.submission("sent")
        assert record is not None and record.state == SubmissionState.QUEUED

    def test_a_reader_sees_no_form_and_sends_none(self, place: Workplace, checked: list[Any]) -> None:
        client = self.browser(place)
        client.post("/submit", data={"file": FILE}, files={"files": ("", b"")})
        reader = self.browser(place, "eve", Scope.READ)
        assert "Cancel this sweep" not in reader.get("/sweeps/sent").text
        assert "may read only" in reader.get("/submit").text
        assert reader.post("/sweeps/sent/cancel").status_code == 403
        assert client.post("/sweeps/sent/explode").status_code == 404
        assert client.post("/sweeps/sent/priority", data={"priority": "x"}).status_code == 422


def test_no_secret_of_the_node_reaches_a_submitted_script(
    client: TestClient, place: Workplace, checked: list[Any]
) -> None:
    files = {"code/train.py": place.files.put(b"print('loss=1')")}

    def passing(*names: str) -> Any:
        text = SCRIPT.replace("[script.train]", f"pass = {list(names)}\n[script.train]")
        return submit(client, file=text, files=files)

    for name in (
        "GOLFSWEEP_DB",
        "GOLFSWEEP_TOKEN",
        "RAY_AUTH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "HF_TOKEN",
    ):
        answer = passing("PYTHONPATH", name)
        assert answer.status_code == 422 and "script.pass" in answer.json()["detail"], name
    assert passing("PYTHONPATH", "LD_PRELOAD").status_code == 201


@pytest.mark.parametrize("names", [
    ["../train.py"], ["/etc/cron.d/x"], [".."], ["."], ["a/../../b"], ["a\u2028b"], ["code/train.py/x"], ["code"],
    ["x" * 300], ["a/" + "é" * 150],
])  # fmt: skip
def test_names_that_cannot_be_written_below_a_folder_are_refused(
    client: TestClient, place: Workplace, checked: list[Any], names: list[str]
) -> None:
    digest = place.files.put(b"print('loss=1')")
    answer = submit(client, file=SCRIPT, files=dict.fromkeys(["code/train.py", *names], digest))
    assert answer.status_code == 422 and "files: " in answer.json()["detail"]
    assert place.store.submission("scripted") is None
