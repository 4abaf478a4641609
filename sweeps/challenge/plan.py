"""The plan of a challenge, which is a sweep: the two recipes as arms, on seeds that were used nowhere before.

The sweep's name follows from the claim, so that the same command finds it again: a challenge that was interrupted goes
on as it was planned on its first day, and one that has ended is only shown.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from golf.errors import InputError
from jobs.store import Store, SweepRecord
from jobs.workplace import Workplace
from sweeps.board.entries import BoardEntry
from sweeps.board.rules import Published
from sweeps.challenge.claim import ChallengedClaim
from sweeps.challenge.design import challenge_name, design_challenge, price_challenge
from sweeps.spec.file import SweepSpec, parse_sweep
from sweeps.spec.recipe import NEWER
from sweeps.spec.sections import MOST_SEED
from sweeps.spec.settings import merge


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengePlan:
    """A claim and the sweep that replicates it."""

    claim: ChallengedClaim
    spec: SweepSpec

    @property
    def seeds(self) -> tuple[int, int]:
        """Fresh seeds at best and at most."""
        assert self.spec.challenge is not None
        return self.spec.challenge.analyses[0], self.spec.challenge.analyses[-1]

    @property
    def dollars(self) -> tuple[float | None, float | None]:
        """Price at best and at most, after what the seeds of the claim have cost; None where that is unknown."""
        return price_challenge(self.claim, self.seeds)


def plan_challenge(claim: ChallengedClaim, place: Workplace, changes: Mapping[str, Any]) -> ChallengePlan:
    """Plan the challenge of a claim, or read the plan of one that was started.

    Args:
        claim: what is tested.
        place: the home that holds it.
        changes: `--set` values, of [budget] alone, as nested tables.

    Raises:
        InputError: other sections are set, or no affordable number of seeds would decide the claim.
    """
    if other := next((name for name in changes if name != "budget"), None):
        raise InputError(
            f"--set {other}.…: not a setting of a challenge; it takes budget.* settings, e.g. budget.dollars=20"
        )
    name = challenge_name(claim)
    stored = place.store.sweep(name)
    source = _write_source(name, claim, place.store) if stored is None else stored.spec["file"]
    return ChallengePlan(claim=claim, spec=parse_sweep(merge(source, changes), f"challenge of {claim.name}"))


def _write_source(name: str, claim: ChallengedClaim, store: Store) -> dict[str, Any]:
    """The sweep file of a new challenge."""
    design = design_challenge(claim)
    seeds = [*islice(_fresh_seeds(store), design.analyses[-1])]
    before = claim.record.spec["file"]
    price = before.get("budget", {}).get("dollars_per_gpu_hour")
    return {
        "name": name,
        "rules": before.get("rules", "accepted"),
        "data": _data(claim.record),
        "recipe": _complete(claim.settings),
        "seeds": {"confirm": seeds},
        **_write_sides(claim),
        "challenge": {
            "entry": claim.name,
            "against": claim.against_name,
            "gain": claim.gain,
            "margin": claim.margin,
            "analyses": list(design.analyses),
        },
        "audit": dict(before.get("audit", {})),
        "budget": {} if price is None else {"dollars_per_gpu_hour": price},
    }


def _write_sides(claim: ChallengedClaim) -> dict[str, Any]:
    """The arms of a challenge, and the published baseline where that is what the claim is against."""
    own = {"name": _arm_name(claim.entry)}  # the recipe itself; the opponent's arm has every setting, too
    if claim.against_settings is not None:
        assert isinstance(claim.against, BoardEntry)
        name = _arm_name(claim.against)
        other = name if name != own["name"] else f"{name} (opponent)"
        return {"arm": [own, {"name": other, "baseline": True, **_complete(claim.against_settings)}]}
    if isinstance(claim.against, Published):
        numbers = {"mean": claim.against.mean, "std": claim.against.std, "n": claim.against.n}
    else:
        moments = claim.against.moments
        assert moments is not None
        numbers = {"mean": moments.mean, "std": moments.std, "n": moments.n}
    return {"arm": [own], "baseline": {name: value for name, value in numbers.items() if value is not None}}


def _arm_name(entry: BoardEntry) -> str:
    """The name of an entry as that of an arm; "trial N" is reserved for a search."""
    return re.sub(r"^trial (\d+)", r"trial-\1", entry.name)[:50].strip()


def _complete(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a recipe with those that stored ones leave out at their first value."""
    return {section: {**NEWER.get(section, {}), **values} for section, values in settings.items()}


def _data(record: SweepRecord) -> dict[str, Any]:
    """The data of a sweep as it found them: paths that mean the same in any folder."""
    if record.spec["file"]["data"]["tokens"] == "demo":
        return {"tokens": "demo"}
    return {name: record.spec["data"][name] for name in ("tokens", "tokenizer", "tuning_documents")}


def _fresh_seeds(store: Store) -> Iterator[int]:
    """Seeds that no sweep of the store names, from the one after the largest on."""
    used: set[int] = set()
    for record in store.sweeps():
        file = record.spec["file"]
        named = [seed for seeds in file["seeds"].values() for seed in seeds]
        named += [seed for arm in file.get("arm", []) for seed in arm.get("seeds", [])]
        further = file.get("confirm", {}).get("train_only", 0)
        used |= {*named, *range(max(named) + 1, max(named) + 1 + further)}
    first = max(used, default=0) + 1
    candidates = ((first + step) % (MOST_SEED + 1) for step in range(MOST_SEED + 1))
    return (seed for seed in candidates if seed not in used)
