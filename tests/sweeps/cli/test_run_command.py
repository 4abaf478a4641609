"""golfsweep run: one document for programs, whatever comes of the sweep; owner and tags; how to resume."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from golf.data.corpus import DemoData
from jobs.paths import Home
from jobs.state import JobState
from jobs.store import Store
from tests.process_ends import wait_for_ends
from tests.schemas import check_document
from tests.sweeps.cli.test_help import completed
from tests.sweeps.conftest import Command

SWEEP = """
name = "small"
data.tokens = "demo"
seeds.confirm = [3]
audit.seconds = 0.2

[recipe.train]
gpus = 1
steps = 3
batch_tokens = 256
seq_len = 128
warmup_steps = 1
warmdown_steps = 1

[recipe.train.model]
num_layers = 2
model_dim = 16
num_heads = 2
num_kv_heads = 1
mlp_hidden = 24
bigram_buckets = 64
bigram_dim = 8

[recipe.eval]
preset = "none"
chunk = 512
window = 512
gpus = 1

[[arm]]
name = "none"
baseline = true
"""
KEYS = {
    "sweep", "state", "reason", "owner", "tags", "counts", "failures", "rows", "frontier", "report", "resume", "code",
}  # fmt: skip


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "sweeps.cli", *map(str, words)]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "small.toml"
    path.write_text(SWEEP)
    return path


@pytest.fixture(scope="module")
def ran(sweep: Path, demo: DemoData) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """The home of a sweep that ran to its end, and what the command printed."""
    home = sweep.parent / "home"
    shutil.copytree(demo.tokens, Home(home).demo)
    words = command("run", sweep, "--here", "--home", home, "--tag", "nightly", "--owner", "ada", "--json")
    return home, subprocess.run(words, capture_output=True, text=True, timeout=300)


def test_run_prints_one_document_and_progress_on_stderr(
    ran: tuple[Path, "subprocess.CompletedProcess[str]"], golfsweep: Command
) -> None:
    home, done = ran
    assert done.returncode == 0, done.stderr
    document = check_document(("run", "--json"), done.stdout)
    assert set(document) >= KEYS
    assert (document["sweep"], document["state"], document["code"]) == ("small", "done", 0)
    assert (document["owner"], document["tags"]) == ("ada", ["nightly"])
    assert document["counts"]["done"] == len(Store.open(Home(home).database_url).jobs(states=[JobState.DONE]))
    assert document["failures"] == []
    assert Path(document["report"]).exists()
    assert document["resume"].startswith(f"golfsweep run {home.parent / 'small.toml'} --here")
    assert "done" in done.stderr.splitlines()[-1]
    board = json.loads(golfsweep("leaderboard", "small", "--json", "--home", home)[1])
    assert (document["rows"], document["frontier"]) == (board["rows"], board["frontier"])
    assert [row["name"] for row in board["rows"]] == ["none"]


def test_a_sweep_keeps_its_owner_and_collects_tags(
    ran: tuple[Path, "subprocess.CompletedProcess[str]"], sweep: Path, golfsweep: Command
) -> None:
    code, out, _ = golfsweep(
        "run", sweep, "--here", "--home", ran[0], "--tag", "x", "--tag", "a", "--owner", "bob", "--json"
    )
    document = json.loads(out)
    assert (code, document["owner"], document["tags"]) == (0, "ada", ["a", "nightly", "x"])


def test_names_of_sweeps_are_completed(ran: tuple[Path, "subprocess.CompletedProcess[str]"], tmp_path: Path) -> None:
    assert completed(f"golfsweep status --home {ran[0]} sm") == ["small"]
    assert completed(f"golfsweep status --home {ran[0]} x") == []
    assert completed(f"golfsweep cancel --home {tmp_path}/none sm") == []
    assert not (tmp_path / "none").exists()


def test_a_sweep_that_fails_is_a_document_with_its_failures(
    ran: tuple[Path, "subprocess.CompletedProcess[str]"], sweep: Path, golfsweep: Command, tmp_path: Path
) -> None:
    home = shutil.copytree(ran[0], tmp_path / "home")  # its training is done, so that only the evaluation runs
    words = ["run", sweep, "--here", "--home", home, "--set", "eval.max_seconds=1e-6", "--json"]
    code, out, err = golfsweep(*words)
    document = json.loads(out)
    assert (code, document["code"], document["state"]) == (1, 1, "failed")
    assert document["counts"]["failed"] == len(document["failures"]) > 0
    failure = document["failures"][0]
    assert "eval.max_seconds" in failure["reason"]
    assert f"Failed: {failure['label']} ({failure['key'][:12]}): {failure['reason']}" in err
    number = f"{len(document['failures'])} job{'' if len(document['failures']) == 1 else 's'}"
    assert f"{number} failed; golfsweep show KEY shows the log; retry with: {document['resume']}" in err


@pytest.mark.parametrize(
    ("sent", "code", "json_"),
    [(signal.SIGTERM, 143, True), (signal.SIGHUP, 129, False)],
    ids=["SIGTERM json", "SIGHUP plain"],
)
def test_a_stopped_sweep_says_how_to_resume(
    sweep: Path, demo: DemoData, tmp_path: Path, sent: signal.Signals, code: int, json_: bool
) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo.tokens, Home(home).demo)
    words = command("run", sweep, "--here", "--home", home, "--set", "train.steps=100000", *["--json"] * json_)

    def hear() -> None:  # nohup ignores it, and so would the child
        signal.signal(sent, signal.SIG_DFL)

    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "preexec_fn": hear}
    with subprocess.Popen(words, **options) as process:
        until = time.monotonic() + 120
        while not (home / "golfsweep.db").exists() or not running(home):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.1)
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(sent)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert started and wait_for_ends(started, 60) == []
    resume = f"resume with: golfsweep run {sweep} --here --home {home}"
    assert resume in err.splitlines()[-1]
    if not json_:
        assert (out, err.splitlines()[-1].split(";")[0]) == ("", f"golfsweep: Stopped by {sent.name}")
        return
    document: dict[str, Any] = check_document(("run", "--json"), out)
    assert set(document) >= KEYS
    assert (document["code"], document["state"], document["reason"]) == (code, "stopped", f"stopped by {sent.name}")
    assert document["rows"] == [] and document["report"] is None


def running(home: Path) -> bool:
    store = Store.open(Home(home).database_url)
    try:
        return bool(store.jobs(states=[JobState.RUNNING]))
    finally:
        store.close()
