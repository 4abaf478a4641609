"""The seeds and dollars that a claim still needs under a margin rule."""

from dataclasses import dataclass

from sweeps.board.entries import BoardEntry
from sweeps.board.margin_rules import MarginRule
from sweeps.board.pairs.seed_test import plan_seeds


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What a claim still needs, if the difference is at either end of its 95 % interval."""

    seeds: int | None
    """Seeds to add at the end in favor of the claim; 0 where the claim is shown, None where no affordable number would
    show it."""
    seeds_most: int | None
    """The same at the other end."""
    dollars: float | None
    dollars_most: float | None
    incumbent_too: bool
    """Whether the incumbent needs as many; a public record cannot have more."""


def plan_settlement(entry: BoardEntry, incumbent: BoardEntry, p_value: float, rule: MarginRule) -> Settlement:
    """Plan the seeds that a claim still needs under a rule, given the p-value of the test that decides."""
    margin = rule.margin_bpb(entry.bpb_per_nat)
    assert margin is not None
    ours = incumbent.source == "golfsweep"  # a paired training is evaluated under both settings, too
    if p_value < rule.level:
        return Settlement(seeds=0, seeds_most=0, dollars=0.0, dollars_most=0.0, incumbent_too=ours)
    plans = plan_seeds(entry, incumbent, margin, rule.level)
    seeds, most = (None if plan is None else plan.more for plan in (plans.least, plans.most))
    return Settlement(
        seeds=seeds,
        seeds_most=most,
        dollars=price_seeds(entry, incumbent, seeds),
        dollars_most=price_seeds(entry, incumbent, most),
        incumbent_too=ours,
    )


def price_seeds(entry: BoardEntry, incumbent: BoardEntry | None, more: int | None) -> float | None:
    """Dollars of further seeds of an entry, and of its incumbent if that can grow; None where a cost is unknown.

    Where both evaluate the same trainings, each further training is paid once.
    """
    sides = [side for side in (entry, incumbent) if side is not None and side.source == "golfsweep"]
    prices = [_price_seed(side) for side in sides]
    known = [price for price in prices if price is not None]
    if more is None or not known or len(known) < len(prices):
        return None
    twice = incumbent is not None and entry.trainings.keys() & incumbent.trainings.keys()
    return more * (sum(known) - (_price_training(entry) if twice else 0.0))


def _price_seed(entry: BoardEntry) -> float | None:
    """Dollars of one more seed."""
    cost: float | None = entry.columns.get("cost")
    return None if cost is None else float(cost) / len(entry.scores)


def _price_training(entry: BoardEntry) -> float:
    """Dollars of one training and its quantization; 0 where they are not known apart: a price is then an upper end."""
    costs = [run.training_cost for run in entry.runs]
    known = [cost for cost in costs if cost is not None]
    return sum(known) / len(known) if len(known) == len(costs) else 0.0
