"""The seeds and dollars that a claim still needs under a margin rule."""

from dataclasses import dataclass

from sweeps.board.entries import BoardEntry
from sweeps.board.margin_rules import MarginRule
from sweeps.board.pairs.seed_test import plan_seeds


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What a claim still needs."""

    seeds: int | None
    """Seeds to add; 0 where the claim is shown, None where no affordable number would show it."""
    dollars: float | None
    incumbent_too: bool
    """Whether the incumbent needs as many; a public record cannot have more."""


def plan_settlement(entry: BoardEntry, incumbent: BoardEntry, p_value: float, rule: MarginRule) -> Settlement:
    """Plan the seeds that a claim still needs under a rule, given its p-value under that rule."""
    margin = rule.margin_bpb(entry.bpb_per_nat)
    assert margin is not None and entry.moments is not None and incumbent.moments is not None
    ours = incumbent.source == "golfsweep"  # a paired training is evaluated under both, too
    if p_value < rule.level:
        return Settlement(seeds=0, dollars=0.0, incumbent_too=ours)
    plan = plan_seeds(entry, incumbent, margin, rule.level)
    if plan is None:
        return Settlement(seeds=None, dollars=None, incumbent_too=ours)
    prices = [_price_seed(side) for side in ([entry, incumbent] if ours else [entry])]
    known = [price for price in prices if price is not None]
    dollars = plan.more * sum(known) if len(known) == len(prices) else None
    return Settlement(seeds=plan.more, dollars=dollars, incumbent_too=ours)


def _price_seed(entry: BoardEntry) -> float | None:
    """Dollars of one more seed."""
    cost: float | None = entry.columns.get("cost")
    return None if cost is None else float(cost) / len(entry.scores)
