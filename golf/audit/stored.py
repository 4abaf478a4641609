"""A certificate as it was stored, held against itself: its verdict must follow from its findings, and they from its
probes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from golf.audit import verdict
from golf.audit.certificate import (
    JSON_KEYS,
    Comparison,
    FutureChange,
    VocabularySum,
    largest_length_effect,
    passes,
)
from golf.audit.scorer.precision import Precision
from golf.errors import shown_name

Probe = TypeVar("Probe", VocabularySum, FutureChange, Comparison)


def find_contradictions(content: Any) -> list[str]:
    """What a stored certificate says that does not follow from the rest of it; empty where everything agrees.

    Args:
        content: the certificate as plain data, which may be anything.
    """
    try:
        return [*_find_contradictions(content)]
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        return [f"is no certificate that this version can read ({type(error).__name__}: {shown_name(str(error))})"]


def _find_contradictions(content: Mapping[str, Any]) -> Iterator[str]:
    probes = content["probes"]
    sums, changes = _read(VocabularySum, probes["vocabulary"]), _read(FutureChange, probes["future"])
    comparisons = _read(Comparison, probes["context"])
    precision = Precision(**probes["precision"])
    probes["documents"].get("text")  # a table, as whoever reads on expects
    findings = [
        *verdict.comparison_findings(comparisons),
        *verdict.future_findings(changes, 0.0),
        *verdict.sum_findings(sums, changes, precision),
        *verdict.random_token_findings(comparisons, changes),
    ]
    stated = [str(finding["condition"]) for finding in content["findings"]]
    for finding in {finding.condition: finding for finding in reversed(findings)}.values():
        if finding.condition not in stated:
            yield f"has no finding {finding.condition}, which its probes show: {finding.detail}"
    if content["judged"] and not verdict.has_enough_complete_sums(sums, precision):
        yield "says that it judged, without a complete vocabulary sum"
    effect = largest_length_effect(changes)
    if (stated_effect := content.get("length_effect", effect)) != effect:
        yield f"says that length changes losses by {stated_effect:.3g} nats/token; its probes show {effect:.3g}"
    follows = passes(bool(content["judged"]), stated, effect)
    if bool(content["passed"]) != follows:
        yield f"says passed: {bool(content['passed'])}; its findings and probes give {follows}"


def _read(kind: type[Probe], rows: Sequence[Mapping[str, Any]]) -> list[Probe]:
    """Probes from plain data; fields that an earlier version did not write have their defaults."""
    keys = {field.name: JSON_KEYS.get(field.name, field.name) for field in fields(kind)}
    return [kind(**{name: row[key] for name, key in keys.items() if key in row}) for row in rows]
