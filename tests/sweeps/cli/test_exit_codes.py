"""How commands end: exit codes, and errors for people and for programs."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from golf.errors import Diverged, InputError, OverTime, TooLarge
from jobs.errors import AlreadyDriven, LostLease, StoreUnavailable, Unavailable
from jobs.spec import Job, Machine, Order
from jobs.workplace import Workplace
from sweeps.cli.errors import ExitCode, Interrupted, explain
from tests.process_ends import wait_for_ends
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x = 1: too small; expected 2"), ExitCode.BAD_INPUT),
        (OSError(errno.ENOSPC, "No space left on device", "/disk"), ExitCode.TRANSIENT),
        (StoreUnavailable(errno.ENOSPC, "No space left on device", "database"), ExitCode.TRANSIENT),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), ExitCode.BAD_INPUT),
        (StoreUnavailable("file store s3://x: 503 Slow Down"), ExitCode.TRANSIENT),
        (Unavailable("--ray h:1: cannot be reached"), ExitCode.TRANSIENT),
        (Diverged("step 3: loss is nan"), ExitCode.FAILED),
        (OverTime("scoring took 700 s"), ExitCode.FAILED),
        (TooLarge("17 of 16 MB"), ExitCode.FAILED),
        (LostLease("another process drives it"), ExitCode.FAILED),
        (AlreadyDriven("another process drives it"), ExitCode.TRANSIENT),
        (Interrupted("resume with: golfsweep run x.toml"), ExitCode.INTERRUPTED),
        (KeyError("bug"), ExitCode.FAILED),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), ExitCode.FAILED),
    ],
)
def test_every_kind_of_error_has_its_code(error: Exception, code: ExitCode) -> None:
    problem = explain(error)
    assert problem.code == code
    assert problem.error and "\n" not in problem.error


def test_a_file_that_may_not_be_read_or_written_is_named() -> None:
    assert explain(PermissionError(errno.EACCES, "Permission denied", "/root/x")).error == "/root/x: permission denied"


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("status", "--jsn", "--json"), "No such option: --jsn", "did you mean --json?"),
        (("statsu", "--json"), "No such command 'statsu'", "did you mean 'status'?"),
        (("show", "--json"), "Missing argument 'KEY|SWEEP|ENTRY'", "golfsweep show --help lists what it takes"),
        (("train", "--json"), "Missing option '--out'", "golfsweep train --help lists what it takes"),
        (
            ("plan", "x.toml", "--nodes", "0", "--json"),
            "Invalid value for '--nodes': Input should be greater than or equal to 1",
            "golfsweep plan --help lists what it takes",
        ),
        (
            ("plan", "missing.toml", "--json"),
            "missing.toml: cannot be read (No such file or directory)",
            "expected a sweep file in TOML",
        ),
    ],
)
def test_bad_input_is_a_document_and_a_line(golfsweep: Command, words: tuple[str, ...], error: str, hint: str) -> None:
    code, out, err = golfsweep(*words)
    assert code == 2
    assert json.loads(out) == {"error": error, "hint": hint, "code": 2}
    assert err == f"golfsweep: {error}; {hint}\n"
    assert golfsweep(*(word for word in words if word != "--json"))[:2] == (2, "")


def test_several_problems_of_a_file_are_a_line_each(golfsweep: Command, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('nmae = "x"\ndata.tokens = "demo"\nseeds.confirm = []\n')
    code, out, err = golfsweep("plan", path, "--json")
    document = json.loads(out)
    assert (code, document["code"], set(document)) == (2, 2, {"error", "hint", "code"})
    lines = err.splitlines()
    assert [line.startswith(f"golfsweep: {path}: ") for line in lines] == [True, True]
    assert len(document["error"].splitlines()) == 2
    assert document["hint"].splitlines() == ["did you mean name?", "expected at least 1"]


@pytest.mark.parametrize("words", [("--debug", "plan", "missing.toml"), ("plan", "missing.toml", "--debug")])
def test_debug_adds_the_traceback_wherever_it_stands(golfsweep: Command, words: tuple[str, ...]) -> None:
    code, out, err = golfsweep(*words)
    assert (code, out) == (2, "")
    assert err.startswith("Traceback (most recent call last):")
    assert err.splitlines()[-1].startswith("golfsweep: missing.toml: cannot be read")
    assert "Traceback" not in golfsweep("plan", "missing.toml")[2]
    assert "Traceback" not in golfsweep("plan", "missing.toml", "--set", "x=--debug")[2]


# Judgments


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a finished sweep."""
    root = tmp_path_factory.mktemp("codes") / "home"
    play(Workplace.open(root), file("main"))
    return root


