"""Numbers of stored rows that nothing can measure: not a number at all, not finite, or beyond any size.

Everybody who can write to the database can write such a number, and JSON holds whole numbers beyond all floats. It is
a finding on its entry, and unknown to everything that computes with it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from golf.errors import shown
from sweeps.board.rules import EVIDENCE_CODE, choose_record_track

MOST = 1e15
"""Above every measured number: bytes, tokens, nats, seconds, dollars."""
LAST_SECOND = 253_402_300_800.0
"""The end of the year 9999 in epoch seconds, the last that a date can have."""
_SCORES = ("nll", "score", "trained_bpb", "quantized_bpb")
_AMOUNTS = ("model_bytes", "limit_bytes", "source_bytes", "cost", "training_cost", "steps")
_ABOVE_ZERO = ("bpb_per_nat",)
_REQUIRED: Mapping[str, int] = {"seed": -1, "code_bytes": 0, "trials": 0}
"""What stands for a wrong one."""
_OF_RECORD: Mapping[str, float] = {
    **dict.fromkeys(("date", "evidence_time"), LAST_SECOND),
    **dict.fromkeys(("pull_request", "code_bytes", "total_bytes", "train_seconds", "eval_seconds"), MOST),
}
"""A public record's own, with what they are below."""
_SIZES = ("documents", "tokens", "bytes")


def is_number(value: Any, least: float = -MOST, most: float = MOST) -> bool:
    """Whether a value is a finite number between two others, `most` excluded."""
    return type(value) in (int, float) and least <= value < most


def clean_numbers(fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The fields of a stored evaluation with every wrong number taken out, and a line for each."""
    wrong: dict[str, Any] = dict(_list_wrong(fields))
    clean: dict[str, Any] = {**fields}
    for name in wrong.keys() & fields.keys():
        clean[name] = _REQUIRED.get(name)
    clean["text"] = {name: None if f"text.{name}" in wrong else value for name, value in fields["text"].items()}
    clean["clocks"] = {name: value for name, value in fields["clocks"].items() if f"clocks.{name}" not in wrong}
    clean["trained_only"] = tuple(bpb for bpb in fields.get("trained_only", ()) if is_number(bpb))
    if "stage" in wrong:
        clean["stage"] = (0.0, 0)
    return clean, [describe_wrong(name, value) for name, value in wrong.items()]


def clean_record(content: Mapping[str, Any]) -> dict[str, Any]:
    """A stored public record with every wrong number taken out; it is flagged, and has a finding for each.

    So is one whose track is not that of its findings.
    """
    wrong = {
        name: value
        for name in (*_SCORES, *_AMOUNTS, *_ABOVE_ZERO, *_OF_RECORD)
        if (value := content.get(name)) is not None and not is_number(value, 0, _OF_RECORD.get(name, MOST))
    }
    if content.get("bpb_per_nat") == 0:
        wrong["bpb_per_nat"] = 0
    clean = {**content, **dict.fromkeys(wrong)}
    for table in ("seeds", "clocks"):
        values = content.get(table, {})
        bad = {name: value for name, value in values.items() if value is not None and not is_number(value)}
        unknown = dict.fromkeys(bad) if table == "seeds" else {}
        clean[table] = {name: value for name, value in values.items() if name not in bad} | unknown
        wrong |= {f"{table}.{name}": value for name, value in bad.items()}
    findings, details = content.get("findings", ()), [describe_wrong(*item) for item in wrong.items()]
    track = content.get("track", "unverified")
    if track != (expected := choose_record_track({finding["code"] for finding in findings})):
        details.append(f"its track is {track}, its findings give {expected}")
    if details:
        more = [{"code": EVIDENCE_CODE, "detail": detail} for detail in details]
        clean |= {"track": "flagged", "findings": [*findings, *more]}
    return clean


def describe_wrong(name: str, value: Any) -> str:
    """A line for a finding."""
    return f"{name} = {shown(value)}: expected a number that can be measured"


def _list_wrong(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in (*_SCORES, *_AMOUNTS, *_ABOVE_ZERO):
        value = fields.get(name)
        least = -MOST if name in _SCORES else 0.0
        if value is not None and not (is_number(value, least) and (name not in _ABOVE_ZERO or value > 0)):
            yield name, value
    for name in _REQUIRED:
        if name in fields and not (type(fields[name]) is int and is_number(fields[name], 0)):
            yield name, fields[name]
    for name in _SIZES:
        size = fields["text"].get(name)
        if size is not None and not is_number(size, 1):
            yield f"text.{name}", size
    yield from ((f"clocks.{name}", value) for name, value in fields["clocks"].items() if not is_number(value, 0))
    for place, bpb in enumerate(fields.get("trained_only", ())):
        if not is_number(bpb):
            yield f"trained_only.{place}", bpb
    created, order = fields["stage"]
    if not (is_number(created, 0.0, LAST_SECOND) and is_number(order, 0)):
        yield "stage", fields["stage"]
