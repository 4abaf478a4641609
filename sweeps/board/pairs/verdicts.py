"""The verdict of a margin rule on a pair, and the seeds that would settle a claim it does not accept."""

from dataclasses import asdict
from typing import Any

from sweeps.board.margin_rules import MarginRule
from sweeps.board.pairs.pair import Pair, explain_no_spread
from sweeps.board.pairs.pair_tests import refuse
from sweeps.board.pairs.seed_test import plan_seeds, run_seed_test
from sweeps.board.pairs.settlement import price_seeds
from sweeps.statistics import anytime_level


def judge(pair: Pair, rule: MarginRule) -> dict[str, Any]:
    """Judge a pair by a margin rule, as plain data.

    `passed` is for seeds fixed beforehand, as the organizers apply the rule; `anytime` is for seeds that were added
    after an interim analysis. `test` is paired-artifacts where the two share their trainings, else welch.
    """
    c, i, margin = pair.challenger, pair.incumbent, rule.margin_bpb(pair.challenger.bpb_per_nat)
    stated = {"margin_nats": rule.margin_nats, "level": rule.level}
    if (why := explain_no_spread(c, i)) is not None:
        return {**stated, **refuse(why), "passed": None, "anytime": None}
    if margin is None:
        return {**stated, **refuse("the size of the validation set is unknown"), "passed": None, "anytime": None}
    test, result = run_seed_test(c, i, margin)
    seeds = len(c.scores) if test == "welch" else round(result.df) + 1
    p, level = result.p_value, anytime_level(seeds, rule.level)
    return {
        **stated,
        "margin_bpb": margin,
        "test": test,
        "p_value": p,
        "passed": p < rule.level,
        "anytime": {"level": level, "passed": p < level},
    }


def plan_claim(pair: Pair, rule: MarginRule) -> dict[str, Any] | None:
    """Plan the seeds that would settle a claim under a rule, and their price, at both ends of the interval.

    None where no affordable number would, at either end; `most` is None where none would at the worse end.
    """
    c, i, margin = pair.challenger, pair.incumbent, rule.margin_bpb(pair.challenger.bpb_per_nat)
    assert margin is not None
    plans = plan_seeds(c, i, margin, rule.level)
    if plans.least is None:
        return None
    ends = {
        name: None if plan is None else asdict(plan) | {"dollars": price_seeds(c, i, plan.more)}
        for name, plan in (("least", plans.least), ("most", plans.most))
    }
    return ends | {"incumbent_too": i.source == "golfsweep"}
