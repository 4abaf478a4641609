"""A comparison as text of 80 columns: dots for seeds and documents, tests, verdicts, what differs, what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from sweeps.board.verdicts import NAMES
from sweeps.statistics.documents import Documents
from sweeps.views.wording import p_text, seeds_text

WIDTH = 46
"""Characters of a line of dots."""
TESTS = {
    "welch": "Welch, seeds",
    "welch_margin": "Welch, 0.005 nats",
    "pooled": "one deviation for all rows",
    "paired_documents": "paired documents",
    "two_way": "seeds and documents",
}


def render(found: Mapping[str, Any], documents: Documents | None) -> Group:
    """What `compare` found, for a terminal."""
    c, i, difference = found["challenger"], found["incumbent"], found["difference"]
    nats = difference["nats_per_token"]
    unit = "" if nats is None else f", {nats:+.4f} nats/token under {difference['tokenizer']}"
    head = f"{c['known_as']} against {i['known_as']}: {difference['mbpb']:+.2f} mBPB{unit}"
    parts: list[Text | Table] = [Text(head, style="bold"), Text()]
    parts += [Text(line) for line in _seeds(c, i)]
    if documents is not None:
        parts += [Text(line) for line in _documents(documents)]
    parts += [_tests(found["tests"]), *(Text(f"  {line}") for line in sentences(found)), Text()]
    return Group(*parts, _settings(found["settings"]))


def sentences(found: Mapping[str, Any]) -> list[str]:
    """The verdicts, what would settle the matter, and what was not used, a line each."""
    lines = []
    for rule, verdict in found["verdicts"].items():
        passed = {True: "shown", False: "not shown", None: f"undecided: {verdict.get('why')}"}[verdict["passed"]]
        asked = f"lower by {verdict['margin_nats']:g} nats per token" if verdict["margin_nats"] else "lower at all"
        lines.append(f"By the {NAMES[rule]} ({asked}, p < {verdict['level']:g}): {passed}.")
    lines.append(_next(found))
    if found["tests"]["pooled"].get("sound") is False:
        p = p_text(found["tests"]["pooled"]["equal_variance_p"])
        lines.append(f"Do not rely on the one deviation for all rows: theirs differ (Bartlett, p = {p}).")
    for name, shown in TESTS.items():
        if found["tests"][name]["p_value"] is None:
            lines.append(f"No {shown}: {found['tests'][name]['why']}.")
    for name, why in found["not_used"].items():
        lines.append(f"No {name.replace('_', ' ')}: {why}.")
    equivalence = found["tests"]["equivalence"]
    if equivalence["p_value"] is not None and equivalence["p_value"] < 0.05:
        lines.append(
            f"The same within 0.005 nats per token (two one-sided tests, p = {p_text(equivalence['p_value'])})."
        )
    return lines


def _next(found: Mapping[str, Any]) -> str:
    """What it takes to settle the claim by the challenge's text."""
    verdict, plan = found["verdicts"]["challenge"], found["plans"]["challenge"]
    if verdict["passed"]:
        return _passed(verdict)
    if plan is None:
        if verdict["passed"] is None:
            return "At least two seeds a side, and the text's tokens and bytes, are needed first."
        return "With this difference and spread no affordable number of seeds would show the challenge's margin."
    return (
        f"With this spread, {seeds_text(plan['more'], plan['incumbent_too'])} would settle it at "
        f"p < {verdict['level']:g}: p < {plan['level']:.2g} is asked then, since seeds are added after a look (levels "
        f"that keep to {verdict['level']:g} at any number of looks: Lan–DeMets, 1 − 2/n); chance {plan['power']:.0%}."
    )


def _passed(verdict: Mapping[str, Any]) -> str:
    """Whether what is shown is so for seeds that were added after a look as well."""
    if verdict["anytime"]["passed"]:
        return "Nothing more is needed, whatever looks at fewer seeds came before."
    level = verdict["anytime"]["level"]
    asked = f"p < {level:.2g} is asked at this number" if level else "at least 3 are asked"
    return (
        f"Nothing more is needed if the number of seeds was fixed beforehand; of seeds that were added after a look, "
        f"{asked}, and not reached."
    )


def _seeds(c: Mapping[str, Any], i: Mapping[str, Any]) -> list[str]:
    """Every seed of both on one axis."""
    sides = [[bpb for bpb in side["seeds"].values() if bpb is not None] for side in (c, i)]
    low, high = min(map(min, sides)), max(map(max, sides))
    names = [_shortened(side["known_as"]) for side in (c, i)]
    lines = [f"{name:>20} {dots(scores, low, high)}" for name, scores in zip(names, sides, strict=True)]
    return [*lines, f"{'bits per byte':>20} {low:.4f}" + f"{high:.4f}".rjust(WIDTH - 6), ""]


def _shortened(name: str) -> str:
    """A name in 20 characters: both ends, since either may be what tells two of them apart."""
    return name if len(name) <= 20 else f"{name[:9]}…{name[-10:]}"


def dots(values: Sequence[float], low: float, high: float) -> str:
    """Values as dots on a line from low to high, their mean as a bar."""
    line = ["·"] * WIDTH
    span = (high - low) or 1.0
    for value in values:
        line[round((value - low) / span * (WIDTH - 1))] = "●"
    line[round((sum(values) / len(values) - low) / span * (WIDTH - 1))] = "┃" if len(values) > 1 else "●"
    return "".join(line)


def _documents(documents: Documents) -> list[str]:
    """How many documents got better or worse by how much, as bars."""
    change = 1000 * (documents["challenger"] - documents["incumbent"])
    better = int((change < 0).sum())
    lines = [f"{better} of {change.size} documents are lower; millibits per byte:"]
    edges = np.quantile(change, [0.02, 0.98])
    if edges[0] == edges[1]:
        return [*lines, f"  all within a rounding of {edges[0]:+.1f}", ""]
    counts, cuts = np.histogram(np.clip(change, *edges), bins=7, range=(float(edges[0]), float(edges[1])))
    for count, left, right in zip(counts, cuts, cuts[1:], strict=False):
        lines.append(f"  {left:+9.1f} … {right:+9.1f}  {'█' * round(WIDTH * count / counts.max())} {count}")
    return [*lines, ""]


def _tests(tests: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("test", no_wrap=True)
    for name in ("difference and 95 % in mBPB", "t", "df", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, shown in TESTS.items():
        test = tests[name]
        if test["p_value"] is None:
            table.add_row(shown, *("–" * 4))
            continue
        low, high = (1000 * end for end in test["ci95"])
        t = "∞" if test["statistic"] is None else f"{test['statistic']:.2f}"
        interval = f"{1000 * test['difference']:+.2f}  {low:+.2f} … {high:+.2f}"
        table.add_row(shown, interval, t, f"{test['df']:.1f}", p_text(test["p_value"]))
    return table


def _settings(settings: Sequence[Mapping[str, Any]]) -> Table | Text:
    if not settings:
        return Text("  Their recipes do not differ in any setting that is known.")
    table = Table("setting", "challenger", "incumbent", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for one in settings:
        table.add_row(*(Text(value_text(one[side])) for side in ("setting", "challenger", "incumbent")))
    return table


def value_text(value: Any) -> str:
    """A setting as a person would write it."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value)) or "none"
    return "–" if value is None else str(value)
