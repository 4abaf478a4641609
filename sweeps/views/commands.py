"""Commands that people are told to type next: they name a sweep and its entries so that they work where it was run."""

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandWords:
    """How commands name one sweep and its entries."""

    sweep: str
    is_latest: bool = True
    """Whether an entry is looked for in this sweep where a command names none."""
    options: str = ""
    """What was typed to reach the sweep's home, e.g. `--home /data/sweeps`; empty where nothing was needed."""

    def entry(self, name: str, *, is_own: bool = True) -> str:
        """An entry as a command's argument: of this sweep, or one with a name of its own."""
        return shell_name(name if self.is_latest or not is_own else f"{self.sweep}/{name}")

    def compare(self, challenger: str, incumbent: str, *, incumbent_is_own: bool = True) -> str:
        """Compare an entry with another."""
        return self._command("compare", self.entry(challenger), self.entry(incumbent, is_own=incumbent_is_own))

    def challenge(self, name: str) -> str:
        """Test an entry's claim on fresh seeds."""
        return self._command("challenge", self.entry(name))

    def package(self, name: str) -> str:
        """Write an entry as a submission."""
        return self._command("package", self.entry(name), "--out", shell_name(name))

    def show(self, name: str | None = None) -> str:
        """Show an entry, or the sweep."""
        return self._command("show", shell_name(self.sweep if name is None else f"{self.sweep}/{name}"))

    def status(self) -> str:
        """Show how far the sweep is."""
        return self._command("status", shell_name(self.sweep))

    def retry(self) -> str:
        """Run the sweep's failed jobs again."""
        return self._command("retry", shell_name(self.sweep))

    def open(self) -> str:
        """Open the sweep's report."""
        return self._command("open", shell_name(self.sweep))

    def leaderboard(self) -> str:
        """Everything that is known of the sweep's entries."""
        return self._command("leaderboard", shell_name(self.sweep), "--long")

    def _command(self, *words: str) -> str:
        return " ".join(["golfsweep", *words, *([self.options] if self.options else [])])


def shell_name(name: str) -> str:
    """A name as it is typed in a shell: `trial-20` for `trial 20`, in quotes where it must be."""
    return shlex.quote(name.replace(" ", "-"))
