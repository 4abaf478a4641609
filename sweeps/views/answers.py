"""Five questions answered from the leaderboard: who leads, is it real, is it legal, what did it cost, what next.

Plain sentences, for the report and the terminal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.board.verdicts import NAMES, STANDARDS, Rule
from sweeps.views.row_facts import between_means
from sweeps.views.wording import dollars, p_text, seeds_text

Record = Mapping[str, Any]
P_VALUES: Mapping[Rule, str] = {"challenge": "p_challenge", "practice": "p_incumbent"}
"""The leaderboard's column that each rule decides by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A question, the answer in a few words, and the evidence."""

    question: str
    short: str
    details: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a sweep has used so far."""

    slot_hours: float
    dollars: float | None


def answers(rows: Sequence[Record], baseline: str | None, spent: Spent) -> list[Answer]:
    """Answers from the entries of a leaderboard, best first within each track."""
    leader = next((row for row in rows if row["track"] == "legal" and row["source"] == "golfsweep"), None)
    if leader is None:
        nobody = Answer(question="Who leads?", short="No legal entry yet", details=())
        return [nobody, _legal(rows, None), _cost(None, spent)]
    return [
        _leads(leader),
        _real(leader, baseline),
        _legal(rows, leader),
        _cost(leader, spent),
        _next(leader, baseline),
    ]


def _leads(leader: Record) -> Answer:
    n = len(leader["seeds"])
    over = f"{leader['val_bpb_mean']:.4f} bits per byte, the mean of {n} seed{'s' if n > 1 else ''}"
    details = [over if leader["val_bpb_std"] is None else f"{over} ± {leader['val_bpb_std']:.4f}"]
    if leader["incumbent"] is not None:
        nats = f" ({leader['difference_nats']:+.4f} nats per token)" if leader["difference_nats"] is not None else ""
        before = f"{leader['incumbent']}, the previous record{between_means(leader)}"
        details.append(f"{leader['difference_mbpb']:+.2f} mBPB{nats} to {before}")
    return Answer(question="Who leads?", short=leader["name"], details=tuple(details))


def _real(leader: Record, baseline: str | None) -> Answer:
    if leader["incumbent"] is None:
        short = "There is no earlier record"
    elif leader["challenge"] and leader["incumbent"] == baseline and not _holds_corrected(leader):
        short = "By the written rule, but not after correction for all entries"
    elif leader["challenge"]:
        short = "Yes, by the written rule"
    elif leader["practice"]:
        short = "By precedent, but not by the written rule"
    else:
        short = "Undecided" if leader["practice"] is None else "Not shown"
    details = []
    for rule, standard in STANDARDS.items():
        p = leader[P_VALUES[rule]]
        if p is not None:
            margin = f" with {standard.margin_nats:g} nats" if standard.margin_nats else ""
            details.append(f"{rule}: p = {p_text(p)}{margin}, the rule needs p < {standard.level:g}")
    if leader["p_adjusted"] is not None:
        details.append(f"against {baseline}, corrected for all entries: p = {p_text(leader['p_adjusted'])}")
    if leader["noise_mbpb"] is not None:
        tried = f"the best of {leader['trials']} trials gains {leader['noise_mbpb']:.2f} mBPB by luck alone"
        details.append(f"{tried}, so it was confirmed on fresh seeds")
    return Answer(question="Is it real?", short=short, details=tuple(details))


def _holds_corrected(leader: Record) -> bool:
    """Whether the claim against the baseline holds together with those of all other entries."""
    return leader["p_adjusted"] is None or leader["p_adjusted"] < STANDARDS["challenge"].level


def _legal(rows: Sequence[Record], leader: Record | None) -> Answer:
    flagged = [row["name"] for row in rows if row["track"] == "flagged"]
    details = [f"{finding['code']}: {finding['detail']}" for finding in leader["findings"]] if leader else []
    if leader is not None and leader["unchecked"]:
        details.append("not checked: " + "; ".join(leader["unchecked"]))
    if flagged:
        details.append(f"flagged, never ranked: {', '.join(flagged)}")
    short = "No entry is" if leader is None else "As far as checked" if leader["unchecked"] else "Yes"
    return Answer(question="Is it legal?", short=short, details=tuple(details))


def _cost(leader: Record | None, spent: Spent) -> Answer:
    hours = (
        f"{spent.slot_hours:.2f} slot-hours"
        if spent.slot_hours >= 0.01
        else f"{spent.slot_hours * 3600:.0f} slot-seconds"
    )
    details = [hours]
    if leader is not None and leader["cost"] is not None:
        details.append(f"{dollars(leader['cost'])} for the seeds of {leader['name']}")
    short = hours if spent.dollars is None else dollars(spent.dollars)
    return Answer(
        question="What did it cost?", short=short, details=tuple(details if spent.dollars is not None else details[1:])
    )


def _next(leader: Record, baseline: str | None) -> Answer:
    more, price = leader["seeds_to_settle"], leader["dollars_to_settle"]
    details = []
    if leader["incumbent"] is None:
        short = "Try to beat it"
    elif more == 0:
        short = "Write it up"
        short_of = "" if leader["challenge"] is not False else "; by the written rule it is not shown"
        details.append(f"the claim holds at {_needed(leader)}{short_of}")
    elif more is not None:
        short = seeds_text(more, leader["incumbent_too"])
        cost = "" if price is None else f", about {dollars(price)}"
        details.append(f"would settle at {_needed(leader)} that it beats {leader['incumbent']}{cost}")
    elif leader["p_incumbent"] is None:
        short = "Confirm it on more seeds"
    else:
        short = "Find a larger gain"
        details.append("this one is too small to be shown with an affordable number of seeds")
    if leader["incumbent"] is not None:
        details.append(f'golfsweep compare "{leader["name"]}" "{leader["incumbent"]}" shows it test by test')
    return Answer(question="What next?", short=short, details=tuple(details))


def _needed(leader: Record) -> str:
    """What the rule that settles the claim needs."""
    rule: Rule = leader["settled_by"]
    return f"p < {STANDARDS[rule].level:g} by the {NAMES[rule]}"
