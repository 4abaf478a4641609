"""The sections of a sweep file, as pydantic models; unknown keys are errors that name the nearest known one."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from golf.errors import InputError, shown, shown_name
from jobs.budget import Budget
from sweeps.contests.catalog import DEFAULT, list_contests
from sweeps.search.samplers import SAMPLERS
from sweeps.search.samplers.sampler import MOST_TRIALS
from sweeps.spec.checks.names import MOST_CHARACTERS, SWEEP_NAME, SWEEP_RULE
from sweeps.spec.recipe import every_setting
from sweeps.spec.settings import suggest, unknown

MOST_SEED = 2**32 - 1
"""Largest seed: what NumPy, torch and the scripts of public records all take."""
MOST_SEEDS, MOST_ARMS, MOST_DOCUMENTS = 1000, 1000, 1_000_000
Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]
Seeds = Annotated[tuple[Seed, ...], Field(max_length=MOST_SEEDS)]
Documents = Annotated[int, Field(ge=1, le=MOST_DOCUMENTS)]
Trials = Annotated[int, Field(ge=1, le=MOST_TRIALS)]
TUNING_DOCUMENTS = 512
"""Documents held out from the end of a training stream unless the file says otherwise: 0.6 M tokens of FineWeb."""


def _known_sampler(name: str) -> str:
    if name not in SAMPLERS:
        raise PydanticCustomError("unknown_sampler", "no such sampler; {hint}", {"hint": suggest(name, SAMPLERS)})
    return name


def _known_contest(name: str) -> str:
    if name not in list_contests():
        raise PydanticCustomError(
            "unknown_contest", "no such contest; {hint}", {"hint": suggest(name, list_contests())}
        )
    return name


def _deadline(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2200:
        raise PydanticCustomError("far_date", "expected a year from 2000 to 2200")
    return moment


def _path(path: str) -> str:
    if not path or "\0" in path:
        raise PydanticCustomError("bad_path", "not a path")
    return path


def _sweep_name(name: str) -> str:
    if not re.fullmatch(SWEEP_NAME, name) or len(name) > MOST_CHARACTERS:
        raise PydanticCustomError("bad_name", "not a name; {rule}", {"rule": SWEEP_RULE})
    return name


S = TypeVar("S", bound="Section")
FilePath = Annotated[str, AfterValidator(_path)]


class Section(BaseModel):
    """A table of a file with the keys that it may have."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DataSection(Section):
    """Which tokens; "demo" is the bundled corpus."""

    tokens: FilePath
    tokenizer: FilePath | None = None
    tuning_documents: Documents = TUNING_DOCUMENTS
    validation: Literal["given", "holdout"] = "given"
    """What a script's trials are scored on: the given validation set, or documents held out from training."""


class SeedsSection(Section):
    """Seeds to tune on, to confirm on, and to report on: no seed serves two purposes."""

    tune: Seeds = ()
    confirm: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MOST_SEEDS)]
    report: Seeds = ()


class BaselineSection(Section):
    """What entries are compared with: another entry, or a published record's numbers in bits per byte."""

    row: str | None = None
    mean: Annotated[FiniteFloat, Field(gt=0, le=1000)] | None = None
    std: Annotated[FiniteFloat, Field(ge=0, le=1000)] | None = None
    n: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class PromoteSection(Section):
    """A second rung: the best trials on every tuning seed and on more documents, before any is confirmed."""

    top: Trials
    documents: Documents


class SearchSection(Section):
    """What to search, and how."""

    trials: Trials
    parallel: Trials = 8
    sampler: Annotated[str, AfterValidator(_known_sampler)] = "tpe"
    seed: Seed = 0
    documents: Documents = 64
    space: dict[str, Any]
    first: tuple[dict[str, Any], ...] = ()
    promote: PromoteSection | None = None
    proxy: dict[str, Any] | None = None
    """What makes trials of a script cheaper."""


class ConfirmSection(Section):
    """How many of the best trials run on fresh seeds and the whole validation set."""

    top: Annotated[int, Field(ge=0, le=MOST_TRIALS)] = 3
    train_only: Annotated[int, Field(ge=0, le=100)] = 0
    """Further seeds of every entry that are trained and not evaluated."""


class ChallengeSection(Section):
    """A claim that is replicated on fresh seeds until it stands or falls; `golfsweep challenge` writes it."""

    entry: str
    """Whose claim it is, as SWEEP/ENTRY; for display only, as is `against`."""
    against: str
    gain: Annotated[FiniteFloat, Field(gt=0, le=1000)]
    """What is claimed, in bits per byte."""
    margin: Annotated[FiniteFloat, Field(ge=0, le=1000)]
    """Up to which a gain counts as none, in bits per byte."""
    analyses: Annotated[tuple[Annotated[int, Field(ge=2, le=MOST_SEEDS)], ...], Field(min_length=1)]
    """Seeds at each analysis, rising; the last is the number of confirm seeds."""


class AuditSection(Section):
    """How long the audit of a confirmed recipe may take; more seconds probe more positions."""

    seconds: Annotated[FiniteFloat, Field(gt=0, le=300)] = 12.0


