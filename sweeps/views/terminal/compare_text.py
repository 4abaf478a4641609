"""A comparison as text of any width: dots for seeds and documents, tests, verdicts, settings, and the next step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group
from rich.text import Text

from sweeps.board.margin_rules import MARGIN_RULES, written_margin_text
from sweeps.statistics.documents import Documents
from sweeps.text.escaping import escape
from sweeps.text.table import SHOWN_BY_JSON, FittedColumn, FittedTable, shorten
from sweeps.text.wrapping import wrap
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.next_step import DECIDING, NextStep, advance_claim, claim_of_comparison
from sweeps.views.wording import format_p, format_setting

WIDTH = 46
"""Characters in a line of dots."""
LEAST_WIDTH = 14
"""On the narrowest terminal: both ends of the axis must fit."""
NAME_CELLS = 20
"""Cells of the name before it."""
RANGE_CELLS = 32
"""Cells of a line of the histogram beside its bar."""
TEST_COLUMNS = (
    FittedColumn(heading="test", side="left", too_long="shorten"),
    FittedColumn(heading="difference and 95 % in mBPB", order=2),
    FittedColumn(heading="t", order=3),
    FittedColumn(heading="df", order=4),
    FittedColumn(heading="p", order=1),
)
EQUIVALENCE_LEVEL = 0.05
"""Two entries are called the same where the test of equivalence is below this p."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Lines that are drawn when they are printed, for the width that there is."""

    draw: Callable[[int], list[str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Draw and print."""
        for line in self.draw(options.max_width):
            yield Text(line)


def render(comparison: Mapping[str, Any], documents: Documents | None, step: NextStep | None = None) -> Group:
    """Render what `compare` returns for a terminal: the verdict and the next step, then what they rest on.

    Args:
        comparison: what `compare` returned.
        documents: scores of documents, if there are any.
        step: what the claim needs next; by default what this comparison alone tells.
    """
    step = step or _advance(comparison)
    c, i, difference = comparison["challenger"], comparison["incumbent"], comparison["difference"]
    nats = difference["nats_per_token"]
    unit = "" if nats is None else f", {nats:+.4f} nats/token under {difference['tokenizer']}"
    parts: list[Text | FittedTable | Drawing] = [
        Drawing(partial(_draw_verdict, comparison, step)),
        Text(escape(f"Difference {difference['mbpb']:+.2f} mBPB{unit}; negative: the challenger is better")),
        Text(),
    ]
    parts.append(Drawing(partial(_draw_seeds, c, i)))
    if documents is not None:
        parts.append(Drawing(partial(_draw_documents, documents)))
    parts += [
        _make_test_table(comparison["tests"]),
        *(Text(escape(f"  {line}")) for line in list_evidence(comparison)),
    ]
    return Group(*parts, Text(), _make_settings_table(comparison["settings"]))


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
    step = step or _advance(comparison)
    return [state_verdict(comparison), f"Next: {step.sentence}.", *list_evidence(comparison)]


def _advance(comparison: Mapping[str, Any]) -> NextStep:
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


def draw_dots(values: Sequence[float], low: float, high: float, width: int = WIDTH) -> str:
    """Draw values as dots on a line from low to high, and their mean as a bar."""
    line = ["·"] * width
    span = (high - low) or 1.0
    for value in values:
        line[round((value - low) / span * (width - 1))] = "●"
    line[round((sum(values) / len(values) - low) / span * (width - 1))] = "┃" if len(values) > 1 else "●"
    return "".join(line)


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


def _draw_verdict(comparison: Mapping[str, Any], step: NextStep, columns: int) -> list[str]:
    """The verdict and the next step."""
    command = [] if step.command is None or " compare " in step.command else [step.command]  # it was just typed
    next_step = " · ".join([step.sentence, *command])
    lines = wrap(escape(state_verdict(comparison)), columns)
    return [*lines, *wrap(escape(f"Next: {next_step}"), columns, indent=6), ""]


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


def _draw_seeds(c: Mapping[str, Any], i: Mapping[str, Any], columns: int) -> list[str]:
    """Every seed of both sides on one axis."""
    name_cells = min(NAME_CELLS, max(8, columns // 3))
    width = max(LEAST_WIDTH, min(WIDTH, columns - name_cells - 1))
    sides = [[bpb for bpb in side["seeds"].values() if bpb is not None] for side in (c, i)]
    low, high = min(map(min, sides)), max(map(max, sides))
    names = [shorten(escape(side["known_as"]), name_cells) for side in (c, i)]
    names = [" " * (name_cells - cell_len(name)) + name for name in names]
    lines = [f"{name} {draw_dots(scores, low, high, width)}" for name, scores in zip(names, sides, strict=True)]
    unit = shorten("bits per byte", name_cells).rjust(name_cells)
    return [*lines, f"{unit} {low:.4f}" + f"{high:.4f}".rjust(width - 6), ""]


def _draw_documents(documents: Documents, columns: int) -> list[str]:
    """A histogram of the documents' differences."""
    change = 1000 * (documents["challenger"] - documents["incumbent"])
    lower = int((change < 0).sum())
    lines = [f"{lower} of {change.size} documents are lower; differences in millibits per byte:"]
    edges = np.quantile(change, [0.02, 0.98])
    if edges[0] == edges[1]:
        return [*lines, f"  all are {edges[0]:+.1f} up to rounding", ""]
    width = max(1, min(WIDTH, columns - RANGE_CELLS))
    counts, cuts = np.histogram(np.clip(change, *edges), bins=7, range=(float(edges[0]), float(edges[1])))
    for count, left, right in zip(counts, cuts, cuts[1:], strict=False):
        lines.append(f"  {left:+9.1f} … {right:+9.1f}  {'█' * round(width * count / counts.max())} {count}")
    return [*lines, ""]


def _make_test_table(tests: Mapping[str, Any]) -> FittedTable:
    rows = []
    for name, title in name_tests().items():
        test = tests[name]
        if test["p_value"] is None:
            rows.append([[title], *(["–"] for _ in TEST_COLUMNS[1:])])
            continue
        low, high = (1000 * end for end in test["ci95"])
        t = "∞" if test["statistic"] is None else f"{test['statistic']:.2f}"
        interval = f"{1000 * test['difference']:+.2f}  {low:+.2f} … {high:+.2f}"
        rows.append([[title], [interval], [t], [f"{test['df']:.1f}"], [format_p(test["p_value"])]])
    return FittedTable(columns=TEST_COLUMNS, rows=rows, elsewhere=SHOWN_BY_JSON)


def _make_settings_table(settings: Sequence[Mapping[str, Any]]) -> FittedTable | Text:
    if not settings:
        return Text("  Their recipes have no known setting that differs.")
    sides = ("setting", "challenger", "incumbent")
    rows = [[[format_setting(setting[side])] for side in sides] for setting in settings]
    columns = [FittedColumn(heading=side, side="left", too_long="fold") for side in sides]
    return FittedTable(columns=columns, rows=rows)
