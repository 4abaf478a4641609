"""Results for notebooks and programs: what `golfsweep leaderboard`, `show` and `compare` know, as frames and objects.

    from sweeps.api import compare, leaderboard, sweep

    leaderboard("demo")                 # a frame with an entry a line
    s = sweep("demo")
    s.trials, s.seeds, s.entry("trial-20")
    compare("trial-20", "lora-ttt")     # says what it means; .plot() shows it

Everything only reads a home, by default that of the current directory. Names of entries are taken as commands take
them. Nothing heavy is loaded before it is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from jobs.workplace import Workplace

__all__ = ["EntryComparison", "EntryResults", "SweepResults", "compare", "leaderboard", "sweep"]

HOME = ".golfsweep"


def leaderboard(name: str | None = None, *, home: Path | str = HOME) -> "pd.DataFrame":
    """The entries of a sweep beside imported records, best first.

    Args:
        name: of the sweep; by default the latest.
        home: folder of database and files.

    Returns:
        A frame with the entry's name as index and the columns of docs/glossary.md: numbers are numbers, an unknown
        value is missing. An interval has two columns, a table of numbers one for each, e.g. `bytes.model`.

    Raises:
        InputError: there is no such home or sweep.
    """
    from sweeps.exports.frames import entries_frame, leaderboard_rows

    place = _open(home)
    return entries_frame(leaderboard_rows(name or _latest(place), place))


def sweep(name: str | None = None, *, home: Path | str = HOME) -> "SweepResults":
    """A sweep's results.

    Args:
        name: its name; by default the latest.
        home: folder of database and files.

    Raises:
        InputError: there is no such home or sweep.
    """
    from golf.errors import InputError
    from sweeps.exports.frames import record_of

    place = _open(home)
    chosen = name or _latest(place)
    if chosen is None:
        raise InputError(f"{place.home.root}: there is no sweep; start one with golfsweep run FILE")
    record = record_of(chosen, place)
    return SweepResults(name=chosen, state=record.state, _place=place)


def compare(challenger: str, incumbent: str, *, home: Path | str = HOME) -> "EntryComparison":
    """Compare two entries of one contest, as `golfsweep compare` does.

    Args:
        challenger: an entry of the latest sweep, SWEEP/ENTRY, or a public record.
        incumbent: what to compare it with, in the same form.
        home: folder of database and files.

    Raises:
        InputError: there is no such home or entry, or the two cannot be compared.
    """
    from sweeps.standings.pair import compare_standings, list_lines
    from sweeps.standings.reading import pair_named

    place = _open(home)
    if (standings := pair_named(challenger, incumbent, place)) is not None:
        content = compare_standings(*standings)
        lines, metric = list_lines(content, standings[0].contest), standings[0].contest.score.metric
        return EntryComparison(content=content, lines=tuple(lines), metric=metric)
    from sweeps.board import compare as comparing
    from sweeps.entries.reading import pair_of
    from sweeps.views.terminal.compare_evidence import list_conclusions

    content = comparing.compare(pair_of(challenger, incumbent, place))
    return EntryComparison(content=content, lines=tuple(list_conclusions(content)), metric="val_bpb")


@dataclass(frozen=True, kw_only=True)
class SweepResults:
    """A sweep's entries, runs and trials; each frame is read once, when it is first used."""

    name: str
    state: str
    _place: "Workplace" = field(repr=False, compare=False)

    @cached_property
    def entries(self) -> "pd.DataFrame":
        """An entry of this sweep a line, best first."""
        from sweeps.exports.frames import entries_frame, leaderboard_rows

        return entries_frame([row for row in leaderboard_rows(self.name, self._place) if row["sweep"] == self.name])

    @cached_property
    def seeds(self) -> "pd.DataFrame":
        """A run of an entry a line, by entry and seed."""
        from sweeps.exports.frames import runs_frame

        return runs_frame(self.name, self._place)

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """A trial of the search a line: state, value (bits per byte) and settings."""
        from sweeps.exports.frames import trials_frame

        return trials_frame(self.name, self._place)

    def entry(self, name: str) -> "EntryResults":
        """An entry by its name, as commands take it, e.g. "trial-20".

        Raises:
            InputError: no entry or several have such a name.
        """
        import pandas as pd

        from sweeps.entries.names import EntryName, resolve_entry
        from sweeps.entries.reading import read_entry

        known = [EntryName(sweep=self.name, name=each) for each in self.entries.index]
        meant = resolve_entry(name, known, latest=self.name)
        stored = read_entry(self.name, meant.name, self._place)
        return EntryResults(
            name=meant.name,
            sweep=self.name,
            columns=self.entries.iloc[list(self.entries.index).index(meant.name)],
            seeds=pd.DataFrame(self.seeds.xs(meant.name, level="entry")),
            settings={} if stored is None else stored.content.get("settings", {}),
        )

    def plot(self) -> "go.Figure":
        """The search: the value of each trial, and the best so far; without a search, the entries' seeds."""
        from sweeps.exports.plots import plot_seeds, plot_trials, to_seeds

        if len(self.trials):
            return plot_trials(self.trials, "bits per byte on tuning documents")
        score = _score_column(self.seeds)
        names = list(dict.fromkeys(self.seeds.index.get_level_values("entry")))
        return plot_seeds({str(name): to_seeds(self.seeds.loc[name], score) for name in names}, score)

    def __repr__(self) -> str:
        return f"SweepResults({self.name}: {self.state}, {len(self.entries)} entries, {len(self.trials)} trials)"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.entries.to_html(max_cols=12)}"