class BudgetSection(Section):
    """What a sweep may cost, and until when; prices are for one slot and hour."""

    gpu_hours: Annotated[FiniteFloat, Field(gt=0, le=1e9)] | None = None
    dollars: Annotated[FiniteFloat, Field(gt=0, le=1e12)] | None = None
    dollars_per_gpu_hour: Annotated[FiniteFloat, Field(ge=0, le=1e6)] | None = None
    deadline: Annotated[AwareDatetime, AfterValidator(_deadline)] | None = None
    """A date and time with its offset, e.g. 2026-12-01T18:00:00Z."""

    def limits(self) -> Budget:
        """The limits that the store enforces at each attempt."""
        fields = self.model_dump(exclude={"deadline"})
        return Budget(**fields, deadline=None if self.deadline is None else self.deadline.timestamp())


class SweepFile(Section):
    """The whole file; recipes, arms and the search space are checked elsewhere, against each other."""

    name: Annotated[str, AfterValidator(_sweep_name)]
    contest: Annotated[str, AfterValidator(_known_contest)] = DEFAULT
    rules: Literal["accepted", "strict"] = "accepted"
    priority: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] = 0  # the database keeps 32 bits
    data: DataSection
    recipe: dict[str, Any] = {}
    script: dict[str, Any] | None = None
    seeds: SeedsSection
    arm: Annotated[tuple[dict[str, Any], ...], Field(max_length=MOST_ARMS)] = ()
    baseline: BaselineSection | None = None
    search: SearchSection | None = None
    confirm: ConfirmSection = ConfirmSection()
    challenge: ChallengeSection | None = None
    audit: AuditSection = AuditSection()
    budget: BudgetSection = BudgetSection()


def check_sections(content: str, where: str) -> SweepFile:
    """Check a sweep file, given as JSON, section by section.

    Raises:
        InputError: a problem for each key that is unknown or missing, and for each value of the wrong type or range.
    """
    return read_section(SweepFile, content, where)


def read_section(kind: type[S], content: str, where: str, prefix: str = "", inner: Iterable[str] | None = None) -> S:
    """A section, given as JSON.

    Args:
        kind: the section.
        content: its table.
        where: what each problem names first.
        prefix: of its keys' full names, e.g. "script.train.".
        inner: dotted names of what is inside of its tables, for suggestions; those of a recipe where None.

    Raises:
        InputError: a problem for each key that is unknown or missing, and for each value of the wrong type or range.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        inner = every_setting() if inner is None else inner
        raise InputError(*(f"{where}: {prefix}{problem}" for problem in _explain(error, kind, inner))) from None


def _explain(error: ValidationError, kind: type[Section], inner: Iterable[str]) -> list[str]:
    """A line for each thing that is wrong; a key that is missing because it is misspelled is one thing."""
    details = error.errors()
    unknown_keys = [_explain_unknown(detail, kind, inner) for detail in details if detail["type"] == "extra_forbidden"]
    meant = {line.rpartition("did you mean ")[2].removesuffix("?") for line in unknown_keys}
    missing = [_name(detail) for detail in details if detail["type"] == "missing"]
    wrong = [detail for detail in details if detail["type"] not in ("extra_forbidden", "missing")]
    # A list is also too short for what is wrong in it.
    inside = {detail["loc"][:length] for detail in wrong for length in range(len(detail["loc"]))}
    wrong = [detail for detail in wrong if detail["loc"] not in inside]
    return [*unknown_keys, *(f"{name}: missing" for name in missing if name not in meant), *map(_explain_value, wrong)]


def _explain_unknown(detail: ErrorDetails, kind: type[Section], inner: Iterable[str]) -> str:
    path = [str(part) for part in detail["loc"][:-1]]
    section: Any = kind
    for part in path:
        section = _model_of(section.model_fields[part].annotation)
    names = [field.alias or name for name, field in section.model_fields.items()]
    known = [".".join([*path, name]) for name in names]
    return unknown(_name(detail), known, inner=() if path else inner)


def _explain_value(detail: ErrorDetails) -> str:
    if detail["type"] in ("too_long", "too_short"):
        size, context = len(detail["input"]), detail["ctx"]
        rule = f"at most {context['max_length']}" if "max_length" in context else f"at least {context['min_length']}"
        return f"{_name(detail)} = {shown(detail['input'])}: {size} given; expected {rule}"
    if detail["type"] == "dict_type" and detail["loc"][0] == "arm":
        return f"{_name(detail)} = {shown(detail['input'])}: not a table; write [[arm]] above each arm's settings"
    if detail["type"] == "tuple_type" and isinstance(detail["input"], dict):
        name = _name(detail)
        return f"{name} = {shown(detail['input'])}: one table instead of a list; write [[{name}]], not [{name}]"
    kinds = {"tuple_type": "expected a list", "dict_type": "expected a table", "model_type": "expected a table"}
    message = kinds.get(detail["type"], f"{detail['msg'][0].lower()}{detail['msg'][1:]}")
    return f"{_name(detail)} = {shown(detail['input'])}: {message}"


def _name(detail: ErrorDetails) -> str:
    # A key of a table that is wrong itself has a second part, which is pydantic's.
    return shown_name(".".join(str(part) for part in detail["loc"] if part != "[key]"))


def _model_of(annotation: Any) -> Any:
    """The section that a field holds, also where it may be absent."""
    if isinstance(annotation, type):
        return annotation
    return next(part for part in annotation.__args__ if isinstance(part, type) and issubclass(part, BaseModel))
