"""What a challenge has shown so far, as plain data and in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from jobs.store import Store
from sweeps.challenge.plan import ChallengePlan
from sweeps.driver.replication import run_analyses, scores_of
from sweeps.driver.sweep import Sweep
from sweeps.statistics.replication import LEVEL, ReplicationAnalysis, describe_levels

SCHEMA_VERSION = 1
"""Raised when a field of the document changes its meaning."""


def read_analyses(plan: ChallengePlan, store: Store) -> list[ReplicationAnalysis]:
    """The analyses that have been made, from the scores in the store."""
    stored = store.sweep(plan.spec.name)
    if stored is None:
        return []
    driver = Sweep.from_json(stored.spec).driver(store, read_only=True)
    return run_analyses(plan.spec, scores_of(driver.confirmed()))


def describe_challenge(plan: ChallengePlan, store: Store) -> dict[str, Any]:
    """What `golfsweep challenge --json` prints: the plan, and what has come of it; unknown values are null."""
    section, stored, made = plan.spec.challenge, store.sweep(plan.spec.name), read_analyses(plan, store)
    assert section is not None
    known = {analysis.seeds: analysis for analysis in made}
    outcome: str | None = made[-1].outcome if made else None
    if outcome is None and len(made) == len(section.analyses):
        outcome = "undecided"
    return {
        "schema_version": SCHEMA_VERSION,
        "entry": section.entry,
        "against": section.against,
        "sweep": plan.spec.name,
        "state": None if stored is None else stored.state,
        "outcome": outcome,
        "test": _name_test(plan),
        "gain_mbpb": 1000 * section.gain,
        "margin_mbpb": 1000 * section.margin,
        "level": LEVEL,
        "seeds": list(plan.spec.seeds.confirm),
        "seeds_best": plan.seeds[0],
        "seeds_most": plan.seeds[1],
        "dollars_best": plan.dollars[0],
        "dollars_most": plan.dollars[1],
        "analyses": [
            {"seeds": seeds, "level": level, **_describe(known.get(seeds))}
            for seeds, level in describe_levels(section.analyses)
        ],
    }


def _name_test(plan: ChallengePlan) -> str:
    """The test's name, as the leaderboard's `verdict_test` has it."""
    claim = plan.claim
    if claim.against_settings is not None and claim.against_settings["train"] == claim.settings["train"]:
        return "paired-artifacts"
    return "welch" if claim.noise.incumbent else "target"


def _describe(analysis: ReplicationAnalysis | None) -> dict[str, Any]:
    if analysis is None:
        return dict.fromkeys(("difference_mbpb", "ci95_mbpb", "p_stands", "p_falls", "outcome"))
    return {
        "difference_mbpb": 1000 * analysis.difference,
        "ci95_mbpb": [1000 * end for end in analysis.ci95],
        "p_stands": analysis.p_stands,
        "p_falls": analysis.p_falls,
        "outcome": analysis.outcome,
    }


def plan_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The plan in words."""
    tests = {
        "paired-artifacts": "both on the same fresh trainings, paired by training",
        "welch": "Welch's test across fresh seeds",
        "target": "Student's test against the published mean, whose own noise is unknown",
    }
    above = f", margin {document['margin_mbpb']:.3g}" if document["margin_mbpb"] else ""
    yield f"Claim     {document['entry']} is {document['gain_mbpb']:.3g} mBPB better than {document['against']}{above}"
    yield f"Test      {tests[document['test']]}"
    counts = [str(analysis["seeds"]) for analysis in document["analyses"]]
    levels = ", ".join(f"{analysis['level']:.2g}" for analysis in document["analyses"])
    yield f"Analyses  after {', '.join(counts)} seeds at p < {levels}; the first that decides ends it"
    best, most = (_price(document, end) for end in ("best", "most"))
    yield f"Costs     {best} at best, {most} at most"
    yield f"Sweep     {document['sweep']}"


def _price(document: Mapping[str, Any], end: str) -> str:
    dollars = document[f"dollars_{end}"]
    return f"{document[f'seeds_{end}']} seeds" + ("" if dollars is None else f" (${dollars:.2f})")


def outcome_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The analyses that have been made, and the outcome, in words."""
    made = [analysis for analysis in document["analyses"] if analysis["difference_mbpb"] is not None]
    for analysis in made:
        low, high = analysis["ci95_mbpb"]
        yield (
            f"After {analysis['seeds']} seeds: {analysis['difference_mbpb']:+.3g} mBPB (95 % interval {low:+.3g} to "
            f"{high:+.3g}); p that it stands {analysis['p_stands']:.2g}, that it falls {analysis['p_falls']:.2g}, "
            f"level {analysis['level']:.2g}"
        )
    if document["outcome"] is not None:
        yield f"Outcome: {_explain(document, made[-1])}"


def _explain(document: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    entry, against, gain = document["entry"], document["against"], f"{document['gain_mbpb']:.3g} mBPB"
    if document["outcome"] == "undecided":
        return (
            f"undecided. {last['seeds']} fresh seeds show neither that it is better nor that it gains less than {gain}."
        )
    if document["outcome"] == "falls":
        return f"the claim FALLS. On fresh seeds {entry} gains less over {against} than the claimed {gain}."
    smaller = f" Its gain is smaller than the claimed {gain}." if last["p_falls"] < last["level"] else ""
    return f"the claim STANDS. On fresh seeds {entry} is better than {against} again.{smaller}"
