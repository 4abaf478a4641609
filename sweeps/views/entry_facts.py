"""The evidence for an entry in short texts: speed, headroom, tests, where and on what it was measured.

To show another column here, add a line to `DETAILS`: a heading and a function from the entry's columns to its text,
which is empty where nothing is known.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sweeps.board.margin_rules import MARGIN_RULES, MarginRule
from sweeps.views.wording import format_p, format_price_range, format_seed_range

EntryColumns = Mapping[str, Any]
"""One entry of `leaderboard --json`."""


def describe_evidence(entry: EntryColumns) -> dict[str, str]:
    """Heading → text; headings without a text are left out."""
    texts = {heading: describe(entry) for heading, describe in DETAILS.items()}
    return {heading: text for heading, text in texts.items() if text}


def describe_mean_difference(entry: EntryColumns) -> str:
    """The difference between all seeds' means, which the tests use, where that over common seeds is another."""
    means = f"{entry['difference_means_mbpb']:+.2f}"
    return "" if means == f"{entry['difference_mbpb']:+.2f}" else f"; {means} between the means of all seeds, as tested"


def describe_rule(entry: EntryColumns) -> str:
    """The margin rule that decides the entry's claim, with its level."""
    rule = MARGIN_RULES[entry["settled_by"]]
    return f"p < {rule.level:g} by the {rule.title}"


def deciding_p(entry: EntryColumns, rule: MarginRule) -> float | None:
    """The p-value against the current record by which a margin rule decides: paired by training where that is known."""
    paired: float | None = entry[rule.paired_column]
    plain: float | None = entry[rule.p_column]
    return plain if paired is None else paired


def _describe_stages(entry: EntryColumns) -> str:
    """Bits per byte along the way."""
    steps = (("trained", "bpb_trained"), ("quantized", "bpb_quantized"), ("adapted", "bpb_adapted"))
    return " → ".join(f"{entry[name]:.4f} {stage}" for stage, name in steps if entry[name] is not None)


def _describe_speed(entry: EntryColumns) -> str:
    if entry["steps"] is None:
        return ""
    pace = "" if entry["ms_per_step"] is None else f" at {entry['ms_per_step']:.1f} ms"
    return f"{entry['steps']:,} steps{pace}"


def _describe_headroom(entry: EntryColumns) -> str:
    """What the worst seed leaves of the limits under each profile."""
    parts = []
    for profile, headroom in (entry["headroom"] or {}).items():
        known = [(stage, headroom[f"{stage}_seconds"]) for stage in ("train", "eval")]
        times = [f"{seconds:.1f} s {stage}" for stage, seconds in known if seconds is not None]
        sizes = [] if headroom["bytes"] is None else [f"{headroom['bytes']:,} bytes"]
        parts += [f"{profile}: {', '.join([*sizes, *times])}"] if sizes or times else []
    return "; ".join(parts)


def _describe_difference(entry: EntryColumns) -> str:
    if entry["difference_mbpb"] is None:
        return ""
    nats = entry["difference_nats"]
    tokenizer = f" ({entry['tokenizer']})" if entry["tokenizer"] else ""
    unit = "" if nats is None else f", {nats:+.4f} nats/token{tokenizer}"
    n = entry["difference_seeds"]
    paired = f"over {n} common seed{'' if n == 1 else 's'}" if n else "no seed in common"
    difference = f"{entry['difference_mbpb']:+.2f} mBPB{unit} to {entry['incumbent']}"
    return f"{difference}, {paired}{describe_mean_difference(entry)}"


def _describe_needed_seeds(entry: EntryColumns) -> str:
    """By the written rule, as the next step has it."""
    if entry["seeds_to_record"] is None:
        return ""
    rule = MARGIN_RULES["written_rule"]
    needed = f"p < {rule.level:g} by the {rule.title}"
    if entry["seeds_to_record"] == 0:
        return f"none: {needed}"
    price = format_price_range(entry["dollars_to_record"], entry["dollars_to_record_most"])
    seeds = format_seed_range(entry["seeds_to_record"], entry["seeds_to_record_most"], entry["incumbent_too"])
    unsure = "; none would show it at the worse end" if entry["seeds_to_record_most"] is None else ""
    return f"{seeds}{price and f', {price}'}, for {needed}, by the interval of the difference{unsure}"


