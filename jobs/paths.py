"""Where everything of a home folder lies; the one place that names its paths."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

COMPARISON = "compare-"
"""What names of comparisons begin with."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one user's or team's work, by default `.golfsweep` in the current directory."""

    root: Path

    @property
    def database_url(self) -> URL:
        """SQLite's URL of the store."""
        return URL.create("sqlite", database=str(self.database.resolve()))

    @property
    def database(self) -> Path:
        """SQLite's file of the store."""
        return self.root / "golfsweep.db"

    @property
    def files(self) -> Path:
        """Contents by digest."""
        return self.root / "files"

    @property
    def uploads(self) -> Path:
        """Contents that have reached the service in part."""
        return self.root / "uploads"

    @property
    def demo(self) -> Path:
        """The bundled corpus in the challenge's format."""
        return self.root / "data" / "demo"

    @property
    def attempts(self) -> Path:
        """Working directories of all attempts, a folder for each job."""
        return self.root / "attempts"

    def attempt(self, key: str, number: int) -> Path:
        """Working directory of one attempt at a job."""
        return self.attempts / key[:16] / str(number)

    def submission(self, ticket: str) -> Path:
        """The files of a submitted sweep's script, at the paths that its sweep file names."""
        return self.root / "submissions" / ticket

    @property
    def runs(self) -> Path:
        """Logs and tickets of runs that were started in the background."""
        return self.root / "runs"

    @property
    def reports(self) -> Path:
        """Pages: a report for each sweep, and comparisons."""
        return self.root / "reports"

    def report(self, sweep: str) -> Path:
        """The HTML report of a sweep."""
        return self.reports / f"{sweep}.html"

    def comparison(self, rows: Iterable[str]) -> Path:
        """The HTML page that holds two rows against each other."""
        names = "-vs-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", name) for name in rows)
        return self.reports / f"{COMPARISON}{names}.html"
