"""Two rows side by side: is the one better, by which test, what differs between them, and what would settle it.

The first is the challenger. Rows of different tracks or texts are not compared: their scores are of different things.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from golf.errors import InputError
from golf.score import LN2
from sweeps.board.pairs import margin_bpb, shared_tables, trainings
from sweeps.board.rows import Row
from sweeps.board.verdicts import STANDARDS, Standard
from sweeps.spec.settings import flatten
from sweeps.statistics import (
    TestResult,
    anytime_level,
    equivalence_test,
    mean_documents,
    paired_test,
    pool,
    pooled_test,
    seeds_needed,
    smallest_rank_p,
    two_way_test,
    welch,
)

FEW_SEEDS = 20
"""Below so many a percentile bootstrap is too short by more than a little."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two rows that may be compared."""

    challenger: Row
    incumbent: Row
    peers: Sequence[Row]
    """These two, and the rows of their sweeps, track and text: whose deviations may be pooled."""
    recipes: tuple[Mapping[str, Any], Mapping[str, Any]]
    """Settings of both, nested tables; empty where they are not known."""
    scores: Callable[[str], pd.DataFrame]
    """Digest → a row a document."""


def check(challenger: Row, incumbent: Row) -> None:
    """Refuse what cannot be compared.

    Raises:
        InputError: one row twice, other tracks, other texts, or a row without a score.
    """
    names = f"{challenger.name} and {incumbent.name}"
    if challenger is incumbent:
        raise InputError(f"{challenger.name}: is one row; name two to compare")
    if challenger.track != incumbent.track:
        tracks = f"{challenger.track} and {incumbent.track}"
        raise InputError(
            f"{names}: are of different tracks ({tracks}); a score that leaks is no measure of one that does not"
        )
    if challenger.data != incumbent.data:
        raise InputError(
            f"{names}: were scored on different texts or tokenizations "
            f"({challenger.data[:12]}, {incumbent.data[:12]}); only scores of the same tokens are compared"
        )
    for row in (challenger, incumbent):
        if row.moments is None:
            raise InputError(f"{row.name}: has no score yet")


