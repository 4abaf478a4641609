"""What an agent may call: the functions behind the commands, with their documents in short.

Every argument is data: a path must lie below the folder that the server was started in, and nothing reaches a shell.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golf.errors import InputError, shown
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.views.brief.fitting import fit

MOST_WAIT_SECONDS = 600.0
LOG_LINES = 40
"""Last lines of a log, of which as many are shown as fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentTools:
    """The tools on one home; each call opens the home and closes it again."""

    root: Path
    """The home's folder."""
    folder: Path
    """Sweep files must lie below it."""
    agent: str
    """In whose name sweeps are run, for the ledger of tries."""
    database: str | None = None
    files: str | None = None
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr)
    """Called with progress, which must not go to stdout."""

    def plan(self, file: str, set: Sequence[str] = ()) -> dict[str, Any]:
        """Check a sweep file and preview its jobs, time and price."""
        from sweeps.run.forecasts.forecast import forecast
        from sweeps.spec.file import load_sweep
        from sweeps.views.brief.sweeps import brief_plan

        spec, place = load_sweep(self._path(file), set), self._open()
        try:
            made = forecast(spec, place, nodes=1, slots=None, measure_here=False, say=self.say)
            return brief_plan(made.to_json())
        finally:
            place.store.close()

    def run(self, file: str, set: Sequence[str] = (), executor: str = "local") -> dict[str, Any]:
        """Start or resume a sweep in the background."""
        from sweeps.agents.starting import DetachedRun, begin_detached, describe_ticket

        run = DetachedRun(
            file=self._path(file), executor=executor, root=self.root, assignments=set, agent=self.agent,
            database=self.database, files=self.files,
        )  # fmt: skip
        return describe_ticket(begin_detached(run, self.say))

    def wait(self, sweep: str, seconds: float = 50.0) -> dict[str, Any]:
        """Wait for the end of a sweep, for a limited time."""
        from sweeps.agents.awaiting import wait_for_sweep

        if not 0 <= seconds <= MOST_WAIT_SECONDS:
            raise InputError(f"seconds = {seconds:g}: expected 0 to {MOST_WAIT_SECONDS:g}; call again to wait longer")
        place = self._open()
        try:
            return wait_for_sweep(sweep, place, seconds).document
        finally:
            place.store.close()

    def status(self, sweep: str | None = None) -> dict[str, Any]:
        """How far a sweep is, or all of them."""
        from sweeps.views.brief.sweeps import brief_status
        from sweeps.views.status import state_of

        return self._read(sweep, lambda place, records: brief_status([state_of(each, place.store) for each in records]))

    def leaderboard(self, sweep: str | None = None) -> dict[str, Any]:
        """The best entries of a sweep beside imported records."""
        from sweeps.views.brief.entries import brief_leaderboard
        from sweeps.views.leaderboard_document import leaderboard_document

        return self._read(sweep, lambda place, _: brief_leaderboard(leaderboard_document(place, sweep)))

    def compare(self, challenger: str, incumbent: str) -> dict[str, Any]:
        """Compare two entries by every test."""
        from sweeps.views.brief.entries import brief_comparison
        from sweeps.views.verdicts.comparison_document import comparison_document

        return self._read(
            None, lambda place, _: brief_comparison(comparison_document(challenger, incumbent, place).document)
        )

    def next(self, sweep: str | None = None) -> dict[str, Any]:
        """Keep, discard or replicate, and the priced next step."""
        from sweeps.views.decisions.next_document import describe_next

        return self._read(sweep, lambda place, _: describe_next(sweep, place))

    def log(self, job: str) -> dict[str, Any]:
        """The last lines that a job printed."""
        from sweeps.views.job_logs import find_job, read_log

        def read(place: Workplace, _: Sequence[SweepRecord]) -> dict[str, Any]:
            log = read_log(find_job(job, place), place).to_json()
            lines = [line for line in log.pop("lines") if line.strip()][-LOG_LINES:]
            newest_first = fit({**log, "lines": lines[::-1]}, ["lines"])
            return newest_first | {"lines": newest_first["lines"][::-1]}

        return self._read(None, read)

    def _path(self, file: str) -> Path:
        """A sweep file that was named.

        Raises:
            InputError: it is not below the server's folder.
        """
        folder = self.folder.resolve()
        try:
            path = (folder / file).resolve()
        except (OSError, ValueError):
            raise InputError(f"{shown(file)}: no path of a file; expected a sweep file below {folder}") from None
        if not path.is_relative_to(folder):
            raise InputError(f"{shown(file)}: is not below {folder}; expected a sweep file in this folder")
        return path

    def _open(self) -> Workplace:
        if self.database is None and not self.root.exists():
            return Workplace.empty(self.root)
        return Workplace.open_to_read(self.root, self.database, self.files)

    def _read(
        self, sweep: str | None, read: Callable[[Workplace, Sequence[SweepRecord]], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Read from the home; `read` gets it, and its sweeps or the one that is named."""
        place = self._open()
        try:
            records = place.store.sweeps()
            named = [record for record in records if sweep in (None, record.name)]
            if sweep is not None and not named:
                known = ", ".join(record.name for record in records) or "none yet"
                raise InputError(f"sweep {shown(sweep)}: there is none of that name; there are: {known}")
            return dict(read(place, named))
        finally:
            place.store.close()
