"""ls, open, watch, retry, export and demo as a user types them."""

import json
import os
import pty
import shlex
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.garbage import SPARED_SECONDS
from jobs.state import JobState
from jobs.workplace import Workplace
from sweeps.cli.commands.home import demo
from sweeps.views.verdicts import read_verdict
from sweeps.views.verdicts.next_step import NextStep
from sweeps.views.verdicts.sweep_verdict import SweepVerdict
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play, score


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished sweeps."""
    root = tmp_path_factory.mktemp("home commands") / "a home"
    place = Workplace.open(root)
    play(place, file("spring"), lambda job: score(job) + 0.01)
    play(place, file("summer", arm=[{"name": "only one", "baseline": True, "eval": {"chunk": 128}}]))
    return root


class Going:
    """A sweep that begins, and whose jobs somebody finishes or fails one round after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = Workplace.open(root)
        self._sweep = play(self.place, file("main"), steps=0)
        self.store = self.place.store
        self.store.put_sweep("main", self._sweep.to_json())
        self._sweep.driver(self.store).step()

    def fail_jobs(self) -> None:
        """Let every job that waits fail for good."""
        self.store.beat("worker")
        for job in self.store.claim("worker", 100):
            facts: dict[str, Any] = {"host": "here", "workdir": "/", "versions": {}, "commit": "c0ffee"}
            attempt = self.store.start_attempt(job.key, "worker", sweep="main", **facts)
            self.store.fail(job.key, attempt, "out of luck", counted=True, final=True)


@pytest.fixture
def going(tmp_path: Path) -> Going:
    return Going(tmp_path / "home")


def test_ls_lists_sweeps_latest_first(golfsweep: Command, home: Path) -> None:
    code, out, err = golfsweep("ls", "--home", home)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["sweep", "state", "entries", "best", "score", "age", "cost"]
    assert [line.split()[:3] for line in lines[2:]] == [["summer", "done", "1"], ["spring", "done", "3"]]
    assert "only one" in lines[2] and "base" in lines[3]
    first, second = json.loads(golfsweep("ls", "--home", home, "--json")[1])["sweeps"]
    assert (first["name"], first["entries"], first["state"]) == ("summer", 1, "done")
    assert first["best"] == {"name": "only one", "metric": "val_bpb", "value": pytest.approx(1.17, abs=0.002)}
    assert second["best"]["name"] == "base"  # the one that leaks is flagged, whatever its score
    assert first["dollars"] > 0


def test_ls_of_an_empty_home_says_how_to_start(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert golfsweep("ls") == (0, "No sweeps yet; start one with golfsweep run.\n", "")
    assert json.loads(golfsweep("ls", "--json")[1]) == {"sweeps": []}
    for command in ("open", "watch", "export", "retry"):
        code, out, err = golfsweep(command)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "start one with golfsweep run FILE" in err


def test_open_writes_the_report_as_it_stands_and_shows_it_where_there_is_a_screen(
    golfsweep: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: shown.append(url) or True)
    page = home / "reports" / "spring.html"
    assert golfsweep("open", "spring", "--home", home) == (0, f"Report: {page}\n", "")
    assert (shown, page.read_text().startswith("<!doctype html>")) == ([], True)
    page.write_text("of some earlier day")
    monkeypatch.setenv("DISPLAY", ":0")
    golfsweep("open", "spring", "--home", home)
    assert shown == [page.as_uri()]
    assert "of some earlier day" not in page.read_text()
    document = json.loads(golfsweep("open", "spring", "--home", home, "--json")[1])
    assert document == {"sweep": "spring", "report": str(page), "opened": False}


def test_watch_shows_how_a_sweep_ended(golfsweep: Command, home: Path) -> None:
    code, out, err = golfsweep("watch", "summer", "--home", home)
    assert code == 0
    assert out.splitlines()[0].startswith("summer: done; ")
    assert out.splitlines()[-1] == "Next: golfsweep leaderboard summer"
    assert err == "", "of a sweep that has ended nothing is known of the time since this command began"


def test_watch_of_what_nobody_runs_says_so(golfsweep: Command, going: Going) -> None:
    code, out, _ = golfsweep("watch", "main", "--home", going.root)
    assert code == 1
    assert "not running; resume with golfsweep run FILE" in out
    assert json.loads(golfsweep("watch", "main", "--home", going.root, "--json")[1])["state"] == "stopped"


def test_retry_queues_failed_jobs_again(golfsweep: Command, going: Going) -> None:
    going.fail_jobs()
    failed = going.store.jobs("main", [JobState.FAILED])
    assert len(failed) == 3  # a training for each seed
    code, out, err = golfsweep("retry", failed[0].key[:8], "--home", going.root)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "sweep main: 1 failed job queued again",
        f"  {failed[0].order.label} ({failed[0].key[:12]})",
        "Start them with: golfsweep run FILE",
    ]
    document = json.loads(golfsweep("retry", "main", "--home", going.root, "--json")[1])
    assert {job["key"] for job in document["queued"]} == {job.key for job in failed[1:]}
    assert (document["reported"], document["running"]) == ([], False)
    assert {job.state for job in going.store.jobs("main")} == {JobState.QUEUED}
    assert golfsweep("retry", "--home", going.root)[1] == "sweep main: no failed job to queue again\n"
    code, _, err = golfsweep("retry", failed[0].key[:8], "--home", going.root)
    assert code == 2 and "is queued; only a failed job can be queued again" in err
    code, _, err = golfsweep("retry", "nothing", "--home", going.root)
    assert code == 2 and "no sweep and no job has that name" in err


