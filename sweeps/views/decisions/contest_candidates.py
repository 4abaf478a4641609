"""What to do next in a sweep of a contest in which the mean of several runs must reach a target."""

from dataclasses import asdict
from typing import Any

from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.board.ledger import correct_p
from sweeps.contests.catalog import contest_named
from sweeps.entries.facts import contest_of
from sweeps.standings.reading import standings_of
from sweeps.standings.standing import Standing
from sweeps.views.decisions.decision import Decision, DecisionWord
from sweeps.views.decisions.priced_step import FIRST_SEEDS, PricedStep, more_seeds
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.verdicts.known_names import baseline_of, words_for
from sweeps.views.wording import format_p


def describe_contest(record: SweepRecord, place: Workplace, home_options: str) -> dict[str, Any]:
    """The decision on each entry of a sweep by its contest's rules, and the next step for the most promising one.

    Args:
        record: the sweep.
        place: the home.
        home_options: what was typed to reach it.
    """
    contest = contest_named(contest_of(record))
    standings = standings_of(contest, place)
    tries = sum(standing.entry.source == "golfsweep" for standing in standings.all)
    scored = [standing for standing in standings.all if standing.entry.sweep == record.name]  # best first
    baseline = baseline_of(record.name, place)
    own = [standing for standing in scored if standing.entry.name != baseline]
    decided = [(standing, decide_standing(standing, tries)) for standing in own]
    order = tuple(DecisionWord)
    decided.sort(key=lambda pair: (order.index(pair[1].word), pair[0].entry.track == "flagged"))
    focus = decided[0] if decided and decided[0][0].entry.track != "flagged" else None
    words = words_for(record.name, place, home_options)
    if focus is None:
        step = PricedStep(sentence="see how far it is", command=words.status())
    elif focus[1].word == DecisionWord.KEEP:
        step = PricedStep(
            sentence="keep it: start the next change from it, and write it up",
            command=words.show(focus[0].entry.name), dollars=0.0, dollars_most=0.0,
        )  # fmt: skip
    elif focus[1].word == DecisionWord.DISCARD:
        step = PricedStep(sentence="discard it: try another change", command=None, dollars=0.0, dollars_most=0.0)
    else:
        step = PricedStep(
            sentence=f"add {FIRST_SEEDS} runs to seeds.confirm and run its file again",
            command=words.run_with(f"seeds.confirm={more_seeds(record.spec['file'], FIRST_SEEDS)}"),
            seeds=FIRST_SEEDS, seeds_most=None,
        )  # fmt: skip
    kept = [(standing, "kept") for standing, decision in decided if decision.word == DecisionWord.KEEP]
    base = [(each, "baseline") for each in scored if each.entry.name == baseline and each.entry.track != "flagged"]
    best = next(((each, role) for each, role in [*kept, *base] if each.side.value is not None), None)
    return {
        **_describe_focus(focus, tries),
        "next": asdict(step),
        "best": best and {"entry": best[0].entry.name, "role": best[1], "value": best[0].side.value},
        "counts": {word.value: sum(decision.word == word for _, decision in decided) for word in DecisionWord},
        "candidates": [
            {"entry": standing.entry.name, "decision": decision.word.value, "gain_mbpb": None,
             "p_tries": _p_tries(standing, tries), "why": decision.why}
            for standing, decision in decided
        ],
    }  # fmt: skip


def decide_standing(standing: Standing, tries: int) -> Decision:
    """Decide on an entry of a contest.

    Args:
        standing: of an own sweep.
        tries: entries of all own sweeps of the contest.
    """
    if standing.entry.track == "flagged":
        findings = [{"code": finding.code, "detail": finding.detail} for finding in standing.entry.findings]
        return Decision(word=DecisionWord.DISCARD, why=f"flagged, never ranked: {describe_flags(findings)}")
    if standing.verdict == "worse":
        return Decision(word=DecisionWord.DISCARD, why="worse than what it is compared with")
    rule, p = _rule_of(standing), _p_tries(standing, tries)
    if rule.passed is None:
        return Decision(word=DecisionWord.REPLICATE, why="too few runs for the rule")
    has_level = rule.test != "known-sigma"  # whose threshold is a difference, not a p
    said = f"p = {format_p(rule.p_value)}, {format_p(p)} over {tries} tried"
    said += f", must be < {rule.threshold:g}" if has_level else ""
    if standing.verdict == "better" and (not has_level or p is None or p < rule.threshold):
        return Decision(word=DecisionWord.KEEP, why=f"shown: {said}")
    return Decision(word=DecisionWord.REPLICATE, why=f"not shown: {said}")


def _rule_of(standing: Standing) -> Any:
    """The test that decides: against the current record where there is one, else against the target."""
    improvement = standing.decisive_improvement
    return standing.rule if improvement is None else improvement.result


def _p_tries(standing: Standing, tries: int) -> float | None:
    return correct_p(_rule_of(standing).p_value, tries)


def _describe_focus(focus: tuple[Standing, Decision] | None, tries: int) -> dict[str, Any]:
    if focus is None:
        names = ("decision", "entry", "against", "why", "gain_mbpb", "p", "p_tries", "tries", "tried_by", "challenge")
        return dict.fromkeys(names)
    standing, decision = focus
    return {
        "decision": decision.word.value,
        "entry": standing.entry.name,
        "against": None if standing.incumbent is None else standing.incumbent.name,
        "why": decision.why,
        "gain_mbpb": None,
        "p": _rule_of(standing).p_value,
        "p_tries": _p_tries(standing, tries),
        "tries": tries,
        "tried_by": None,
        "challenge": None,
    }