@dataclass(frozen=True, kw_only=True)
class EntryResults:
    """An entry of a sweep."""

    name: str
    sweep: str
    columns: "pd.Series[Any]" = field(repr=False, compare=False)
    """Its line of the leaderboard."""
    seeds: "pd.DataFrame" = field(repr=False, compare=False)
    """A run a line, by seed."""
    settings: Mapping[str, Any] = field(repr=False)
    """Every setting of its recipe."""

    def plot(self) -> "go.Figure":
        """Its scores by seed."""
        from sweeps.exports.plots import plot_seeds, to_seeds

        score = _score_column(self.seeds)
        return plot_seeds({self.name: to_seeds(self.seeds, score)}, score)

    def __repr__(self) -> str:
        return f"EntryResults({self.sweep}/{self.name}: {self.columns['track']}, {len(self.seeds)} seeds)"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.seeds.to_html(max_cols=12)}"


@dataclass(frozen=True, kw_only=True)
class EntryComparison:
    """Two entries side by side."""

    content: Mapping[str, Any] = field(repr=False)
    """The document of `golfsweep compare --json`."""
    lines: tuple[str, ...]
    """What it means, in sentences."""
    metric: str

    @property
    def seeds(self) -> "pd.DataFrame":
        """The scores of both by seed: a line a seed, a column an entry."""
        import pandas as pd

        return pd.DataFrame(self._scores(), dtype="float64").rename_axis("seed")

    def plot(self) -> "go.Figure":
        """The scores of both; a line joins the same seed."""
        from sweeps.exports.plots import plot_seeds

        return plot_seeds(self._scores(), self.metric)

    def _scores(self) -> dict[str, dict[str, float | None]]:
        sides = [self.content[side] for side in ("challenger", "incumbent")]
        return {
            f"{side['sweep']}/{side['name']}" if side.get("sweep") else side["name"]: side["seeds"] for side in sides
        }

    def __repr__(self) -> str:
        return "\n".join((" against ".join(self._scores()), *self.lines))

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"


def _score_column(runs: "pd.DataFrame") -> str:
    """The column of a frame of runs that has the score."""
    return "bpb" if "bpb" in runs else next(name for name in runs.columns if name not in ("track", "seconds", "gpu"))


def _open(home: Path | str) -> "Workplace":
    from jobs.workplace import Workplace

    return Workplace.open_to_read(Path(home))


def _latest(place: "Workplace") -> str | None:
    sweeps = place.store.sweeps()
    return sweeps[-1].name if sweeps else None