# Asking first


@pytest.mark.parametrize(("answer", "code", "state"), [(b"n\n", 1, "running"), (b"y\n", 0, "cancelled")])
def test_cancelling_a_running_sweep_asks_on_a_terminal(going: Going, answer: bytes, code: int, state: str) -> None:
    ended, shown = in_terminal(["cancel", "main", "--home", str(going.root)], answer)
    assert b"Cancel sweep main (0 jobs running, 3 waiting)? [y/N]" in shown
    assert (ended, b"Nothing was changed." in shown) == (code, code == 1)
    record = going.store.sweep("main")
    assert record is not None and record.state == state


def in_terminal(words: list[str], answer: bytes) -> tuple[int, bytes]:
    """Run a command in a terminal of its own, and answer its question; exit code and what it showed."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    command = [sys.executable, "-m", "sweeps.cli", *words]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the command has ended, and with it the other end of the terminal
        pass
    os.close(ours)
    return process.wait(), shown


@pytest.mark.parametrize("words", [("cancel", "main", "--yes"), ("cancel", "main", "0")])
def test_who_has_answered_or_cancels_less_is_not_asked(
    golfsweep: Command, going: Going, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def fail(*_: Any, **__: Any) -> bool:
        raise AssertionError("it asked")

    monkeypatch.setattr("sweeps.cli.asking.typer.confirm", fail)
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True)
    assert golfsweep(*words, "--home", going.root)[0] in (0, 2)  # there is no trial 0


def test_deleting_files_asks_only_if_there_are_any(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace.open(tmp_path / "home")
    questions: list[str] = []
    monkeypatch.setattr("sweeps.cli.asking.typer.confirm", lambda text, **_: questions.append(text) or False)
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True)
    assert golfsweep("gc", "--delete", "--home", place.home.root)[:2] == (0, "Nothing to delete.\n")
    place.files.put(b"left by a crash")
    [path] = [path for path in place.home.files.rglob("*") if path.is_file() and path.stat().st_size == 15]
    os.utime(path, (time.time() - SPARED_SECONDS - 60,) * 2)
    assert golfsweep("gc", "--delete", "--home", place.home.root)[0] == 1
    assert (questions, path.exists()) == (["Delete 1 files with 15 bytes?"], True)
    assert golfsweep("gc", "--delete", "--yes", "--home", place.home.root)[0] == 0
    assert (len(questions), path.exists()) == (1, False)


# Other forms


def test_export_writes_once_and_says_where(
    golfsweep: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert golfsweep("export", "spring", "--home", home) == (0, "Wrote spring-csv/\n", "")
    assert sorted(path.name for path in (tmp_path / "spring-csv").iterdir()) == [
        "entries.csv", "runs.csv", "trials.csv",
    ]  # fmt: skip
    code, out, err = golfsweep("export", "spring", "--home", home)
    assert (code, out) == (2, "")
    assert err == "golfsweep: spring-csv: exists already and is not overwritten; name another one by --out\n"
    code, _, err = golfsweep("export", "spring", "--to", "xlsx", "--home", home)
    assert (code, err) == (2, "golfsweep: --to xlsx: expected one of csv, parquet, optuna, wandb, tensorboard\n")
    document = json.loads(golfsweep("export", "--to", "parquet", "--out", "p", "--home", home, "--json")[1])
    assert document == {"sweep": "summer", "form": "parquet", "path": "p"}
    assert sorted(os.listdir(tmp_path)) == ["p", "spring-csv"]


def test_an_export_that_fails_leaves_nothing(
    golfsweep: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    code, out, err = golfsweep("export", "spring", "--to", "wandb", "--home", home)
    assert (code, out) == (2, "")
    assert err == "golfsweep: --to wandb: the package wandb is not installed; pip install 'golfsweep[wandb]'\n"
    code, _, err = golfsweep("export", "spring", "--to", "optuna", "--home", home)
    assert (code, err.count("\n")) == (2, 1)
    assert "has no ended trial to export" in err
    assert os.listdir(tmp_path) == []


def test_the_demo_runs_the_bundled_file_and_says_what_to_try(
    golfsweep: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(demo, "run", lambda context, file, **options: given.append((file.read_text(), options)))
    monkeypatch.setattr(demo, "NAME", "spring")
    code, out, err = golfsweep("demo", "--home", home)
    assert (code, err) == (0, "")
    example = Path(__file__).parents[3] / "examples" / "demo.toml"
    assert given == [(example.read_text(), {"home": home, "json_": False})]
    commands = [line.strip() for line in out.splitlines() if line.startswith("  ")]
    assert [command.split()[1] for command in commands] == ["open", "leaderboard", "show"]
    monkeypatch.setattr("webbrowser.open", lambda url: True)
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "golfsweep"
        assert golfsweep(*words)[0] == 0, command


def test_what_the_demo_says_to_try_is_the_verdicts_next_step(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = read_verdict.read_verdict

    def advise(*given: Any) -> SweepVerdict:
        return replace(real(*given), next=NextStep(sentence="more seeds", command="golfsweep compare spring-a b"))

    monkeypatch.setattr(read_verdict, "read_verdict", advise)
    monkeypatch.setattr(demo, "NAME", "spring")
    assert demo._list_next(home)[3].endswith("golfsweep compare spring-a b")