def _describe_corrections(entry: EntryColumns) -> str:
    """Tests that allow for the other entries, or pool the variance."""
    names = (("Holm", "p_adjusted"), ("pooled", "p_pooled"), ("Dunnett", "p_dunnett"))
    parts = [f"{name} p = {entry[key]:.2g}" for name, key in names if entry[key] is not None]
    if entry["p_pooled"] is not None and entry["equal_variance_p"] is not None:
        parts.append(f"equal variances p = {entry['equal_variance_p']:.2g}")
    return ", ".join(parts)


def _describe_paired_test(entry: EntryColumns) -> str:
    return "" if entry["p_paired"] is None else f"p = {entry['p_paired']:.2g}"


def _describe_seed_tests(entry: EntryColumns) -> str:
    """Paired test and Welch's side by side, where the former decides."""
    pairs = [("baseline", entry["p_paired_seeds"], entry["p_value"])]
    for rule in MARGIN_RULES.values():
        pairs.append((f"record by the {rule.title}", entry[rule.paired_column], entry[rule.p_column]))
    parts = [
        f"{name} p = {format_p(paired)} (Welch {format_p(welch)})"
        for name, paired, welch in pairs
        if paired is not None
    ]
    return "; ".join(parts)


def _describe_search(entry: EntryColumns) -> str:
    if not entry["trials"]:
        return ""
    bias = entry["selection_bias_mbpb"]
    luck = "" if bias is None else f"; luck alone explains {bias:.2f} mBPB"
    return f"best of {entry['trials']} trials{luck}"


def describe_tries(entry: EntryColumns) -> str:
    """How many settings were tried, by whom, and what that leaves of the claim."""
    if not entry["tries"] or entry["p_tries"] is None:
        return ""
    places = [(part["sweep"] if "sweep" in part else part["day"], _name_tryers(part)) for part in entry["tried_by"]]
    by = [f"{place} by {who}" if who else str(place) for place, who in places]
    gain = entry["shrunken_gain_mbpb"]
    left = "" if gain is None else f", {gain:.2f} mBPB of the gain left"
    settings = f"{entry['tries']} setting{'' if entry['tries'] == 1 else 's'}"
    return (
        f"{settings} tried ({', '.join(by)}): p = {format_p(entry['p_tries'])} over all of them, without margin{left}"
    )


def _name_tryers(part: Mapping[str, Any]) -> str | None:
    """Who tried settings, and the agents that ran them for him; None where unknown."""
    agents = [runner for runner in part.get("runners", ()) if runner != "person"]
    ran = f" ({', '.join(agents)})" if agents else ""
    return f"{part['who']}{ran}" if part["who"] else None


def _describe_validation_set(entry: EntryColumns) -> str:
    measured = entry["validation_set"]
    if measured is None or measured["documents"] is None:
        return ""
    size = f"{measured['documents']:,} documents, {measured['tokens']:,} tokens, {measured['bytes']:,} bytes"
    n = entry["confirmations"]
    return f"{size}; evaluated {n} time{'' if n == 1 else 's'} on this set"


def _describe_seeds(entry: EntryColumns) -> str:
    if entry["source"] != "golfsweep":
        return ""
    words = {True: "same {}", False: "DIFFERENT {}", None: "{} not known to be the same"}
    return ", ".join(words[entry[f"same_{name}"]].format(name) for name in ("code", "settings"))


def _describe_trainings(entry: EntryColumns) -> str:
    """The mean over all trained seeds, where some were not evaluated."""
    if (known := entry["mean_over_trainings"]) is None:
        return ""
    low, high = known["ci95"]
    seeds = f"{known['trained']} trained seeds, {known['evaluated']} of them evaluated"
    return f"{known['mean']:.4f}, 95 % {low:.4f} … {high:.4f}, by regression over {seeds}"


DETAILS: Mapping[str, Callable[[EntryColumns], str]] = {
    "by stage": _describe_stages,
    "mean over trainings": _describe_trainings,
    "speed": _describe_speed,
    "headroom": _describe_headroom,
    "against the record": _describe_difference,
    "seeds still needed": _describe_needed_seeds,
    "corrected tests": _describe_corrections,
    "paired by training": _describe_seed_tests,
    "paired over documents": _describe_paired_test,
    "search": _describe_search,
    "tries on this set": describe_tries,
    "validation set": _describe_validation_set,
    "machine": lambda entry: entry["machine"] or "",
    "on all seeds": _describe_seeds,
    "author": lambda entry: " ".join(str(entry[name]) for name in ("author", "url") if entry[name]),
    "not checked": lambda entry: "; ".join(entry["unchecked"] or ()),
}
"""Heading → how its text is made, in the order in which they are shown."""
