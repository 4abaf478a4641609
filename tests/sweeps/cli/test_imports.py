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
    "sweeps.driver.driver", "sweeps.driver.sweep",
)  # fmt: skip
"""What runs sweeps, and libraries that are slow to import."""
NUMBERS = ("numpy", "scipy", "pyarrow")
PAGES = ("plotly", "jinja2")
FORBIDDEN = {
    ("--help",): (*RUNNING, *NUMBERS, *PAGES, "sqlalchemy"),
    ("status", "status --json", "show main", "show KEY", "cancel main"): (*RUNNING, *NUMBERS, *PAGES),
    (
        "show main/base", "leaderboard", "leaderboard --json", "leaderboard --format csv",
        "leaderboard --format markdown",
    ): (*RUNNING, *PAGES),
    ("leaderboard --format html",): RUNNING,
    ("compare base none",): (*RUNNING, *PAGES),
    ("compare base none --html",): (*RUNNING, "plotly"),
}  # fmt: skip
"""Commands, one after another in one process → what that process must not have imported in the end."""
PROBE = """
import json, sys

from sweeps.cli import main

codes = []
for words in json.loads(sys.argv[2]):
    sys.argv[1:], path = words, sys.argv[1]
    try:
        main()
    except SystemExit as end:
        codes.append(end.code or 0)
    sys.argv = [sys.argv[0], path]
with open(path, "w") as stream:
    json.dump([codes, sorted(sys.modules)], stream)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace.open(tmp_path_factory.mktemp("imports") / "it's a home")
    play(place, file("main"))
    return place


@pytest.mark.parametrize("commands", FORBIDDEN, ids=lambda commands: commands[0])
def test_a_reading_command_imports_nothing_slow(commands: tuple[str, ...], place: Workplace, tmp_path: Path) -> None:
    key, home = place.store.jobs()[0].key, ["--home", str(place.home.root)]
    words = [[*command.replace("KEY", key).split(), *home * (command != "--help")] for command in commands]
    report = tmp_path / "report.json"
    arguments = [sys.executable, "-c", PROBE, str(report), json.dumps(words)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    codes, loaded = json.loads(report.read_text())
    assert codes == [0] * len(commands), done.stderr
    assert "sweeps.cli" in loaded
    assert [name for name in FORBIDDEN[commands] if name in loaded] == []
