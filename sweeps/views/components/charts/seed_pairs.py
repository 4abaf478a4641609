"""SeedPairs: every seed's score of two entries, with a line between scores of the same seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sweeps.views.components.charts.figure import Caption, make_table
from sweeps.views.components.scale import Tick, fit_scale
from sweeps.views.ranking.measure import BITS_PER_BYTE, Measure


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedDot:
    """A seed's score in percent of the scale."""

    place: float
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedSide:
    """One of the two entries."""

    name: str
    mean: float
    dots: tuple[SeedDot, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedPairs:
    """The challenger above, the incumbent below."""

    template: ClassVar[str] = "charts/seed_pairs.html.j2"
    caption: Caption
    challenger: SeedSide
    incumbent: SeedSide
    pairs: tuple[tuple[float, float], ...]
    ticks: tuple[Tick, ...]


def prepare_seed_pairs(
    challenger: Mapping[str, Any],
    incumbent: Mapping[str, Any],
    measure: Measure = BITS_PER_BYTE,
    *,
    are_pairs: bool = True,
) -> SeedPairs | None:
    """From the two sides of a comparison (`known_as`, `seeds`); None where one has no score.

    Args:
        challenger: the entry above.
        incumbent: the entry below.
        measure: how their values are written.
        are_pairs: whether runs of one name belong together, as those of one seed do.
    """
    ours, theirs = (
        {seed: bpb for seed, bpb in side["seeds"].items() if bpb is not None} for side in (challenger, incumbent)
    )
    if not ours or not theirs:
        return None
    scale = fit_scale([*ours.values(), *theirs.values()])
    common = [seed for seed in ours if seed in theirs] if are_pairs else []
    lower = sum(ours[seed] < theirs[seed] for seed in common)
    word = measure.replicate
    names = challenger["known_as"], incumbent["known_as"]
    if common:
        note = f"Gray lines join the same seed: {names[0]} is lower on {lower} of {len(common)}."
    else:
        note = f"No {word} is in common." if are_pairs else f"Bars are means; the {word}s are not paired."
    difference = f"difference in {measure.change_unit}"
    rows = [
        (_name(seed, measure), *(measure.show(side.get(seed)) for side in (ours, theirs)))
        + ((_show_difference(ours, theirs, seed, measure),) if are_pairs else ())
        for seed in dict.fromkeys([*ours, *theirs])
    ]
    caption = Caption(
        name="seeds",
        title=f"{word.capitalize()} by {word}",
        note=note,
        summary=f"{names[0]}: {_say(ours, measure)}. {names[1]}: {_say(theirs, measure)}. {note}",
        table=make_table((word, *names, *([difference] if are_pairs else [])), rows),
    )
    sides = [
        SeedSide(
            name=name,
            mean=scale.place(sum(scores.values()) / len(scores)),
            dots=tuple(
                SeedDot(place=scale.place(value), label=f"{_name(seed, measure)}: {measure.show(value)}")
                for seed, value in scores.items()
            ),
        )
        for name, scores in zip(names, (ours, theirs), strict=True)
    ]
    return SeedPairs(
        caption=caption,
        challenger=sides[0],
        incumbent=sides[1],
        pairs=tuple((scale.place(ours[seed]), scale.place(theirs[seed])) for seed in common),
        ticks=scale.ticks(5),
    )


def _name(run: str, measure: Measure) -> str:
    """A seed with its word; a run's own name begins with it."""
    return run if run.startswith(measure.replicate) else f"{measure.replicate} {run}"


def _show_difference(ours: Mapping[str, float], theirs: Mapping[str, float], seed: str, measure: Measure) -> str:
    known = seed in ours and seed in theirs
    return measure.show_change(measure.change(ours[seed], theirs[seed]) if known else None)


def _say(scores: Mapping[str, float], measure: Measure) -> str:
    return f"mean {measure.show(sum(scores.values()) / len(scores))} over {measure.count_runs(len(scores))}"
