"""The tests of `golfsweep compare`, as plain data: across seeds, over documents, and methods that are left out."""

from dataclasses import asdict
from typing import Any

import numpy as np

from jobs.errors import Unreadable
from sweeps.board.margin_rules import MARGIN_RULES, written_margin_text
from sweeps.board.pairs.differences import read_shared_tables
from sweeps.board.pairs.families import label_trainings
from sweeps.board.pairs.pair import Pair, explain_no_spread
from sweeps.board.pairs.prior import NamedPrior, find_prior
from sweeps.board.pairs.seed_test import explain_no_pairs, pair_by_training, run_seed_test
from sweeps.statistics import (
    TestResult,
    equivalence_test,
    mean_documents,
    moderated_test,
    paired_test,
    pool,
    pooled_test,
    smallest_rank_p,
    two_way_test,
    welch,
)

FEW_SEEDS = 20
"""Below this number a percentile bootstrap is far too short."""


def run_seed_tests(pair: Pair) -> dict[str, Any]:
    """Test across seeds, each with and without the written rule's margin: paired by training, and Welch's.

    Also with a pooled variance, and for equivalence.
    """
    c, i, margin = pair.challenger, pair.incumbent, pair.challenger.margin
    names = (
        "paired_seeds", "paired_seeds_margin", "welch", "welch_margin", "moderated", "moderated_margin", "pooled",
        "equivalence",
    )  # fmt: skip
    if (why := explain_no_spread(c, i)) is not None:
        return {name: refuse(why) for name in names}
    assert c.moments is not None and i.moments is not None
    tests = {"paired_seeds": _pair_seeds(pair, 0.0), "welch": _to_json(welch(c.moments, i.moments), 0.0)}
    prior = find_prior(pair)
    tests |= {"moderated": _run_moderated_test(pair, prior, 0.0), "pooled": _run_pooled_test(pair)}
    if margin is None:
        why = f"the size of the validation set is unknown, so {written_margin_text()} have no value in bits per byte"
        return tests | {name: refuse(why) for name in names if name not in tests}
    tests |= {"paired_seeds_margin": _pair_seeds(pair, margin)}
    tests |= {"moderated_margin": _run_moderated_test(pair, prior, margin)}
    same = equivalence_test(c.scores, i.scores, margin)
    equivalence = {"margin_bpb": margin, "p_value": same.p_value, "ci90": list(same.ci90)}
    return tests | {"welch_margin": _to_json(welch(c.moments, i.moments, margin), margin), "equivalence": equivalence}


def run_document_tests(pair: Pair) -> dict[str, Any]:
    """Test over documents on shared artifacts, and over seeds and documents together."""
    try:
        return _test_documents(pair)
    except Unreadable as lost:
        return {name: refuse(f"document scores are lost: {lost.error}") for name in ("paired_documents", "two_way")}


def _test_documents(pair: Pair) -> dict[str, Any]:
    c, i = pair.challenger, pair.incumbent
    ours, theirs = read_shared_tables(c, i, pair.read_scores)
    if ours:
        test = paired_test(mean_documents(ours), mean_documents(theirs))
        paired = _to_json(test, 0.0) | {"artifacts": len(ours)}
    else:
        paired = refuse("no artifact is shared: documents alone cannot support a claim about training")
    same = len(ours) == len(c.runs) == len(i.runs)
    if not same:
        ours, theirs = (
            [pair.read_scores(run.scores) for run in entry.runs if run.scores is not None] for entry in (c, i)
        )
    if min(len(ours), len(theirs)) < 2:
        return {"paired_documents": paired, "two_way": refuse("fewer than 2 seeds with documents on a side")}
    two_way = two_way_test(ours, theirs, same_artifacts=same)
    return {"paired_documents": paired, "two_way": _to_json(two_way, 0.0) | {"same_artifacts": same}}


def list_unused_methods(n_challenger: int, n_incumbent: int) -> dict[str, str]:
    """Methods that a reader may miss → why they are left out."""
    reasons: dict[str, str] = {}
    least, level = smallest_rank_p(n_challenger, n_incumbent), MARGIN_RULES["written_rule"].level
    if least >= level:
        enough = next(n for n in range(1, 1000) if smallest_rank_p(n, n) < level)
        reach = f"with {n_challenger} against {n_incumbent} seeds it cannot go below p = {least:.2g}"
        reasons["rank_test"] = f"{reach}; p < {level:g} takes {enough} against {enough}"
    if min(n_challenger, n_incumbent) < FEW_SEEDS:
        reasons["percentile_bootstrap"] = "over three seeds its 95 % interval covers 74 %, over five 84 %"
    return reasons


def refuse(why: str) -> dict[str, Any]:
    """A test that is not possible, with the reason."""
    return {"p_value": None, "why": why}


def _pair_seeds(pair: Pair, margin: float) -> dict[str, Any]:
    """Test by training, where the two share them."""
    if pair_by_training(pair.challenger, pair.incumbent) is None:
        return refuse(explain_no_pairs(pair.challenger, pair.incumbent))
    return _to_json(run_seed_test(pair.challenger, pair.incumbent, margin)[1], margin)


def _run_moderated_test(pair: Pair, prior: NamedPrior | str, margin: float) -> dict[str, Any]:
    """The moderated t-test, with the trainings that its prior is from, or why there is none."""
    if isinstance(prior, str):
        return refuse(prior)
    test = moderated_test(pair.challenger.scores, pair.incumbent.scores, prior.prior, margin)
    named = {"source": prior.source, "entries": list(prior.names)}
    return _to_json(test, margin) | {"prior": asdict(prior.prior) | named}


def _run_pooled_test(pair: Pair) -> dict[str, Any]:
    """Student's test with the variance pooled over the peers, and whether it may be pooled."""
    several = [entry for entry in pair.peers if entry.has_spread]
    pooled = pool([entry.scores for entry in several], label_trainings(several))
    check = {
        "rows": pooled.rows,
        "trainings": pooled.trainings,
        "std": pooled.std,
        "equal_variance_p": pooled.equal_p,
        "sound": pooled.sound,
    }
    return _to_json(pooled_test(pair.challenger.scores, pair.incumbent.scores, pooled), 0.0) | check


def _to_json(result: TestResult, margin: float) -> dict[str, Any]:
    infinite = np.isinf(result.statistic)
    plain = asdict(result) | {"statistic": None if infinite else result.statistic, "ci95": list(result.ci95)}
    return plain | {"margin_bpb": margin}
