"""The demo's path at its smallest, through the command line and with nothing replaced.

One sweep runs on Ray undisturbed. The same sweep runs without Ray and is interrupted again and again, by Ctrl-C and by
SIGKILL; both must end in the same leaderboard, with no job done twice.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from golf.data.corpus import DemoData
from jobs.paths import Home
from jobs.state import AttemptState, JobState
from jobs.store import Store
from sweeps.board.leaderboard import COLUMNS, VARYING
from tests.process_ends import wait_for_ends
from tests.short_data import with_short_data

TINY = Path(__file__).parent / "tiny.toml"
PATIENCE_SECONDS = 600.0
pytestmark = pytest.mark.timeout(3 * PATIENCE_SECONDS)  # whole sweeps, of which nobody says what they take on a machine


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "sweeps.cli", *map(str, words)]


def golfsweep(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def leaderboard(home: Path) -> list[dict[str, Any]]:
    done = golfsweep("leaderboard", "tiny", "--json", "--home", home)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return rows


def store_of(home: Path) -> Store:
    return Store.open(Home(home).database_url)


def jobs_done(home: Path) -> int:
    if not (home / "golfsweep.db").exists():
        return 0
    return len(store_of(home).jobs(states=[JobState.DONE]))


@pytest.fixture(scope="module")
def sweep(demo: DemoData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny sweep, on short documents."""
    folder = tmp_path_factory.mktemp("it's a sweep")
    path = folder / "tiny.toml"
    path.write_text(with_short_data(TINY.read_text(), demo, folder / "data"))
    return path


