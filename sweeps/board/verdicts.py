"""Has a row beaten the one before it? By the challenge's text, and by what was let pass; both are shown.

challenge   lower by more than 0.005 nats per token at p < 0.01 (the README's rule)
practice    lower at all at p < 0.25, against the frontier of its date (PR 1514 and 1769 were accepted so)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sweeps.board.rules import MARGIN_NATS, Profile

Rule = Literal["challenge", "practice"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standard:
    """What a claim has to show."""

    margin_nats: float
    """Per token, in the text's own unit."""
    level: float
    """p has to be below it."""


STANDARDS: Mapping[Rule, Standard] = {
    "challenge": Standard(margin_nats=MARGIN_NATS, level=0.01),
    "practice": Standard(margin_nats=0.0, level=0.25),
}
RULE_OF: Mapping[Profile, Rule] = {"strict": "challenge", "accepted": "practice"}
"""The rule that each profile decides by."""
NAMES: Mapping[Rule, str] = {"challenge": "challenge's text", "practice": "organizers' practice"}
"""What each rule is called in sentences."""
