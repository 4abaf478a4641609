"""The numbers of a claim: gain, p before and after correction for all tries, and the seeds that it still needs."""

import math
from dataclasses import dataclass

from sweeps.board.entries import BoardEntry
from sweeps.board.ledger import correct_p
from sweeps.board.margin_rules import MarginRule
from sweeps.board.pairs.differences import compute_published_p
from sweeps.board.pairs.pair import explain_no_spread
from sweeps.board.pairs.seed_test import pair_by_training, run_seed_test
from sweeps.board.pairs.settlement import Settlement, plan_settlement
from sweeps.board.rules import Published


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimNumbers:
    """An entry's claim to be better than another by a margin rule."""

    gain: float
    """In bits per byte; negative where it is worse."""
    margin: float | None
    """Of the rule, in bits per byte; None where the unit of the validation set is unknown."""
    level: float
    tries: int
    """Settings that anybody measured on the same validation set."""
    p: float | None
    """None where no test is possible."""
    p_tries: float | None
    """p of the best of so many tries."""
    no_test: str
    """Why no test is possible; empty where one is."""
    settlement: Settlement | None
    """Seeds that would settle it; None where that cannot be planned."""

    @property
    def passed(self) -> bool:
        """Whether the rule is passed, whatever else was tried."""
        return self.p is not None and self.p < self.level

    @property
    def holds(self) -> bool:
        """Whether it is passed by the best of all tries, too."""
        return self.passed and self.p_tries is not None and self.p_tries < self.level


def measure_claim(entry: BoardEntry, against: BoardEntry | Published, *, tries: int, rule: MarginRule) -> ClaimNumbers:
    """Measure the claim of an entry.

    Args:
        entry: with a score.
        against: what its verdict is against: an entry with a score, or published numbers.
        tries: settings that anybody measured on its validation set.
        rule: the margin rule that decides.
    """
    assert entry.moments is not None
    margin = rule.margin_bpb(entry.bpb_per_nat)
    mean = against.mean if isinstance(against, Published) else _mean_of(against)
    gain, settlement = mean - entry.moments.mean, None
    p, no_test = math.nan, _explain_no_test(entry, against, margin)
    if not no_test and margin is not None:
        if isinstance(against, Published):
            p = compute_published_p(entry, against, margin)
            no_test = "" if math.isfinite(p) else "all of its seeds have the same score"
        else:
            p = run_seed_test(entry, against, margin)[1].p_value
            differences = pair_by_training(entry, against)
            gain = gain if differences is None else -differences.mean
            settlement = plan_settlement(entry, against, p, rule)
    known = None if math.isnan(p) else p
    return ClaimNumbers(
        gain=gain, margin=margin, level=rule.level, tries=tries, p=known, p_tries=correct_p(known, tries),
        no_test=no_test, settlement=settlement,
    )  # fmt: skip


def _mean_of(entry: BoardEntry) -> float:
    assert entry.moments is not None
    return entry.moments.mean


def _explain_no_test(entry: BoardEntry, against: BoardEntry | Published, margin: float | None) -> str:
    if margin is None:
        return "the size of the validation set is unknown"
    if isinstance(against, Published):
        return "" if entry.has_spread else f"{entry.name} has one seed, so its noise is unknown"
    return explain_no_spread(entry, against) or ""
