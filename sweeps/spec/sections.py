"""The sections of a sweep file, as pydantic models; unknown keys are errors that name the nearest known one."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from golf.errors import InputError
from jobs.budget import Budget
from sweeps.search.samplers import SAMPLERS
from sweeps.spec.settings import suggest, unknown

Seeds = Annotated[tuple[int, ...], Field(min_length=1)]
TUNING_DOCUMENTS = 512
"""Documents held out from the end of a training stream unless the file says otherwise: 0.6 M tokens of FineWeb."""


def _known_sampler(name: str) -> str:
    if name not in SAMPLERS:
        raise PydanticCustomError("unknown_sampler", "no such sampler; {hint}", {"hint": suggest(name, SAMPLERS)})
    return name


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DataSection(_Section):
    """Which tokens; "demo" is the bundled corpus."""

    tokens: str
    tokenizer: str | None = None
    tuning_documents: Annotated[int, Field(ge=1)] = TUNING_DOCUMENTS


class SeedsSection(_Section):
    """Seeds to tune on, to confirm on, and to report on: no seed serves two purposes."""

    tune: tuple[int, ...] = ()
    confirm: Seeds
    report: tuple[int, ...] = ()


class BaselineSection(_Section):
    """What entries are compared with: another entry, or a published record's numbers in bits per byte."""

    row: str | None = None
    mean: FiniteFloat | None = None
    std: Annotated[FiniteFloat, Field(ge=0)] | None = None
    n: Annotated[int, Field(ge=1)] | None = None


class PromoteSection(_Section):
    """A second rung: the best trials on every tuning seed and on more documents, before any is confirmed."""

    top: Annotated[int, Field(ge=1)]
    documents: Annotated[int, Field(ge=1)]


class SearchSection(_Section):
    """What to search, and how."""

    trials: Annotated[int, Field(ge=1)]
    parallel: Annotated[int, Field(ge=1)] = 8
    sampler: Annotated[str, AfterValidator(_known_sampler)] = "tpe"
    seed: int = 0
    documents: Annotated[int, Field(ge=1)] = 64
    space: dict[str, Any]
    first: tuple[dict[str, Any], ...] = ()
    promote: PromoteSection | None = None


class ConfirmSection(_Section):
    """How many of the best trials run on fresh seeds and the whole validation set."""

    top: Annotated[int, Field(ge=0)] = 3
    train_only: Annotated[int, Field(ge=0, le=100)] = 0
    """Further seeds of every entry that are trained and not evaluated."""


class AuditSection(_Section):
    """How long the audit of a confirmed recipe may take; more seconds probe more positions."""

    seconds: Annotated[FiniteFloat, Field(gt=0, le=300)] = 12.0


class BudgetSection(_Section):
    """What a sweep may cost, and until when; prices are for one slot and hour."""

    gpu_hours: Annotated[FiniteFloat, Field(gt=0)] | None = None
    dollars: Annotated[FiniteFloat, Field(gt=0)] | None = None
    dollars_per_gpu_hour: Annotated[FiniteFloat, Field(ge=0)] | None = None
    deadline: AwareDatetime | None = None
    """A date and time with its offset, e.g. 2026-12-01T18:00:00Z."""

    def limits(self) -> Budget:
        """The limits that the store enforces at each attempt."""
        fields = self.model_dump(exclude={"deadline"})
        return Budget(**fields, deadline=None if self.deadline is None else self.deadline.timestamp())


class SweepFile(_Section):
    """The whole file; recipes, arms and the search space are checked elsewhere, against each other."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
    rules: Literal["accepted", "strict"] = "accepted"
    priority: int = 0
    data: DataSection
    recipe: dict[str, Any] = {}
    seeds: SeedsSection
    arm: tuple[dict[str, Any], ...] = ()
    baseline: BaselineSection | None = None
    search: SearchSection | None = None
    confirm: ConfirmSection = ConfirmSection()
    audit: AuditSection = AuditSection()
    budget: BudgetSection = BudgetSection()


def check_sections(content: str, where: str) -> SweepFile:
    """Check a sweep file, given as JSON, section by section.

    Raises:
        InputError: a problem for each key that is unknown or missing, and for each value of the wrong type or range.
    """
    try:
        return SweepFile.model_validate_json(content)
    except ValidationError as error:
        raise InputError(*(f"{where}: {problem}" for problem in _explain(error))) from None


def _explain(error: ValidationError) -> list[str]:
    """A line for each thing that is wrong; a key that is missing because it is misspelled is one thing."""
    details = error.errors()
    unknown_keys = [_explain_unknown(detail) for detail in details if detail["type"] == "extra_forbidden"]
    meant = {line.rpartition("did you mean ")[2].removesuffix("?") for line in unknown_keys}
    missing = [_name(detail) for detail in details if detail["type"] == "missing"]
    wrong = [detail for detail in details if detail["type"] not in ("extra_forbidden", "missing")]
    return [*unknown_keys, *(f"{name}: missing" for name in missing if name not in meant), *map(_explain_value, wrong)]


def _explain_unknown(detail: ErrorDetails) -> str:
    path = [str(part) for part in detail["loc"][:-1]]
    section: Any = SweepFile
    for part in path:
        section = _model_of(section.model_fields[part].annotation)
    return unknown(_name(detail), [".".join([*path, field]) for field in section.model_fields])


def _explain_value(detail: ErrorDetails) -> str:
    return f"{_name(detail)} = {detail['input']!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _name(detail: ErrorDetails) -> str:
    return ".".join(map(str, detail["loc"]))


def _model_of(annotation: Any) -> Any:
    """The section that a field holds, also where it may be absent."""
    if isinstance(annotation, type):
        return annotation
    return next(part for part in annotation.__args__ if isinstance(part, type) and issubclass(part, BaseModel))
