"""Compare forecasts with what runs took, and write the table of docs/performance.md: `python -m benchmarks.forecast`.

Each sweep is forecast, run, and forecast once more, each in an empty home, so that the load of the machine is about the
same for both. The forecast that counts is the mean of the two.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.performance import PAGE, processor_name, replace_table

ROOT = Path(__file__).parents[1]
SWEEPS = ("tests/tiny.toml", "examples/script/sweep.toml", "examples/demo.toml")
BEGIN, END = "<!-- forecasts against runs, by python -m benchmarks.forecast -->\n", "<!-- end of forecasts -->\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A sweep's forecasts and the time that its run took."""

    sweep: str
    forecasts: Sequence[dict[str, Any]]
    """Documents of `golfsweep plan --json`."""
    taken: float
    """Seconds of `golfsweep run`, its start included."""

    @property
    def forecast(self) -> float | None:
        """Mean seconds; None where nothing is forecast."""
        known = [made["seconds"] for made in self.forecasts if made["seconds"] is not None]
        return sum(known) / len(known) if known else None

    def row(self) -> str:
        """A line of a Markdown table."""
        basis = self.forecasts[0]["basis"]
        shares = [f"{name} {basis[name]:.0%}" for name in ("measured", "guess", "limit") if basis[name] > 0.005]
        if self.forecast is None:
            return f"| `{self.sweep}` | – | {self.taken:,.0f} s | – | – | – |"
        low, high = (
            sum(made["range"]["seconds"][end] for made in self.forecasts) / len(self.forecasts) for end in (0, 1)
        )
        unknown = self.forecasts[0]["unknown"]
        without = f", without {', '.join(unknown)}" if unknown else ""
        return (
            f"| `{self.sweep}` | {self.forecast:,.0f} s{without} | {self.taken:,.0f} s | "
            f"{self.forecast / self.taken:.2f} | {low:,.0f} to {high:,.0f} s | {', '.join(shares)} |"
        )


def golfsweep(*words: str | Path) -> str:
    """What a command prints.

    Raises:
        CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", "sweeps.cli", *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8", errors="replace", cwd=ROOT)
    return done.stdout


def compare(sweep: str) -> Comparison:
    """Forecast, run, and forecast a sweep, each in an empty home."""
    with tempfile.TemporaryDirectory(prefix="forecast") as folder:

        def forecast(number: int) -> dict[str, Any]:
            made: dict[str, Any] = json.loads(golfsweep("plan", sweep, "--json", "--home", Path(folder) / str(number)))
            return made

        before, started = forecast(1), time.monotonic()
        golfsweep("run", sweep, "--here", "--json", "--home", Path(folder) / "run")
        taken = time.monotonic() - started
        return Comparison(sweep=sweep, forecasts=(before, forecast(2)), taken=taken)


def make_table(comparisons: Sequence[Comparison]) -> str:
    """The table in Markdown, below a line with the machine, its load and the day."""
    load = os.getloadavg()[2] / (os.cpu_count() or 1)
    where = f"{processor_name()}, {os.cpu_count()} cores, load {load:.1f} per core, {datetime.now(UTC):%Y-%m-%d}"
    head = ["| sweep | forecast | taken | ratio | range said | based on |", "|---|---|---|---|---|---|"]
    return "\n".join([f"On {where}:", "", *head, *(comparison.row() for comparison in comparisons)]) + "\n"


def main() -> None:
    """Compare the sweeps that are named, or all; write the table to the page, and print it."""
    page = PAGE.read_text(encoding="utf-8")
    replace_table(page, "", BEGIN, END)  # fails before the minutes of running, not after
    table = make_table([compare(sweep) for sweep in sys.argv[1:] or SWEEPS])
    PAGE.write_text(replace_table(PAGE.read_text(encoding="utf-8"), table, BEGIN, END), encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
