"""Five questions answered from the leaderboard: who leads, is it real, is it legal, what did it cost, what next.

Plain sentences, for the report and the terminal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.board.ledger import correct_p
from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.views.entry_facts import EntryColumns, deciding_p, describe_mean_difference, describe_rule, describe_tries
from sweeps.views.wording import format_dollars, format_p, format_price_range, format_seed_range


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


def answers(rows: Sequence[EntryColumns], baseline: str | None, spent: Spent) -> list[Answer]:
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


def _leads(leader: EntryColumns) -> Answer:
    n = len(leader["seeds"])
    over = f"{leader['val_bpb_mean']:.4f} bits per byte, the mean of {n} seed{'s' if n > 1 else ''}"
    details = [over if leader["val_bpb_std"] is None else f"{over} ± {leader['val_bpb_std']:.4f}"]
    if leader["incumbent"] is not None:
        nats = f" ({leader['difference_nats']:+.4f} nats per token)" if leader["difference_nats"] is not None else ""
        before = f"{leader['incumbent']}, the current record{describe_mean_difference(leader)}"
        details.append(f"{leader['difference_mbpb']:+.2f} mBPB{nats} to {before}")
    return Answer(question="Who leads?", short=leader["name"], details=tuple(details))


def _real(leader: EntryColumns, baseline: str | None) -> Answer:
    if leader["incumbent"] is None:
        short = "There is no earlier record"
    elif leader["written_rule"] and leader["incumbent"] == baseline and not _holds_corrected(leader):
        short = "By the written rule, but not after correction for all entries"
    elif leader["written_rule"]:
        short = "Yes, by the written rule"
    elif leader["precedent"]:
        short = "By precedent, but not by the written rule"
    else:
        short = "Undecided" if leader["precedent"] is None else "Not shown"
    details = []
    for rule in MARGIN_RULES.values():
        p = deciding_p(leader, rule)
        if p is not None:
            how = (
                ""
                if leader[rule.paired_column] is None
                else f", paired by training (Welch {format_p(leader[rule.p_column])})"
            )
            details.append(f"{rule.title}: p = {format_p(p)}{how}; needed: {rule.requirement}")
    if leader["p_adjusted"] is not None:
        details.append(f"against {baseline}, corrected for all entries: p = {format_p(leader['p_adjusted'])}")
    if tries := describe_tries(leader):
        details.append(tries)
    if leader["selection_bias_mbpb"] is not None:
        luck = f"luck alone explains {leader['selection_bias_mbpb']:.2f} mBPB"
        details.append(f"best of {leader['trials']} trials; {luck}, so it was confirmed on fresh seeds")
    return Answer(question="Is it real?", short=short, details=tuple(details))


def _holds_corrected(leader: EntryColumns) -> bool:
    """Whether the claim against the baseline holds together with those of all other entries."""
    if leader["p_paired_seeds"] is not None:
        corrected = correct_p(leader["p_paired_seeds"], leader["tries"] or 1)
        return corrected is not None and corrected < MARGIN_RULES["written_rule"].level
    return leader["p_adjusted"] is None or leader["p_adjusted"] < MARGIN_RULES["written_rule"].level


def _legal(rows: Sequence[EntryColumns], leader: EntryColumns | None) -> Answer:
    flagged = [row["name"] for row in rows if row["track"] == "flagged"]
    details = [f"{finding['code']}: {finding['detail']}" for finding in leader["findings"]] if leader else []
    if leader is not None and leader["unchecked"]:
        details.append("not checked: " + "; ".join(leader["unchecked"]))
    if flagged:
        details.append(f"flagged, never ranked: {', '.join(flagged)}")
    short = "No legal entry" if leader is None else "Yes, except for unchecked items" if leader["unchecked"] else "Yes"
    return Answer(question="Is it legal?", short=short, details=tuple(details))


def _cost(leader: EntryColumns | None, spent: Spent) -> Answer:
    hours = (
        f"{spent.slot_hours:.2f} slot-hours"
        if spent.slot_hours >= 0.01
        else f"{spent.slot_hours * 3600:.0f} slot-seconds"
    )
    details = [hours]
    if leader is not None and leader["cost"] is not None:
        details.append(f"{format_dollars(leader['cost'])} for the seeds of {leader['name']}")
    short = hours if spent.dollars is None else format_dollars(spent.dollars)
    return Answer(
        question="What did it cost?", short=short, details=tuple(details if spent.dollars is not None else details[1:])
    )


def _next(leader: EntryColumns, baseline: str | None) -> Answer:
    more = leader["seeds_to_settle"]
    details = []
    if leader["incumbent"] is None:
        short = "Try to beat it"
    elif more == 0:
        short = "Write it up"
        short_of = "" if leader["written_rule"] is not False else "; by the written rule it is not shown"
        details.append(f"the claim holds at {describe_rule(leader)}{short_of}")
    elif more is not None:
        most = leader["seeds_to_settle_most"]
        short = format_seed_range(more, most, leader["incumbent_too"])
        price = format_price_range(leader["dollars_to_settle"], leader["dollars_to_settle_most"])
        details.append(
            f"would settle at {describe_rule(leader)} that it beats {leader['incumbent']}{price and f', about {price}'}"
        )
        if most is None:
            details.append("at the worse end of the difference's interval no affordable number of seeds would show it")
    elif leader["p_incumbent"] is None:
        short = "Confirm it on more seeds"
    else:
        short = "Find a larger gain"
        details.append("this one is too small to be shown with an affordable number of seeds")
    if leader["incumbent"] is not None:
        details.append(f'golfsweep compare "{leader["name"]}" "{leader["incumbent"]}" shows it test by test')
    return Answer(question="What next?", short=short, details=tuple(details))
