"""The clocks: setting the wall clock moves no duration and no deadline, and only listed modules read it."""

import ast
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.machine.clock import boot_seconds, steady_epoch

ROOT = Path(__file__).parents[3]
PACKAGES = ("golf", "jobs", "cluster", "sweeps")
READS_WALL_CLOCK = {
    "jobs/machine/clock.py": "the origin of the steady clock, once",
    "jobs/store/transactions.py": "times that people read, and the database server's for heartbeats that they read",
    "jobs/files.py": "the age of a file, whose time is by the wall clock",
    "jobs/garbage.py": "the age of a folder, likewise",
    "jobs/scripts/results/outputs.py": "how long ago a file was written to, likewise",
    "jobs/machine/facts.py": "doctor compares the clocks of machines",
    "cluster/ray/folders.py": "the age of a folder, whose time is by the wall clock",
    "cluster/ray/survey.py": "doctor compares the clocks of machines",
    "cluster/scheduling/scheduler.py": "times that people read",
    "sweeps/cli/commands/home/listing.py": "the age of a sweep, for people",
    "sweeps/run/forecasts/forecast.py": "the date from which a plan starts",
    "sweeps/run/driving/driven_sweep.py": "likewise",
    "sweeps/run/examine.py": "when doctor checked a node, for people",
    "sweeps/views/report/header.py": "the date of a report",
    "sweeps/web/measuring/requests.py": "the time of a line, for people",
    "sweeps/web/uploads.py": "the age of a file, whose time is by the wall clock",
    "sweeps/views/terminal/progress.py": "when a sweep will have ended, for people",
}
READINGS = {
    *("time.time", "time.time_ns", "time.ctime", "time.localtime", "time.gmtime", "time.strftime"),
    *(
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "datetime.datetime.now",
        "datetime.date.today",
    ),
    "datetime.date.today",
    *("func.now", "func.current_timestamp", "func.clock_timestamp", "time.CLOCK_REALTIME"),
}


def wall_clock_readings(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (name := ast.unparse(node)) in READINGS:
            yield f"line {node.lineno}: {name}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield f"line {node.lineno}: from time import …, which hides what is read"


def test_only_listed_modules_read_the_wall_clock() -> None:
    reading = {}
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        if readings := list(wall_clock_readings(path)):
            reading[str(path.relative_to(ROOT))] = readings
    assert reading.keys() == READS_WALL_CLOCK.keys(), reading


def test_the_rule_sees_every_way_to_read_the_wall_clock(tmp_path: Path) -> None:
    for text in ("import time\ntime.time()", "from time import time", "from datetime import date\ndate.today()"):
        (tmp_path / "x.py").write_text(text)
        assert list(wall_clock_readings(tmp_path / "x.py"))


def test_no_duration_is_the_difference_of_two_stored_times() -> None:
    """Columns of epoch times are subtracted nowhere, but where a time says how long a quarantine was meant to be, and
    where people are told the age of a sweep and how long it took, which decides nothing.
    """
    times = {"started", "ended", "heartbeat", "created", "finished", "checked", "until", "imported", "updated"}
    allowed = {
        "cluster/scheduling/node_health.py", "cluster/scheduling/state/placing.py", "sweeps/views/sweep_list.py",
        "sweeps/views/ending.py",
    }  # fmt: skip
    subtracting = set()
    for path in (path for package in ("jobs", "cluster", "sweeps") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
                for side in (node.left, node.right):
                    owner = ast.unparse(side.value) if isinstance(side, ast.Attribute) else ""
                    # Those of Running and of the policy are by the monotonic clock.
                    if isinstance(side, ast.Attribute) and side.attr in times and owner not in ("running", "self"):
                        subtracting.add(str(path.relative_to(ROOT)))
    assert subtracting == allowed


def test_the_steady_clock_shows_the_date_and_cannot_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert steady_epoch() == pytest.approx(time.time(), abs=600.0)  # somebody may set the clock while tests run
    before, real = steady_epoch(), time.time
    monkeypatch.setattr("time.time", lambda: real() + 7200.0)
    assert 0.0 <= steady_epoch() - before < 60.0


def test_a_deadline_comes_nearer_while_the_machine_sleeps() -> None:
    before = float(Path("/proc/uptime").read_text().split()[0])
    assert before <= boot_seconds() + 0.01