@pytest.fixture(scope="module")
def undisturbed(sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The home of a sweep that ran on Ray, and what the command printed."""
    home = tmp_path_factory.mktemp("on ray") / "home"
    return home, golfsweep("run", sweep, "--home", home)


def test_a_sweep_runs_on_ray_and_says_how_it_goes(
    undisturbed: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = undisturbed
    assert done.returncode == 0, done.stderr
    for word in ("Legal", "Flagged", "lora-ttt", "none", "chimera-611", "trial", "golfsweep open tiny --home"):
        assert word in done.stdout
    for word in ("tiny ·", "train 3/3", "search 4/4", "confirm 7/7", "cores busy", "best tuning score"):
        assert word in done.stderr


def test_the_leaderboard_has_every_column_and_keeps_the_tracks_apart(
    undisturbed: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    rows = leaderboard(undisturbed[0])
    assert [tuple(row) for row in rows] == [COLUMNS] * len(rows)
    by_name = {row["name"]: row for row in rows}
    [winner] = by_name.keys() - {"lora-ttt", "none", "chimera-611"}
    assert by_name["chimera-611"]["track"] == "flagged"
    # So short an audit shows that it looks at the future. What it gains takes a longer one: test_own_precision.py.
    assert "C1" in {finding["code"] for finding in by_name["chimera-611"]["findings"]}
    legal = [row for row in rows if row["track"] == "legal"]
    assert {row["name"] for row in legal} == {winner, "lora-ttt", "none"}
    assert [row["rank"] for row in legal] == [1, 2, 3]
    assert [row["val_bpb_mean"] for row in legal] == sorted(row["val_bpb_mean"] for row in legal)
    assert by_name["lora-ttt"]["p_value"] is None
    assert 0 < by_name[winner]["p_value"] < 1
    assert by_name["chimera-611"]["p_value"] is None
    assert set(by_name[winner]["seeds"]) == {"3", "4"}


def test_the_report_stands_alone(undisturbed: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    page = (undisturbed[0] / "reports" / "tiny.html").read_text()
    for title in (
        "Best",
        "Next",
        "Entries",
        "Score by trial",
        "Multipliers of trial",
        "Limits",
        "Certificate of",
        "Training loss",
        "Provenance",
    ):
        assert title in page
    assert 'src="http' not in page
    assert "<link" not in page


def test_a_second_run_finds_everything_done(
    undisturbed: tuple[Path, subprocess.CompletedProcess[str]], sweep: Path
) -> None:
    home, _ = undisturbed
    before = leaderboard(home)
    done = golfsweep("run", sweep, "--home", home, "--ray", "127.0.0.1:1")
    assert done.returncode == 3  # a cluster that is named must answer …
    done = golfsweep("run", sweep, "--home", home)
    assert done.returncode == 0  # … but none is started when nothing is left to do
    assert "·" not in done.stderr
    assert leaderboard(home) == before
    store = store_of(home)
    assert {len(store.attempts(job.key)) for job in store.jobs()} == {1}


def test_status_plan_and_show_know_the_sweep(
    undisturbed: tuple[Path, subprocess.CompletedProcess[str]], sweep: Path
) -> None:
    home, _ = undisturbed
    status = json.loads(golfsweep("status", "--json", "--home", home).stdout)
    assert [shown["state"] for shown in status["sweeps"]] == ["done"]
    planned = json.loads(golfsweep("plan", sweep, "--json", "--home", home).stdout)
    counted = {kind: stage["jobs"] for kind, stage in planned["stages"].items()}
    ran = Counter(job.order.job.stage for job in store_of(home).jobs())
    assert counted == dict(ran)
    assert all(stage["done"] == stage["jobs"] for stage in planned["stages"].values())
    key = store_of(home).jobs()[0].key
    shown = json.loads(golfsweep("show", key[:12], "--json", "--home", home).stdout)
    assert shown["key"] == key
    assert shown["attempts"][0]["state"] == AttemptState.DONE
    row = json.loads(golfsweep("show", "tiny/none", "--json", "--home", home).stdout)
    assert row["track"] == "legal"
    assert row["certificate"]["passed"]
    text = golfsweep("show", "tiny/chimera-611", "--home", home).stdout
    assert "Not passed: C1" in text
    assert "vocabulary sum" in text


def test_interrupted_at_any_point_it_ends_in_the_same_leaderboard(
    undisturbed: tuple[Path, subprocess.CompletedProcess[str]], sweep: Path, tmp_path: Path
) -> None:
    home = tmp_path / "it's interrupted"
    total = len(store_of(undisturbed[0]).jobs())
    interruptions = (
        (1, signal.SIGKILL),
        (total // 3, signal.SIGINT),
        (total // 2, signal.SIGTERM),
        (2 * total // 3, signal.SIGKILL),  # not so late that the sweep could be done before it is interrupted
    )
    for after, how in interruptions:
        with (tmp_path / "log.txt").open("a") as log:
            driver = subprocess.Popen(command("run", sweep, "--home", home, "--here"), stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE_SECONDS
        while jobs_done(home) < after:
            assert driver.poll() is None, (tmp_path / "log.txt").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        below = psutil.Process(driver.pid).children(recursive=True)
        driver.send_signal(how)
        code = driver.wait(PATIENCE_SECONDS)
        assert code == (-signal.SIGKILL if how == signal.SIGKILL else 128 + how)
        assert wait_for_ends(below, 60) == [], "processes outlived their driver"
    assert "resume with: golfsweep run" in (tmp_path / "log.txt").read_text()

    done = golfsweep("run", sweep, "--home", home, "--here")
    assert done.returncode == 0, done.stderr
    assert numbers(leaderboard(home)) == numbers(leaderboard(undisturbed[0]))
    store = store_of(home)
    for job in store.jobs():
        states = [attempt.state for attempt in store.attempts(job.key)]
        assert states.count(AttemptState.DONE) == 1
        assert set(states) <= {AttemptState.DONE, AttemptState.LOST}


def numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What must be the same bit for bit."""
    return [{name: value for name, value in row.items() if name not in VARYING} for row in rows]


def test_two_drivers_of_one_sweep_do_not_meet(sweep: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = subprocess.Popen(
        command("run", sweep, "--home", home, "--here"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not (home / "golfsweep.db").exists() or not store_of(home).sweeps():
            assert first.poll() is None
            time.sleep(0.1)
        second = golfsweep("run", sweep, "--home", home, "--here")
    finally:
        first.send_signal(signal.SIGINT)
        first.wait(PATIENCE_SECONDS)
    assert second.returncode == 3
    assert second.stderr.count("\n") == 1
    assert "is already driven by process" in second.stderr


def test_tests_leave_the_users_home_alone() -> None:
    assert "XDG_CACHE_HOME" in os.environ