def test_a_comparison_is_a_report_and_exits_with_0_whatever_it_shows(golfsweep: Command, home: Path) -> None:
    code, out, err = golfsweep("compare", "none", "base", "--home", home, "--json")
    assert (code, err) == (0, "")
    assert not any(verdict["passed"] for verdict in json.loads(out)["verdicts"].values())


def test_reading_commands_exit_with_0_or_2(golfsweep: Command, home: Path) -> None:
    for words in (("leaderboard",), ("status",), ("show", "main"), ("show", "main/base")):
        assert golfsweep(*words, "--home", home)[0] == 0
    for words in (("leaderboard", "no"), ("status", "no"), ("show", "no/base"), ("cancel", "no")):
        assert golfsweep(*words, "--home", home)[0] == 2


def test_a_cancellation_that_does_not_end_in_time_exits_with_3(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.run.cancel.PATIENCE_SECONDS", 0.4)
    store = Workplace.open(tmp_path).store
    store.put_sweep("busy", {"file": {}})
    job = Job(stage="train", settings={}, inputs={}, seed=1, machine=MACHINE, arithmetic=1)
    store.put_job(Order(job=job, sweep="busy", label="train seed 1"))
    store.beat("scheduler")
    [claimed] = store.claim("scheduler", 1)
    facts: dict[str, Any] = {"host": "here", "workdir": "/", "versions": {}, "commit": None}
    store.start_attempt(claimed.key, "scheduler", sweep="busy", **facts)
    code, out, _ = golfsweep("cancel", "busy", "--home", tmp_path, "--json")
    assert (code, json.loads(out)["ended"]) == (3, False)


# Signals and pipes


def spawn(*words: object, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sweeps.cli", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def hear_all() -> None:
    """Let a child ignore no signal that this process ignores: nohup, or a shell for what runs in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start_audit(folder: Path, ignored: Sequence[signal.Signals], *words: str) -> "subprocess.Popen[str]":
    """An audit in the middle of its work, of a scorer that ignores whoever asks it to stop."""
    (folder / "slow.py").write_text(
        "import pathlib, time\ndef score(documents):\n    pathlib.Path('called').touch()\n    time.sleep(60)\n"
    )

    def before() -> None:
        hear_all()
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    options: dict[str, Any] = {"cwd": folder, "env": environment, "preexec_fn": before, "start_new_session": True}
    process = spawn("audit", "slow:score", "--vocab-size", 16, *words, **options)
    until = time.monotonic() + 60
    while not (folder / "called").exists():
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.05)
    return process


@pytest.mark.parametrize(
    ("sent", "code", "error"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "Stopped by SIGTERM"),
        (signal.SIGHUP, 129, "Stopped by SIGHUP"),
    ],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else "",
)
@pytest.mark.parametrize("json_", [True, False], ids=["json", "plain"])
def test_a_stopped_command_says_so(tmp_path: Path, sent: signal.Signals, code: int, error: str, json_: bool) -> None:
    process = start_audit(tmp_path, [], *["--json"] * json_)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err == f"golfsweep: {error}; run the same command again\n"
    document = {"error": error, "hint": "run the same command again", "code": code} if json_ else None
    assert (json.loads(out) if out else None) == document


def test_a_signal_that_is_ignored_stops_nothing(tmp_path: Path) -> None:
    process = start_audit(tmp_path, [signal.SIGHUP])  # as nohup starts it
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=0.5)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1].startswith("golfsweep: Stopped by SIGTERM; ")


def test_a_terminal_that_closes_stops_what_runs_in_it(tmp_path: Path) -> None:
    terminal, end = os.openpty()
    program = (
        "import os, sys, time\nfrom jobs.machine.stopping import stop_on_signals\nstop_on_signals()\n"
        "try:\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('to nowhere', flush=True)\n    sys.exit(7)\n"
    )

    def attach() -> None:
        hear_all()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    options: dict[str, Any] = {"stdin": end, "stdout": end, "stderr": end, "start_new_session": True}
    process = subprocess.Popen([sys.executable, "-c", program], preexec_fn=attach, **options)
    os.close(end)
    assert b"ready" in os.read(terminal, 100)
    os.close(terminal)
    assert process.wait(60) == 7


def test_a_second_signal_ends_a_command_and_what_it_started_at_once(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\nfrom jobs.machine.stopping import stop_on_signals\nstop_on_signals()\n"
        "child = subprocess.Popen(['sh', '-c', 'sleep 60 & echo $!; wait'], stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline().strip(), flush=True)\n"
        "try:\n    print('at work', flush=True)\n    time.sleep(60)\n"
        "finally:\n    print('stopping', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, preexec_fn=hear_all)
    assert process.stdout is not None
    started = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
    assert len(started) == 2
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert wait_for_ends(started, 60) == []
    process.stdout.close()


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    with spawn("--help") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
