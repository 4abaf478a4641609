"""How long reading commands take, in this checkout and perhaps another: `python -m benchmarks.reading HOME [OTHER]`.

Each command runs in a process of its own on a copy of HOME, and the checkouts take turns, so that whatever else the
machine does burdens both alike. OTHER is the root of another checkout that the same interpreter can run.

Prints one JSON document: seconds of wall time by checkout and command, the median of the rounds after a first one that
is not counted (it migrates the home and fills caches).
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 7
ROOT = Path(__file__).parents[1]


def commands(home: Path) -> dict[str, list[str]]:
    """Words of each command by what it is called here; entries are those of the first sweep."""
    names = _entries(home)
    sweep, first, second = names[0], names[1], names[2]
    return {
        "--help": ["--help"],
        "status": ["status"],
        "leaderboard": ["leaderboard"],
        "leaderboard --json": ["leaderboard", "--json"],
        "show SWEEP": ["show", sweep],
        "show SWEEP/ENTRY": ["show", f"{sweep}/{first}"],
        "compare": ["compare", first, second],
        "cancel": ["cancel", sweep],
    }


def _entries(home: Path) -> list[str]:
    """The sweep that a leaderboard shows, and its two best legal entries."""
    done = _run(ROOT, ["leaderboard", "--json"], home)
    rows = [row for row in json.loads(done.stdout)["rows"] if row["track"] == "legal" and row["source"] == "golfsweep"]
    return [rows[0]["sweep"], rows[0]["name"], rows[1]["name"]]


def _run(checkout: Path, words: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    place = [] if words == ["--help"] else ["--home", str(home)]
    return subprocess.run(
        [sys.executable, "-m", "sweeps.cli", *words, *place],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=True,
    )


def seconds(checkout: Path, words: list[str], home: Path) -> float:
    """Wall time of one command."""
    started = time.perf_counter()
    _run(checkout, words, home)
    return time.perf_counter() - started


def measure(home: Path, checkouts: list[Path], folder: Path) -> dict[str, dict[str, float]]:
    """Medians by checkout and command; each checkout has a copy of the home, since it may migrate it."""
    copies = {one: shutil.copytree(home, folder / str(place)) for place, one in enumerate(checkouts)}
    asked = commands(copies[ROOT])
    taken: dict[str, dict[str, list[float]]] = {str(one): {name: [] for name in asked} for one in checkouts}
    for number in range(ROUNDS + 1):
        for name, words in asked.items():
            for one in checkouts:
                found = seconds(one, words, copies[one])
                if number:
                    taken[str(one)][name].append(found)
    return {
        one: {name: round(statistics.median(values), 3) for name, values in names.items()}
        for one, names in taken.items()
    }


def main() -> None:
    """Measure and print."""
    home, others = Path(sys.argv[1]), [Path(one).resolve() for one in sys.argv[2:]]
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(home, [ROOT, *others], Path(folder)), indent=2))


if __name__ == "__main__":
    main()
