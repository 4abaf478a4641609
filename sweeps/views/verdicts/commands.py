"""Commands that people can type next: they name a sweep and its entries so that they work where it was run."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.entries.names import EntryName, command_name


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandWords:
    """How commands name one sweep and its entries."""

    sweep: str
    """Empty for public records alone."""
    latest: str | None = None
    """The sweep in which commands look for an entry where they name none; by default this one."""
    known: Sequence[EntryName] = ()
    """All entries there are, among which a name must tell one."""
    contest: str = ""
    """Of the public records, where there is no sweep and it is not the default one."""
    options: str = ""
    """What was typed to reach the sweep's home, e.g. `--home /data/sweeps`; empty where nothing was needed."""

    def entry(self, name: str, *, is_own: bool = True) -> str:
        """An entry as a command's argument: of this sweep, or one whose name says whose it is."""
        latest = self.sweep if self.latest is None else self.latest
        sweep, _, rest = ("", "", name) if not is_own else (self.sweep, "", name)
        if not is_own and "/" in name:
            sweep, _, rest = name.partition("/")
        return command_name(EntryName(sweep=sweep, name=rest), self.known, latest=latest)

    def compare(self, challenger: str, incumbent: str, *, incumbent_is_own: bool = True) -> str:
        """Compare an entry with another."""
        return self._command("compare", self.entry(challenger), self.entry(incumbent, is_own=incumbent_is_own))

    def challenge(self, name: str) -> str:
        """Test an entry's claim on fresh seeds."""
        return self._command("challenge", self.entry(name))

    def package(self, name: str) -> str:
        """Write an entry as a submission."""
        return self._command("package", self.entry(name), "--out", shlex.quote(name.replace(" ", "-")))

    def show(self, name: str | None = None) -> str:
        """Show an entry, or the sweep."""
        if name is None:
            return self._command("show", shlex.quote(self.sweep))
        return self._command("show", command_name(EntryName(sweep=self.sweep, name=name), self.known))

    def status(self) -> str:
        """Show how far the sweep is."""
        return self._command("status", shlex.quote(self.sweep))

    def run_with(self, assignment: str) -> str:
        """Run the sweep's file, whose path is not known here, with a setting changed."""
        return self._command("run", "FILE", "--set", shlex.quote(assignment))

    def logs(self, key: str) -> str:
        """Show what a job printed."""
        return self._command("logs", key)

    def retry(self) -> str:
        """Run the sweep's failed jobs again."""
        return self._command("retry", shlex.quote(self.sweep))

    def open(self) -> str:
        """Open the sweep's report."""
        return self._command("open", shlex.quote(self.sweep))

    def leaderboard(self) -> str:
        """Everything that is known of the sweep's entries."""
        return self._command("leaderboard", *self._which, "--long")

    def write_up(self) -> str:
        """The leaderboard as Markdown, for a pull request."""
        return self._command("leaderboard", *self._which, "--format", "markdown")

    @property
    def _which(self) -> list[str]:
        """The leaderboard of the sweep, else of the contest."""
        if self.sweep:
            return [shlex.quote(self.sweep)]
        return ["--contest", shlex.quote(self.contest)] if self.contest else []

    def _command(self, *words: str) -> str:
        return " ".join(["golfsweep", *words, *([self.options] if self.options else [])])
