"""Stored entries and records of the wrong shape: a list where a table belongs, null, a text, a name that nobody knows.

Everybody who can write to the database can write such a row, and another version of golfsweep may have. An entry of the
wrong shape counts as withdrawn until its sweep is run again; a public record is flagged. Numbers may be anything here:
`sweeps.entries.numbers` takes out the wrong ones.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from golf.errors import shown, shown_name
from jobs.store import EntryRecord, Store
from sweeps.board.evaluation import Evaluation, ImportedEntry
from sweeps.board.rules import EVIDENCE_CODE
from sweeps.contests.catalog import DEFAULT
from sweeps.entries.names import name_of_record, name_records
from sweeps.entries.numbers import clean_numbers, clean_record
from sweeps.entries.once import once_per_object

STRICT = ConfigDict(strict=True, extra="forbid")
SeedNumber = Annotated[str, Field(pattern=r"^\d{1,15}$")]
EMPTY: Mapping[str, Any] = {
    "content": {"evaluations": [], "settings": {}, "audit": None},
    "evidence": {"seeds": {}, "audit": None, "arithmetic": {}, "code": {"commits": [], "script": ""}},
}
"""Of an entry of which nothing can be read."""


def form_of(kind: type[Any], without: Collection[str] = ()) -> type[BaseModel]:
    """The form in which a dataclass is stored as JSON.

    Args:
        kind: the dataclass.
        without: fields that are not stored.
    """
    hints = get_type_hints(kind)
    forms: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in without:
            continue
        required = field.default is MISSING and field.default_factory is MISSING
        forms[field.name] = (_stored(hints[field.name]), ... if required else None)
    return create_model(kind.__name__, __config__=STRICT, **forms)


def _stored(hint: Any) -> Any:
    """The type of a stored value, from that of a field; of numbers anything."""
    kind, inner = get_origin(hint), get_args(hint)
    if hint in (int, float, Decimal):
        return Any
    if is_dataclass(hint):
        return form_of(hint)  # type: ignore[arg-type]
    if kind in (Union, UnionType):
        return Union[tuple(map(_stored, inner))]  # noqa: UP007
    if kind is tuple and inner[-1] is ...:
        return list[_stored(inner[0])]  # type: ignore[misc]
    if kind is tuple:
        return Annotated[list[Any], Field(min_length=len(inner), max_length=len(inner))]
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return dict[str, _stored(inner[1])]  # type: ignore[misc]
    return hint


class _AuditFinding(BaseModel):
    model_config = ConfigDict(strict=True)
    condition: str
    detail: str


class _CopiedDocument(BaseModel):
    model_config = ConfigDict(strict=True)
    document: int
    shared: int
    windows: int


class _Outcome(BaseModel):
    model_config = STRICT
    passed: bool
    judged: bool
    findings: list[_AuditFinding]
    length_effect: float
    overlap: list[_CopiedDocument] | None


class _AuditEvidence(BaseModel):
    model_config = STRICT
    job: str
    certificate: str


class _SeedEvidence(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: dict[str, str | int]
    jobs: dict[str, str]


class _Code(BaseModel):
    model_config = STRICT
    commits: list[str | None]
    script: str


class _Evidence(BaseModel):
    model_config = STRICT
    seeds: dict[str, _SeedEvidence]
    trained_only: dict[SeedNumber, dict[str, str]] = {}
    audit: _AuditEvidence | None
    seed_audits: dict[SeedNumber, _AuditEvidence] = {}
    arithmetic: dict[str, int]
    code: _Code


class _Content(BaseModel):
    model_config = STRICT
    evaluations: list[Any] = Field(min_length=1)
    settings: dict[str, dict[str, Any]]
    audit: _Outcome | None
    seed_audits: dict[SeedNumber, _Outcome] = {}


class _Entry(BaseModel):
    model_config = STRICT
    content: _Content
    evidence: _Evidence


@cache
def _evaluation_form() -> type[BaseModel]:
    return form_of(Evaluation)


@cache
def _record_form() -> type[BaseModel]:
    return form_of(ImportedEntry)


def read_entries(store: Store, sweep: str | None = None) -> list[EntryRecord]:
    """Entries of one sweep or of all, as `Store.entries` has them; those of the wrong shape are empty and withdrawn."""
    return [check_entry(entry) for entry in store.entries(sweep)]


def check_entry(entry: EntryRecord) -> EntryRecord:
    """A stored entry; one of the wrong shape is empty and withdrawn."""
    problem = _find_entry_problem(entry)
    if problem is None:
        return entry
    return replace(entry, **EMPTY, withdrawn=f"its stored row cannot be read: {problem}")


@once_per_object
def _find_entry_problem(entry: EntryRecord) -> str | None:
    """The first thing that is wrong with the shape of a stored entry."""
    problem = find_problem(_Entry, {"content": entry.content, "evidence": entry.evidence})
    if problem is None:
        problem = next(filter(None, map(_find_evaluation_problem, entry.content["evaluations"])), None)
    if problem is None:
        seeds = [clean_numbers(evaluation)[0]["seed"] for evaluation in entry.content["evaluations"]]
        if len(set(seeds)) < len(seeds):
            problem = "content.evaluations has a seed twice"
    return problem


def check_record(content: Any) -> Mapping[str, Any]:
    """A stored public record; one of the wrong shape is flagged, and has no scores."""
    named = content.get("contest", DEFAULT) if isinstance(content, Mapping) else DEFAULT
    unknown = None if named == DEFAULT else f"contest = {shown(named)}: no such contest"
    problem = unknown or find_problem(_record_form(), content)
    if problem is None:
        return content  # type: ignore[no-any-return]
    return _unreadable_record(name_of_record(content), problem)


def read_records(contents: Sequence[Any]) -> list[ImportedEntry]:
    """The stored public records of the default contest; a name that is stored again is numbered, and flagged."""
    records = []
    for content, (_, name) in zip(contents, name_records(contents), strict=True):
        record = clean_record(check_record(content))
        if name != record["name"]:
            record = _unreadable_record(name, describe_second(record["name"]))
        records.append(ImportedEntry.from_json(record))
    return records


def describe_second(name: str) -> str:
    """What is wrong with a row whose name another row has."""
    return f"another row has the name {shown_name(name)}"


def _unreadable_record(name: str, problem: str) -> dict[str, Any]:
    return {"name": name, "seeds": {}, "track": "flagged", "findings": [describe_problem(problem)]}


def describe_problem(problem: str) -> dict[str, str]:
    """The finding on a stored record of the wrong shape."""
    return {"code": EVIDENCE_CODE, "detail": f"its stored row cannot be read: {problem}"}


def _find_evaluation_problem(evaluation: Any) -> str | None:
    problem = find_problem(_evaluation_form(), evaluation)
    return None if problem is None else f"content.evaluations: {problem}"


def find_problem(form: type[BaseModel], value: Any) -> str | None:
    """The first thing that is wrong with a stored value; None where it has the form."""
    try:
        form.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = shown_name(".".join(str(part) for part in first["loc"]))
        return f"{place} = {shown(first['input'])}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    except RecursionError:
        return "it is nested too deep"
    return None
