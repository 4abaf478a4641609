"""Reading commands answer at once: what each of them must not import, since importing it takes longer than the work."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.workplace import Workplace
from tests.sweeps.made_up import file, play

RUNNING = (
    "torch", "ray", "optuna", "pandas", "alembic", "scipy.stats", "scipy.optimize", "scipy.integrate",
    "sweeps.driver.driver", "sweeps.driver.sweep", "golf.entry.bundle",
)  # fmt: skip
"""What runs sweeps, and libraries that are slow to import."""
NUMBERS = ("numpy", "scipy", "pyarrow")
PAGES = ("plotly", "jinja2")
FORBIDDEN = {
    "--help": (*RUNNING, *NUMBERS, *PAGES, "sqlalchemy"),
    "status": (*RUNNING, *NUMBERS, *PAGES),
    "status --json": (*RUNNING, *NUMBERS, *PAGES),
    "show main": (*RUNNING, *NUMBERS, *PAGES),
    "show KEY": (*RUNNING, *NUMBERS, *PAGES),
    "cancel main": (*RUNNING, *NUMBERS, *PAGES),
    "show main/base": (*RUNNING, *PAGES),
    "leaderboard": (*RUNNING, *PAGES),
    "leaderboard --json": (*RUNNING, *PAGES),
    "leaderboard --format csv": (*RUNNING, *PAGES),
    "leaderboard --format markdown": (*RUNNING, *PAGES),
    "leaderboard --format html": RUNNING,
    "compare base none": (*RUNNING, *PAGES),
    "compare base none --html": (*RUNNING, "plotly"),
}
PROBE = """
import atexit, json, sys

def report():
    with open(sys.argv[0], "w") as stream:
        json.dump(sorted(sys.modules), stream)

atexit.register(report)
from sweeps.cli import main
main()
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace.open(tmp_path_factory.mktemp("imports") / "it's a home")
    play(place, file("main"))
    return place


@pytest.mark.parametrize("command", FORBIDDEN)
def test_a_reading_command_imports_nothing_slow(command: str, place: Workplace, tmp_path: Path) -> None:
    key = place.store.jobs()[0].key
    words = command.replace("KEY", key).split()
    words += [] if "--help" in words else ["--home", str(place.home.root)]
    modules = tmp_path / "modules.json"
    probe = PROBE.replace("sys.argv[0]", repr(str(modules)))
    done = subprocess.run([sys.executable, "-c", probe, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(modules.read_text())
    assert "sweeps.cli" in loaded
    assert [name for name in FORBIDDEN[command] if name in loaded] == []
