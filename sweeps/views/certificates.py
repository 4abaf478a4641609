"""An audit's certificate for people: a verdict, its findings, and where each probe was placed, as lines of text."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from golf.audit.probes.random_tokens import FIRST_SEEN, RANDOM_TOKENS
from golf.audit.probes.vocabulary import DECLARED

COLUMNS = 60
"""Width of the picture; entries are spread over it by their logarithm."""
LABEL = 18
LEGEND = "= as it must be   ≈ no objection, from some tokens only   + sum above 1   - below 1   x earlier scores moved"
SHOWN = 6
"""Places left out that are named."""
OWN_KINDS = (RANDOM_TOKENS, FIRST_SEEN, DECLARED)
"""Kinds of comparisons that are not about batch neighbors."""
LENGTHS = ("cut", "grown")
"""Kinds of changes that change a document's length."""


def lines(certificate: Mapping[str, Any]) -> list[str]:
    """A certificate, as its to_json() gives it, in lines."""
    probes = certificate["probes"]
    budget = probes["budget"]
    spent = f"{budget['spent_seconds']:.1f} s, {budget['calls']} calls, {budget['predictions']:,} predictions"
    found = [f"{verdict(certificate)} ({spent})", ""]
    for finding in certificate["findings"]:
        found.append(f"  {finding['condition']:<14} {where(finding)}: {finding['detail']}")
    if certificate["findings"]:
        found.append("")
    found += picture(probes)
    found += ["", *summary(probes)]
    return found


def verdict(certificate: Mapping[str, Any]) -> str:
    """The judgment in a few words."""
    broken = [one["condition"] for one in certificate["findings"] if one["condition"] != "length"]
    if broken:
        return f"Not passed: {', '.join(broken)}"
    if not certificate["judged"]:
        return "Not passed: too little could be probed within the budget"
    return "Passed" if not certificate["findings"] else "Passed; scores depend on the document's length"


def where(finding: Mapping[str, Any]) -> str:
    """A finding's place."""
    if finding["document"] < 0:
        return "every document"
    return f"document {finding['document']}" + (f", position {finding['position']}" if finding["position"] > 0 else "")


def picture(probes: Mapping[str, Any]) -> list[str]:
    """The two probes over the entries of all documents, from the first on the left to the last on the right.

    A column is a range of entries; of several probes in it the worst is shown.
    """
    sums, changes = probes["vocabulary"], probes["future"]
    last = max((one["tokens"] for one in probes["documents"]["judged"]), default=2) - 1
    rows = [
        ("vocabulary sum", [(one["position"], sum_mark(one)) for one in sums], "=≈-+"),
        ("future changed", [_mark(one) for one in changes if one["kind"] not in LENGTHS], "=x"),
        ("length changed", [_mark(one) for one in changes if one["kind"] in LENGTHS], "=x"),
    ]
    found = [f"{'entry':<{LABEL}}{_axis(last)}"]
    for label, marks, rank in rows:
        columns = [" "] * COLUMNS
        for position, mark in marks:
            column = _column(position, last)
            columns[column] = max(columns[column], mark, key=lambda one: rank.find(one))
        found.append(f"{label:<{LABEL}}{''.join(columns).rstrip()}")
    return [*found, LEGEND]


def sum_mark(one: Mapping[str, Any]) -> str:
    """= where a complete sum is 1, ≈ where a partial one may be, + and - where it is off."""
    if one["least"] > 1 + one["tolerance"]:
        return "+"
    if one["complete"]:
        return "-" if one["total"] < 1 - one["tolerance"] else "="
    return "≈"


def summary(probes: Mapping[str, Any]) -> list[str]:
    """What was probed, and what was not."""
    sums, changes, contexts = probes["vocabulary"], probes["future"], probes["context"]
    judged = probes["documents"]["judged"]
    complete = [one for one in sums if one["complete"]]
    off = max((abs(one["total"] - 1) for one in complete), default=math.nan)
    farthest = f", the farthest from 1 by {off:.2g}" if complete else ""
    sizes = ", ".join(str(one["tokens"]) for one in sorted(judged, key=lambda one: int(one["tokens"])))
    precision = probes["precision"]
    found = [
        f"Documents of {sizes} tokens; {sum(one['origin'] == 'given' for one in judged)} as given",
        f"Vocabulary sums at {_places(sums)}, {len(complete)} over the whole vocabulary{farthest}",
        f"Futures changed at {_largest(one for one in changes if one['kind'] not in LENGTHS)} before the change",
        f"Lengths changed at {_largest(one for one in changes if one['kind'] in LENGTHS)} before the end",
        f"Batch neighbors changed at {_largest(one for one in contexts if one['kind'] not in OWN_KINDS)}",
        f"Losses have {precision['bits']} significant bits; equal ones differ by up to {precision['noise']:.2g} nats",
    ]
    left = probes["not_probed"]
    if left:
        more = f"; and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        found.append(f"Not probed: {'; '.join(left[:SHOWN])}{more}")
    return found


def _largest(probes: Iterable[Mapping[str, Any]]) -> str:
    found = list(probes)
    largest = max((one["largest"] for one in found), default=0.0)
    return f"{_places(found)}; at most {largest:.2g} nats moved"


def _places(found: Sequence[object]) -> str:
    return f"{len(found)} place{'' if len(found) == 1 else 's'}"


def _mark(change: Mapping[str, Any]) -> tuple[int, str]:
    return change["changed"], "x" if change["beyond"] else "="


def _column(position: int, last: int) -> int:
    return min(COLUMNS - 1, int(COLUMNS * math.log2(position) / math.log2(last + 1)))


def _axis(last: int) -> str:
    """Powers of four under the columns that they fall into."""
    columns = [" "] * COLUMNS
    ticks: Sequence[int] = [4**power for power in range(16) if 4**power <= last]
    for tick in ticks:
        label = str(tick)
        column = min(_column(tick, last), COLUMNS - len(label))
        columns[column : column + len(label)] = label
    return "".join(columns).rstrip()
