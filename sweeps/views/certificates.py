"""An audit's certificate as lines of text: the verdict, the findings, and where the probes looked."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from golf.audit.certificate import MADE_UP_TEXT, MAX_LENGTH_EFFECT_NATS
from golf.audit.probes.random_tokens import FIRST_SEEN, RANDOM_TOKENS
from golf.audit.probes.second_process import SECOND_PROCESS
from golf.audit.probes.vocabulary import DECLARED

PICTURE_WIDTH = 60
"""Width of the picture; positions are spread over it by their logarithm."""
LABEL = 18
"""Width of the labels on its left."""
LEGEND = "= as it must be   ≈ no objection, from some tokens only   + sum above 1   - below 1   x earlier scores moved"
MOST_PLACES = 6
"""Most places without a probe that are named."""
OWN_KINDS = (RANDOM_TOKENS, FIRST_SEEN, DECLARED, SECOND_PROCESS)
"""Kinds of context probes that do not change a document's batch neighbors."""
LENGTHS = ("cut", "grown")
"""Kinds of changes that change a document's length."""
ProbeRecord = Mapping[str, Any]
"""One probe as the certificate's JSON has it."""


def describe_certificate(certificate: Mapping[str, Any]) -> list[str]:
    """A certificate in lines.

    Args:
        certificate: what its `to_json` returns.
    """
    probes = certificate["probes"]
    budget = probes["budget"]
    spent = f"{budget['spent_seconds']:.1f} s, {budget['calls']} calls, {budget['predictions']:,} predictions"
    lines = [f"{describe_verdict(certificate)} ({spent})"]
    if probes["documents"].get("text") == MADE_UP_TEXT:
        lines.append("On made-up text: how it scores real text is unverified; give --tokens or --corpus")
    lines.append("")
    for finding in certificate["findings"]:
        lines.append(f"  {finding['condition']:<14} {_describe_place(finding)}: {finding['detail']}")
    if certificate["findings"]:
        lines.append("")
    return [*lines, *draw_probes(probes), "", *_list_coverage(probes)]


def describe_verdict(certificate: Mapping[str, Any]) -> str:
    """The verdict in a few words."""
    broken = [finding["condition"] for finding in certificate["findings"] if finding["condition"] != "length"]
    if broken:
        return f"Not passed: {', '.join(broken)}"
    own = certificate.get("probes", {}).get("own_precision")
    if own is not None and not own["same"]:
        return f"Not passed: its results in {own['precision']} differ from those in float32, in which it was judged"
    if not certificate["judged"]:
        return "Not passed: too little could be probed within the budget"
    if certificate.get("length_effect", 0.0) > MAX_LENGTH_EFFECT_NATS:
        return (
            f"Not passed: scores depend on the document's length by more than {MAX_LENGTH_EFFECT_NATS:g} nats per token"
        )
    return "Passed" if not certificate["findings"] else "Passed; scores depend on the document's length"


def draw_probes(probes: Mapping[str, Any]) -> list[str]:
    """Draw the probes over the positions of all documents, the first position on the left.

    A column stands for a range of positions; of several probes in it the worst is shown.
    """
    sums, changes = probes["vocabulary"], probes["future"]
    last = max((document["tokens"] for document in probes["documents"]["judged"]), default=2) - 1
    lines = [
        ("vocabulary sum", [(probe["position"], mark_sum(probe)) for probe in sums], "=≈-+"),
        ("future changed", [_mark_change(probe) for probe in changes if probe["kind"] not in LENGTHS], "=x"),
        ("length changed", [_mark_change(probe) for probe in changes if probe["kind"] in LENGTHS], "=x"),
    ]
    picture = [f"{'position':<{LABEL}}{_draw_axis(last)}"]
    for label, marks, ranks in lines:
        columns = [" "] * PICTURE_WIDTH
        for position, mark in marks:
            column = _find_column(position, last)
            columns[column] = max(columns[column], mark, key=ranks.find)
        picture.append(f"{label:<{LABEL}}{''.join(columns).rstrip()}")
    return [*picture, LEGEND]