def compare(pair: Pair) -> dict[str, Any]:
    """Everything that is to be said of two rows, as plain data; what cannot be said is null, with the reason beside it.

    Raises:
        InputError: they may not be compared.
    """
    c, i = pair.challenger, pair.incumbent
    check(c, i)
    assert c.moments is not None and i.moments is not None
    difference = c.moments.mean - i.moments.mean
    margin = c.margin
    tests = _seed_tests(pair, margin) | _document_tests(pair)
    verdicts = {rule: _verdict(pair, standard) for rule, standard in STANDARDS.items()}
    return {
        "challenger": _side(c, i.sweep),
        "incumbent": _side(i, c.sweep),
        "track": c.track,
        "difference": {
            "bpb": difference,
            "mbpb": 1000 * difference,
            "nats_per_token": None if c.bpb_per_nat is None else difference / c.bpb_per_nat,
            "tokenizer": c.facts["tokenizer"],
            "margin_bpb": margin,
        },
        "tests": tests,
        "verdicts": verdicts,
        "plans": {
            rule: _plan(pair, standard) if verdicts[rule]["passed"] is False else None
            for rule, standard in STANDARDS.items()
        },
        "not_used": _not_used(c.moments.n, i.moments.n),
        "settings": differing(*pair.recipes),
    }


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Settings that two recipes do not share, by dotted names; what only one has is null in the other."""
    a, b = flatten(one), flatten(other)
    names = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
    return [{"setting": name, "challenger": a.get(name), "incumbent": b.get(name)} for name in names]


def document_differences(pair: Pair) -> pd.DataFrame | None:
    """Documents scored with both rows' settings on shared artifacts: bytes, incumbent's and challenger's bits per byte.

    None where no artifact is shared. Documents without bytes are left out.
    """
    mine, theirs = shared_tables(pair.challenger, pair.incumbent, pair.scores)
    if not mine:
        return None
    a, b = mean_documents(mine), mean_documents(theirs)
    bits = a["bytes"] * LN2
    found = pd.DataFrame({"document": a["document"], "bytes": a["bytes"]})
    found = found.assign(challenger=a["nll"] / bits, incumbent=b["nll"] / bits)
    return found[found["bytes"] > 0].reset_index(drop=True)


def _side(row: Row, beside: str) -> dict[str, Any]:
    """A row in short, with the name that tells it from one of the sweep beside it."""
    assert row.moments is not None
    n = row.moments.n
    return {
        "name": row.name,
        "known_as": row.known_as(beside),
        "sweep": row.sweep or None,
        "val_bpb_mean": row.moments.mean,
        "val_bpb_std": row.moments.std if n > 1 else None,
        "n": n,
        "seeds": dict(row.facts["seeds"]),
    }


def _seed_tests(pair: Pair, margin: float | None) -> dict[str, Any]:
    """Across seeds: with and without the margin, with one deviation for all, and whether the two are the same."""
    c, i = pair.challenger, pair.incumbent
    names = ("welch", "welch_margin", "pooled", "equivalence")
    if (why := _no_noise(c, i)) is not None:
        return {name: _refused(why) for name in names}
    assert c.moments is not None and i.moments is not None
    found: dict[str, Any] = {"welch": _test(welch(c.moments, i.moments), 0.0)}
    known = [row for row in pair.peers if row.spread]
    pooled = pool([row.scores for row in known], trainings(known))
    check = {
        "rows": pooled.rows,
        "trainings": pooled.trainings,
        "std": pooled.std,
        "equal_variance_p": pooled.equal_p,
        "sound": pooled.sound,
    }
    found["pooled"] = _test(pooled_test(c.scores, i.scores, pooled), 0.0) | check
    if margin is None:
        why = "the text's tokens and bytes are not known, so 0.005 nats per token have no value in bits per byte"
        return found | {name: _refused(why) for name in ("welch_margin", "equivalence")}
    same = equivalence_test(c.scores, i.scores, margin)
    equivalence = {"margin_bpb": margin, "p_value": same.p_value, "ci90": list(same.ci90)}
    return found | {"welch_margin": _test(welch(c.moments, i.moments, margin), margin), "equivalence": equivalence}


def _document_tests(pair: Pair) -> dict[str, Any]:
    """Document by document, on shared artifacts; and with seeds, which says whether it holds on other text."""
    c, i = pair.challenger, pair.incumbent
    mine, theirs = shared_tables(c, i, pair.scores)
    if mine:
        paired = _test(paired_test(mean_documents(mine), mean_documents(theirs)), 0.0) | {"artifacts": len(mine)}
    else:
        paired = _refused("no artifact is shared: documents alone carry no claim about ways of training")
    same = len(mine) == len(c.runs) == len(i.runs)
    if not same:
        mine, theirs = ([pair.scores(run.scores) for run in row.runs if run.scores is not None] for row in (c, i))
    if min(len(mine), len(theirs)) < 2:
        return {"paired_documents": paired, "two_way": _refused("fewer than 2 seeds with documents on a side")}
    two_way = two_way_test(mine, theirs, same_artifacts=same)
    return {"paired_documents": paired, "two_way": _test(two_way, 0.0) | {"same_artifacts": same}}


def _verdict(pair: Pair, standard: Standard) -> dict[str, Any]:
    """By a rule as the organizers apply it, to seeds fixed beforehand; `anytime` is for seeds added after a look."""
    c, i, margin = pair.challenger, pair.incumbent, margin_bpb(pair.challenger, standard)
    why = _no_noise(c, i) or ("the text's tokens and bytes are not known" if margin is None else None)
    if why is not None or margin is None:
        rule = {"margin_nats": standard.margin_nats, "level": standard.level}
        return {**rule, **_refused(why or ""), "passed": None, "anytime": None}
    assert c.moments is not None and i.moments is not None
    p = welch(c.moments, i.moments, margin).p_value
    rule = {"margin_nats": standard.margin_nats, "margin_bpb": margin, "level": standard.level}
    then = anytime_level(c.moments.n, standard.level)
    return {**rule, "p_value": p, "passed": p < standard.level, "anytime": {"level": then, "passed": p < then}}


def _plan(pair: Pair, standard: Standard) -> dict[str, Any] | None:
    """Seeds that would settle a claim that is not shown by a rule; None where none would."""
    c, i, margin = pair.challenger, pair.incumbent, margin_bpb(pair.challenger, standard)
    assert margin is not None and c.moments is not None and i.moments is not None
    ours = i.source == "golfsweep"
    found = seeds_needed(c.moments, i.moments, margin=margin, level=standard.level, incumbent_grows=ours)
    return None if found is None else asdict(found) | {"incumbent_too": ours}


def _no_noise(c: Row, i: Row) -> str | None:
    """Why no test across seeds is possible, or None."""
    if not (c.spread and i.spread):
        fewer = c if not c.spread else i
        return f"{fewer.name} has one seed: nothing tells of its noise"
    assert c.moments is not None and i.moments is not None
    return "no seed differs from another on either side" if c.moments.variance + i.moments.variance == 0 else None


def _not_used(n_challenger: int, n_incumbent: int) -> dict[str, str]:
    """Methods that somebody might ask for and why they are not here."""
    found: dict[str, str] = {}
    least = smallest_rank_p(n_challenger, n_incumbent)
    level = STANDARDS["challenge"].level
    if least >= level:
        reach = f"with {n_challenger} against {n_incumbent} seeds it cannot go below p = {least:.2g}"
        found["rank_test"] = f"{reach}; p < {level:g} takes 5 against 5"
    if min(n_challenger, n_incumbent) < FEW_SEEDS:
        found["percentile_bootstrap"] = "over three seeds its 95 % interval covers 74 %, over five 84 %"
    return found


def _test(result: TestResult, margin: float) -> dict[str, Any]:
    infinite = np.isinf(result.statistic)
    found = asdict(result) | {"statistic": None if infinite else result.statistic, "ci95": list(result.ci95)}
    return found | {"margin_bpb": margin}


def _refused(why: str) -> dict[str, Any]:
    return {"p_value": None, "why": why}
