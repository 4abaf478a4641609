"""Commands on a service's sweeps: they show what they show at the database, and hand sweeps over."""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from golf.data.corpus import DemoData
from jobs.remote.connection import Connection, ServerAddress
from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.run.service import handing_over
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.sweeps import inline
from tests.sweeps.conftest import Command
from tests.sweeps.run.driving.test_queue import toml
from tests.sweeps.web.conftest import Connect

URL = "http://localhost"
SECONDS = 240.0
"""For whatever takes seconds, on a machine that does other work, too."""


@pytest.fixture
def served(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection is one to the service of the finished sweep."""
    client = connect(Scope.SUBMIT)
    monkeypatch.setattr(Connection, "_open", lambda _: client)
    monkeypatch.setenv("GOLFSWEEP_TOKEN", "gs_1_x")


@pytest.mark.parametrize("words", [
    ("leaderboard", "small", "--json"), ("status", "--json"), ("ls", "--json"), ("show", "small/base", "--json"),
    ("compare", "small/base", "small/adapted", "--json"), ("logs", "train", "--json"), ("watch", "small", "--json"),
    ("cancel", "small", "--json"),
])  # fmt: skip
def test_a_command_prints_the_same_as_at_the_database(
    golfsweep: Command, served: None, home: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    there = golfsweep(*words, "--home", home)
    here = golfsweep(*words, "--server", URL, "--home", tmp_path / "pod")
    changing = ("age_seconds", "report", "page", "next")  # times, and what names the home
    documents = [json.loads(out) if out.startswith("{") else out for _, out, _ in (there, here)]
    for document in documents:
        for each in [document, *document.get("sweeps", [])]:
            for name in changing:
                each.pop(name, None)
    assert documents[0] == documents[1]
    assert there[0] == here[0], (there[2], here[2])
    assert not (tmp_path / "pod" / "golfsweep.db").exists()


SCRIPT = """
name = "handed"
data.tokens = "/somewhere"
[script]
file = "train.py"
files = ["beside.py"]
python = "/usr/bin/python3"
[script.train]
metric = "score: ([0-9.]+)"
gpus = 1
max_seconds = 60
[seeds]
confirm = [1]
[[arm]]
name = "base"
baseline = true
"""


@pytest.fixture
def taking(own_place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A service that takes sweeps, and its home."""
    token = own_place.store.create_token(Scope.SUBMIT, "anna", days=1).text
    app = make_app(Service(place=own_place, host="127.0.0.1", port=0))
    client = TestClient(app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False)
    monkeypatch.setattr(Connection, "_open", lambda _: client)
    monkeypatch.setattr(handing_over, "LOOK_SECONDS", 0.05)
    monkeypatch.setenv("GOLFSWEEP_TOKEN", "gs_1_x")
    return own_place


def test_a_script_is_sent_along(
    golfsweep: Command, taking: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("import beside\nprint('score: 1.0')\n")
    Path("beside.py").write_text("x = 1\n")
    Path("sweep.toml").write_text(SCRIPT)
    monkeypatch.setattr(handing_over, "follow", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    code, _, err = golfsweep("run", "sweep.toml", "--server", URL, "--tag", "x", "--set", "seeds.confirm=[2]")
    assert code == 130 and "the sweep goes on if the service has it" in err, err
    digests = {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in ("train.py", "beside.py")}
    [sent] = taking.store.open_submissions()
    assert (sent.sweep, sent.owner, sent.agent, sent.tags) == ("handed", "anna", None, ("x",))
    assert (sent.file, sent.assignments, sent.files) == (SCRIPT, ("seeds.confirm=[2]",), digests)
    assert all(taking.files.is_whole(digest) for digest in digests.values())


def test_handed_over_with_detach_it_is_not_followed(
    golfsweep: Command, taking: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("train.py", "beside.py"):
        Path(name).write_text("print('score: 1.0')\n")
    Path("sweep.toml").write_text(SCRIPT)
    words = ("run", "sweep.toml", "--server", URL, "--detach")
    code, out, err = golfsweep(*words, "--json")
    [sent] = taking.store.open_submissions()
    assert code == 0, err
    assert json.loads(out) == {
        "ticket": sent.ticket, "sweep": "handed", "version": 1, "state": "queued", "server": URL,
        "wait": f"golfsweep wait handed --seconds 600 --server {URL}",
    }  # fmt: skip
    assert golfsweep(*words)[1].startswith(f"handed, version 1: queued (ticket {sent.ticket})\n")
    code, out, _ = golfsweep("wait", "handed", "--seconds", "0", "--server", URL, "--json")
    assert (code, json.loads(out)["state"]) == (3, "queued")


def test_options_that_the_service_decides_are_refused(
    golfsweep: Command, taking: Workplace, refused: Callable[..., str], tmp_path: Path
) -> None:
    for words in (["--here"], ["--owner", "me"], ["--executor", "local"], ["--ray", "h:1"]):
        assert f"{words[0]} with --server" in refused("run", tmp_path / "x.toml", "--server", URL, *words)
    assert taking.store.last_submissions() == []


def test_a_sweep_is_followed_from_its_wait_to_its_end(taking: Workplace, demo: DemoData, tmp_path: Path) -> None:
    spec = inline.spec_of(inline.cut_data(demo, tmp_path / "documents"), arm=[{"name": "base", "baseline": True}])
    file = tmp_path / "sweep.toml"
    file.write_text("\n".join(f"{key} = {toml(value)}" for key, value in spec.source.items()))
    place = Workplace.at_server(tmp_path / "pod", ServerAddress(URL, "gs_1_x"))
    handed = handing_over.hand_over(spec, file, (), place)
    said: list[str] = []
    waits = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        waits.set()

    ends: list[Any] = []
    follower = threading.Thread(
        target=lambda: ends.append(handing_over.follow(handed, place, lambda *_: None, say)), daemon=True
    )
    follower.start()
    assert waits.wait(SECONDS) and f"ticket {handed.ticket}" in said[0] and "run --queue" in said[0]
    assert inline.run(spec, taking).done
    follower.join(SECONDS)
    assert [(end.done, end.ended) for end in ends] == [(True, None)]
    again = handing_over.hand_over(spec, file, (), place)
    assert (again.ticket, again.version) == (handed.ticket, 1)
    taking.store.put_sweep("small", {**taking.store.sweeps()[0].spec})
    taking.store.cancel_sweep("small")
    assert handing_over.follow(again, place, lambda *_: None, said.append).ended == "cancelled: cancelled by a user"
    assert taking.store.submission("small").state == "cancelled"  # type: ignore[union-attr]
    assert handing_over.hand_over(spec, file, (), place).state == "queued"  # as `run` resumes it elsewhere