def mark_sum(probe: ProbeRecord) -> str:
    """= where a complete sum is 1, ≈ where a partial sum may be, + and - where it is above or below."""
    if probe["least"] > 1 + probe["tolerance"]:
        return "+"
    if probe["complete"]:
        return "-" if probe["total"] < 1 - probe["tolerance"] else "="
    return "≈"


def _describe_place(finding: Mapping[str, Any]) -> str:
    if finding["document"] < 0:
        return "every document"
    position = f", position {finding['position']}" if finding["position"] > 0 else ""
    return f"document {finding['document']}{position}"


def _list_coverage(probes: Mapping[str, Any]) -> list[str]:
    """What was probed, and what was not."""
    sums, changes, contexts = probes["vocabulary"], probes["future"], probes["context"]
    judged, precision = probes["documents"]["judged"], probes["precision"]
    complete = [probe for probe in sums if probe["complete"]]
    off = max((abs(probe["total"] - 1) for probe in complete), default=math.nan)
    farthest = f", the farthest from 1 by {off:.2g}" if complete else ""
    sizes = ", ".join(str(size) for size in sorted(int(document["tokens"]) for document in judged))
    given = sum(document["origin"] == "given" for document in judged)
    futures = [probe for probe in changes if probe["kind"] not in LENGTHS]
    lengths = [probe for probe in changes if probe["kind"] in LENGTHS]
    neighbors = [probe for probe in contexts if probe["kind"] not in OWN_KINDS]
    lines = [
        f"Documents of {sizes} tokens; {given} as given",
        f"Vocabulary sums at {_count_places(sums)}, {len(complete)} over the whole vocabulary{farthest}",
        f"Futures changed at {_describe_largest(futures)} before the change",
        f"Lengths changed at {_describe_largest(lengths)} before the end",
        f"Batch neighbors changed at {_describe_largest(neighbors)}",
        f"Losses have {precision['bits']} significant bits; equal ones differ by up to {precision['noise']:.2g} nats",
    ]
    second = [probe for probe in contexts if probe["kind"] == SECOND_PROCESS]
    if second:
        lines.append(f"A second process, after another first call: at most {second[0]['largest']:.2g} nats moved")
    lines += [f"Note: {note}" for note in probes.get("notes", ())]
    if (own := probes.get("own_precision")) is not None:
        lines += _describe_own_precision(own)
    missing = probes["not_probed"]
    if missing:
        more = f"; and {len(missing) - MOST_PLACES} more" if len(missing) > MOST_PLACES else ""
        lines.append(f"Not probed: {'; '.join(missing[:MOST_PLACES])}{more}")
    return lines


def _describe_own_precision(own: Mapping[str, Any]) -> list[str]:
    """What the entry's own precision changes: the score, and losses that must be equal but for rounding."""
    exact, bounds, deviations = own["from_float32"], own["bounds"], own["deviations"]
    means, largest = ([deviation[name] for deviation in deviations] for name in ("document_mean", "largest"))
    return [
        f"Judged in float32; in {own['precision']} the loss is {exact['mean']:+.2g} nats per token from that",
        f"Rounding in {own['precision']} moves a document by {max(means):.2g} nats per token at most, "
        f"{bounds['document_mean']:g} allowed; a token by {max(largest):.2g}",
    ]


def _describe_largest(probes: Iterable[ProbeRecord]) -> str:
    moved = [probe["largest"] for probe in probes]
    return f"{_count_places(moved)}; at most {max(moved, default=0.0):.2g} nats moved"


def _count_places(probes: Sequence[object]) -> str:
    return f"{len(probes)} place{'' if len(probes) == 1 else 's'}"


def _mark_change(probe: ProbeRecord) -> tuple[int, str]:
    return probe["changed"], "x" if probe["beyond"] else "="


def _find_column(position: int, last: int) -> int:
    return min(PICTURE_WIDTH - 1, int(PICTURE_WIDTH * math.log2(position) / math.log2(last + 1)))


def _draw_axis(last: int) -> str:
    """Powers of four over their columns."""
    columns = [" "] * PICTURE_WIDTH
    for tick in (4**power for power in range(16) if 4**power <= last):
        label = str(tick)
        column = min(_find_column(tick, last), PICTURE_WIDTH - len(label))
        columns[column : column + len(label)] = label
    return "".join(columns).rstrip()
