"""Keep, discard or replicate: what to do with one entry, from the numbers of its claim. Pure functions.

keep        the claim is shown for the best of all settings that anybody tried, or stood on fresh seeds
discard     flagged, not better, too small a gain to be shown at a price, or not confirmed on fresh seeds
replicate   everything between
"""

from dataclasses import dataclass
from enum import StrEnum

from sweeps.board.pairs.claim_numbers import ClaimNumbers
from sweeps.challenge.past import PastChallenge
from sweeps.views.wording import format_p


class DecisionWord(StrEnum):
    """What to do with an entry."""

    KEEP = "keep"
    REPLICATE = "replicate"
    DISCARD = "discard"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What to do with an entry, and why in a sentence."""

    word: DecisionWord
    why: str


def decide(numbers: ClaimNumbers, challenge: PastChallenge | None = None) -> Decision:
    """Decide on an entry that nothing flags.

    Args:
        numbers: of its claim against what its verdict is against.
        challenge: of that claim on fresh seeds, if one was started.
    """
    if challenge is not None and challenge.outcome is not None:
        return _follow_challenge(challenge)
    if numbers.gain <= 0:
        return Decision(word=DecisionWord.DISCARD, why=f"not better: {-1000 * numbers.gain:+.2f} mBPB")
    if numbers.p is None:
        return Decision(word=DecisionWord.REPLICATE, why=f"no test is possible yet: {numbers.no_test}")
    if numbers.holds:
        return Decision(word=DecisionWord.KEEP, why=f"shown: {_describe_p(numbers)}")
    if numbers.passed:
        return Decision(word=DecisionWord.REPLICATE, why=f"not shown after so many tries: {_describe_p(numbers)}")
    if numbers.settlement is not None and numbers.settlement.seeds is None:
        return Decision(
            word=DecisionWord.DISCARD,
            why=f"too small a gain for any affordable number of seeds: {_describe_p(numbers)}",
        )
    return Decision(word=DecisionWord.REPLICATE, why=f"not shown: {_describe_p(numbers)}")


def _follow_challenge(challenge: PastChallenge) -> Decision:
    seeds = f"{challenge.seeds} fresh seed{'' if challenge.seeds == 1 else 's'}"
    match challenge.outcome:
        case "stands":
            return Decision(word=DecisionWord.KEEP, why=f"its claim stands on {seeds}")
        case "falls":
            return Decision(word=DecisionWord.DISCARD, why=f"its claim falls on {seeds}")
        case "flagged":
            return Decision(word=DecisionWord.DISCARD, why="its scorer was flagged on fresh seeds")
        case _:
            return Decision(word=DecisionWord.DISCARD, why=f"{seeds} did not decide its claim")


def _describe_p(numbers: ClaimNumbers) -> str:
    settings = f"{numbers.tries} setting{'' if numbers.tries == 1 else 's'} tried"
    return f"p = {format_p(numbers.p)}, {format_p(numbers.p_tries)} over {settings}, must be < {numbers.level:g}"
