"""SeedPairs: every seed's score of two entries, with a line between scores of the same seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sweeps.views.components.charts.figure import Caption, make_table
from sweeps.views.components.scale import Tick, fit_scale


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


def prepare_seed_pairs(challenger: Mapping[str, Any], incumbent: Mapping[str, Any]) -> SeedPairs | None:
    """From the two sides of a comparison (`known_as`, `seeds`); None where one has no score."""
    ours, theirs = (
        {seed: bpb for seed, bpb in side["seeds"].items() if bpb is not None} for side in (challenger, incumbent)
    )
    if not ours or not theirs:
        return None
    scale = fit_scale([*ours.values(), *theirs.values()])
    common = [seed for seed in ours if seed in theirs]
    lower = sum(ours[seed] < theirs[seed] for seed in common)
    names = challenger["known_as"], incumbent["known_as"]
    if common:
        note = f"Gray lines join the same seed: {names[0]} is lower on {lower} of {len(common)}."
    else:
        note = "No seed is in common."
    rows = [
        (f"seed {seed}", *(_show(side.get(seed)) for side in (ours, theirs)), _show_difference(ours, theirs, seed))
        for seed in dict.fromkeys([*ours, *theirs])
    ]
    caption = Caption(
        name="seeds",
        title="Seed by seed",
        note=note,
        summary=f"{names[0]}: {_say(ours)}. {names[1]}: {_say(theirs)}. {note}",
        table=make_table(("seed", names[0], names[1], "difference in mBPB"), rows),
    )
    sides = [
        SeedSide(
            name=name,
            mean=scale.place(sum(scores.values()) / len(scores)),
            dots=tuple(
                SeedDot(place=scale.place(bpb), label=f"seed {seed}: {bpb:.4f}") for seed, bpb in scores.items()
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


def _show(bpb: float | None) -> str:
    return "–" if bpb is None else f"{bpb:.4f}"


def _show_difference(ours: Mapping[str, float], theirs: Mapping[str, float], seed: str) -> str:
    return f"{1000 * (ours[seed] - theirs[seed]):+.2f}" if seed in ours and seed in theirs else "–"


def _say(scores: Mapping[str, float]) -> str:
    return f"mean {sum(scores.values()) / len(scores):.4f} over {len(scores)} seed{'' if len(scores) == 1 else 's'}"
