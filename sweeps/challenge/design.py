"""The design of a challenge, its price and its name: all that can be said of it before its sweep file is written."""

import hashlib
import json
import re
from dataclasses import asdict

from golf.errors import InputError
from sweeps.board.entries import BoardEntry
from sweeps.board.pairs.settlement import price_seeds
from sweeps.board.rules import Published
from sweeps.challenge.claim import DIGESTS, ChallengedClaim
from sweeps.statistics import plan_replication
from sweeps.statistics.planning import MOST_SEEDS, POWER
from sweeps.statistics.replication import ReplicationDesign

LONGEST_SLUG = 46
"""Characters of the entry in a challenge's name."""


def design_challenge(claim: ChallengedClaim) -> ReplicationDesign:
    """Design the cheapest challenge that decides a claim.

    Raises:
        InputError: no affordable number of seeds would.
    """
    design = plan_replication(claim.gain, claim.margin, claim.noise)
    if design is None:
        raise InputError(
            f"{claim.name}: {MOST_SEEDS} fresh seeds would not decide this claim with a chance of {POWER:.0%}: it is "
            f"{1000 * claim.gain:.3g} mBPB over {claim.against_name}, and one seed may vary by {_describe_noise(claim)}"
        )
    return design


def price_challenge(claim: ChallengedClaim, seeds: tuple[int, int]) -> tuple[float | None, float | None]:
    """Dollars of a challenge at best and at most, after what the seeds of the claim have cost; None where unknown.

    Args:
        claim: what is tested.
        seeds: fresh seeds at best and at most.
    """
    against = claim.against if isinstance(claim.against, BoardEntry) else None
    best, most = (price_seeds(claim.entry, against, count) for count in seeds)
    return best, most


def challenge_name(claim: ChallengedClaim) -> str:
    """The name of the sweep that challenges a claim: another recipe or opponent makes another challenge."""
    opponent = claim.against_settings or (asdict(claim.against) if isinstance(claim.against, Published) else None)
    parts = [
        claim.settings,
        opponent or claim.against_name,
        {name: claim.record.spec["data"][name] for name in DIGESTS},
    ]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", claim.name)[:LONGEST_SLUG]
    return f"challenge-{slug}-{digest[:6]}"


def _describe_noise(claim: ChallengedClaim) -> str:
    noise = claim.noise
    known = f" beside {1000 * noise.incumbent:.3g} of the other side" if noise.incumbent else ""
    fixed = f", which has {noise.incumbent_seeds} seeds and cannot have more" if noise.incumbent_seeds else ""
    return f"{1000 * noise.challenger:.3g} mBPB{known}{fixed}"
