"""What a comparison says, in sentences: the verdict, the evidence of its tests, and the tests that are missing."""

from collections.abc import Mapping
from typing import Any

from sweeps.board.margin_rules import MARGIN_RULES, written_margin_text
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.next_step import DECIDING, NextStep, advance_claim, claim_of_comparison
from sweeps.views.wording import format_p

EQUIVALENCE_LEVEL = 0.05
"""Two entries are called the same where the test of equivalence is below this p."""


def name_tests() -> dict[str, str]:
    """Test → its title."""
    margin = f"{MARGIN_RULES[DECIDING].margin_nats:g} nats"
    return {
        "paired_seeds": "paired by training",
        "paired_seeds_margin": f"paired, {margin}",
        "welch": "Welch, seeds",
        "welch_margin": f"Welch, {margin}",
        "moderated": "moderated, seeds",
        "moderated_margin": f"moderated, {margin}",
        "pooled": "pooled variance",
        "paired_documents": "paired documents",
        "two_way": "seeds and documents",
    }


def state_verdict(comparison: Mapping[str, Any]) -> str:
    """The verdict by the written rule in a sentence."""
    c, i = comparison["challenger"]["known_as"], comparison["incumbent"]["known_as"]
    difference, verdict = comparison["difference"]["mbpb"], comparison["verdicts"][DECIDING]
    word = "better" if difference < 0 else "worse"
    rule = MARGIN_RULES[DECIDING]
    needed = f"the rule needs p < {rule.level:g} at a {rule.margin_nats:g}-nat margin"
    if verdict["passed"] is None:
        shown = f"UNDECIDED: {verdict.get('why')}; {needed}"
    else:
        shown = f"{'SHOWN' if verdict['passed'] else 'NOT SHOWN'}: p = {format_p(verdict['p_value'])}; {needed}"
    return f"{c} is {abs(difference):.2f} mBPB {word} than {i}, which is {shown}."


def list_conclusions(comparison: Mapping[str, Any], step: NextStep | None = None) -> list[str]:
    """The verdict, the next step, and what they rest on, one line each.

    Args:
        comparison: what `compare` returned.
        step: what the claim needs next; by default what this comparison alone tells.
    """
    step = step or advance_alone(comparison)
    return [state_verdict(comparison), f"Next: {step.sentence}.", *list_evidence(comparison)]


def advance_alone(comparison: Mapping[str, Any]) -> NextStep:
    """What the claim needs next, as this comparison alone tells."""
    words = CommandWords(sweep=comparison["challenger"]["sweep"] or "")
    return advance_claim(claim_of_comparison(comparison), words)


def list_evidence(comparison: Mapping[str, Any]) -> list[str]:
    """The verdict of each margin rule, how further seeds were planned, and the tests that are missing."""
    tests, titles = comparison["tests"], name_tests()
    lines = [_describe_verdict(rule, verdict) for rule, verdict in comparison["verdicts"].items()]
    if any(verdict.get("test") == "paired-artifacts" for verdict in comparison["verdicts"].values()):
        lines.append("The paired test decides: both evaluate the same trainings, whose noise is in both.")
    lines += _explain_plan(comparison)
    if tests["pooled"].get("sound") is False:
        p = format_p(tests["pooled"]["equal_variance_p"])
        lines.append(f"Do not rely on the pooled variance: the variances differ (Bartlett, p = {p}).")
    why = {titles[name]: tests[name]["why"] for name in titles if tests[name]["p_value"] is None}
    for name in ("paired_seeds", "moderated"):
        if titles[name] in why:
            why.pop(titles[f"{name}_margin"], None)  # for the same reason
    if (prior := tests["moderated"].get("prior")) is not None:
        whose = "public records" if prior["source"] == "records" else "other entries of the sweep"
        names = ", ".join(prior["entries"])
        lines.append(f"The moderated test borrows from the spread of {whose}: {names}. It decides no verdict.")
    missing = list(why.items())
    missing += [(name.replace("_", " "), why) for name, why in comparison["not_used"].items()]
    lines += [f"No {title}: {why}." for title, why in missing]
    same = tests["equivalence"]["p_value"]
    if same is not None and same < EQUIVALENCE_LEVEL:
        lines.append(f"The same within {written_margin_text()} (two one-sided tests, p = {format_p(same)}).")
    return lines


def _describe_verdict(name: str, verdict: Mapping[str, Any]) -> str:
    passed = {True: "shown", False: "not shown", None: f"undecided: {verdict.get('why')}"}[verdict["passed"]]
    rule = MARGIN_RULES[name]
    return f"By the {rule.title} ({rule.requirement}): {passed}."


def _explain_plan(comparison: Mapping[str, Any]) -> list[str]:
    """What the seeds still needed rest on, and what their test must reach."""
    verdict, plan = comparison["verdicts"][DECIDING], comparison["plans"][DECIDING]
    if verdict["passed"]:
        return [_describe_shown(verdict)]
    if plan is None:
        return []
    level, least, most = f"{verdict['level']:g}", plan["least"], plan["most"]
    unsure = "; at the worse end no affordable number would" if most is None else ""
    levels = f"{least['level']:.2g}" if most in (None, least) else f"{least['level']:.2g} to {most['level']:.2g}"
    return [
        f"The seeds still needed are for the ends of the difference's 95 % interval{unsure}; add them to seeds.confirm "
        f"in the sweep file. Their test must reach p < {levels}, because seeds are added after an "
        f"interim analysis (levels that keep to {level} at any number of them: Lan–DeMets, 1 − 2/n)."
    ]


def _describe_shown(verdict: Mapping[str, Any]) -> str:
    """Whether a claim that is shown stays so if seeds were added after an interim analysis."""
    if verdict["anytime"]["passed"]:
        return "Seeds still needed: none, whatever interim analyses came before."
    level = verdict["anytime"]["level"]
    needed = f"p < {level:.2g} is needed at this number of seeds" if level else "at least 3 seeds are needed"
    return (
        "Seeds still needed: none if their number was fixed beforehand. If seeds were added after an interim analysis, "
        f"{needed}, which is not reached."
    )
