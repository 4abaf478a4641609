"""The verdict of a margin rule on a pair, and the seeds that would settle a claim it does not accept."""

from dataclasses import asdict
from typing import Any

from sweeps.board.margin_rules import MarginRule
from sweeps.board.pairs.pair import Pair, explain_no_spread
from sweeps.board.pairs.pair_tests import refuse
from sweeps.statistics import anytime_level, seeds_needed, welch


def judge(pair: Pair, rule: MarginRule) -> dict[str, Any]:
    """Judge a pair by a margin rule, as plain data.

    `passed` is for seeds fixed beforehand, as the organizers apply the rule; `anytime` is for seeds that were added
    after an interim analysis.
    """
    c, i, margin = pair.challenger, pair.incumbent, rule.margin_bpb(pair.challenger.bpb_per_nat)
    stated = {"margin_nats": rule.margin_nats, "level": rule.level}
    if (why := explain_no_spread(c, i)) is not None:
        return {**stated, **refuse(why), "passed": None, "anytime": None}
    if margin is None:
        return {**stated, **refuse("the size of the validation set is unknown"), "passed": None, "anytime": None}
    assert c.moments is not None and i.moments is not None
    p, level = welch(c.moments, i.moments, margin).p_value, anytime_level(c.moments.n, rule.level)
    return {
        **stated,
        "margin_bpb": margin,
        "p_value": p,
        "passed": p < rule.level,
        "anytime": {"level": level, "passed": p < level},
    }


def plan_seeds(pair: Pair, rule: MarginRule) -> dict[str, Any] | None:
    """Plan the seeds that would settle a claim under a rule; None where no affordable number would."""
    c, i, margin = pair.challenger, pair.incumbent, rule.margin_bpb(pair.challenger.bpb_per_nat)
    assert margin is not None and c.moments is not None and i.moments is not None
    ours = i.source == "golfsweep"
    plan = seeds_needed(c.moments, i.moments, margin=margin, level=rule.level, incumbent_grows=ours)
    return None if plan is None else asdict(plan) | {"incumbent_too": ours}
