"""SearchHistory: the score of every trial by its number, with the best so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import ClassVar

from jobs.store import TrialRecord
from sweeps.views.components.charts.figure import Axes, Caption, PlotPoint, make_table, thin_out
from sweeps.views.components.scale import Scale, fit_scale
from sweeps.views.ranking.measure import BITS_PER_BYTE, Measure
from sweeps.views.wording import format_setting

HEIGHT = 220
MOST_SPREAD = 6.0
"""Trials worse than the middle one by so many times its distance to the best lie at the upper end."""
MOST_PARAMETERS = 8
"""Parameters of a trial that its label and the table name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchHistory:
    """Trials as dots: given in the file, or searched."""

    template: ClassVar[str] = "charts/search_history.html.j2"
    caption: Caption
    axes: Axes
    points: tuple[PlotPoint, ...]
    best: str
    beyond: int
    """Trials that lie at the upper end because they are worse than fits."""
    given: bool


def prepare_search_history(
    trials: Sequence[TrialRecord], given: int, note: str, measure: Measure = BITS_PER_BYTE
) -> SearchHistory | None:
    """From the trials of a search; None where none has a score.

    Args:
        trials: in the order of their numbers.
        given: how many of the first were written in the file.
        note: what they are scored on.
        measure: how scores are written.
    """
    done = [(trial, trial.value) for trial in trials if trial.value is not None]
    if not done:
        return None
    scale = scale_scores([value for _, value in done])
    axes = Axes(
        x=Scale(low=-0.5, high=max(trial.number for trial, _ in done) + 0.5, whole=True),
        y=scale,
        height=HEIGHT,
        x_label="trial",
        y_label=f"{measure.title} on tuning",
    )
    best = list(accumulate((value for _, value in done), min))
    corners: list[tuple[float, float]] = []
    for (trial, _), value in zip(done, best, strict=True):
        corners += [(trial.number, corners[-1][1] if corners else value), (trial.number, value)]
    leader = min(done, key=lambda pair: pair[1])[0]
    names = list(leader.parameters)[:MOST_PARAMETERS]
    points = [
        axes.point(
            trial.number,
            value,
            f"trial {trial.number}: {measure.show(value)}",
            "given" if trial.number < given else "best" if trial is leader else "searched",
        )
        for trial, value in thin_out(done)
    ]
    rows = [
        (f"trial {trial.number}", measure.show(value), *(format_setting(trial.parameters.get(name)) for name in names))
        for trial, value in done
    ]
    failed = len(trials) - len(done)
    caption = Caption(
        name="search-history",
        title="Score by trial",
        note=note,
        summary=f"{len(done)} trials with a score{f', {failed} without' if failed else ''}; the best is trial "
        f"{leader.number} with {measure.show(leader.value)} {measure.title}",
        table=make_table(("trial", measure.unit, *map(shorten_setting, names)), rows),
    )
    beyond = sum(value > scale.high for _, value in done)
    return SearchHistory(
        caption=caption, axes=axes, points=tuple(points), best=axes.line(corners), beyond=beyond, given=given > 0
    )


def scale_scores(values: Sequence[float]) -> Scale:
    """A scale for scores of trials, on which a few that failed badly lie at the end."""
    middle, best = median(values), min(values)
    most = middle + MOST_SPREAD * (middle - best)
    return fit_scale([value for value in values if value <= max(most, best)])


def shorten_setting(name: str) -> str:
    """A setting's name without what all of a search have in common."""
    short = name.removeprefix("script.").replace(".env.", " ").removeprefix("env.")
    return short.removeprefix("eval.").replace("multipliers.", "× ")
