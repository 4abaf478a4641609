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
    """Folder with `fineweb_train_*.bin` and `fineweb_val_*.bin`, or `"demo"` for the bundled corpus. Every node must be
    able to read the path. A set under these names with 5,000 documents or more must be the challenge's: 50,000
    documents, 62,021,846 tokens with the tokenizer of 1,024 pieces, 151,080,891 bytes of text with any. No digest of
    it is published, so the same documents in another order are not noticed. Training shards must not hold a tenth of
    the validation documents. Of a script both are checked where its shards have the challenge's form.
    """
    tokenizer: FilePath | None = None
    """The SentencePiece model that made the tokens. Required unless `data.tokens = "demo"`, or for a script that needs
    none.
    """
    tuning_documents: Documents = TUNING_DOCUMENTS
    """Documents held out from the end of the training stream for the search; for a script only with `data.validation =
    "holdout"`.
    """
    validation: Literal["given", "holdout"] = "given"
    """Of a script: `"given"`: trials are scored on the data as they are. `"holdout"`: trials get a folder whose
    validation set is cut from the training shards, so that only entries touch the given one.
    """


class SeedsSection(Section):
    """Seeds to tune on, to confirm on, and to report on: no seed serves two purposes."""

    tune: Seeds = ()
    """Seeds that the search trains and tunes on. Required with a search."""
    confirm: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MOST_SEEDS)]
    """Seeds that arms and the best trials are confirmed on."""
    report: Seeds = ()
    """Seeds on which the best confirmed trial is measured once more, free of selection bias."""


class BaselineSection(Section):
    """What entries are compared with: another entry, or a published record's numbers in bits per byte."""

    row: str | None = None
    """Name of the arm that entries are compared with. Same as `baseline = true` in that arm."""
    mean: Annotated[FiniteFloat, Field(gt=0, le=1000)] | None = None
    """Instead of an arm: the mean of a published record, in bits per byte."""
    std: Annotated[FiniteFloat, Field(ge=0, le=1000)] | None = None
    """Standard deviation of that record over its seeds."""
    n: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Number of its seeds."""


class PromoteSection(Section):
    """A second rung: the best trials on every tuning seed and on more documents, before any is confirmed."""

    top: Trials
    """Trials that are scored again, on every tuning seed and more documents."""
    documents: Documents
    """Tuning documents for that second score."""


class SearchSection(Section):
    """What to search, and how."""

    trials: Trials
    """Number of trials."""
    parallel: Trials = 8
    """Trials in flight at once. Trial n depends on the results up to n − parallel and on nothing else, so the search is
    the same on any cluster.
    """
    sampler: Annotated[str, AfterValidator(_known_sampler)] = "tpe"
    """`"tpe"`, `"gp"`, `"random"` or `"grid"`."""
    seed: Seed = 0
    """Seed of the sampler."""
    documents: Documents = 64
    """Tuning documents for a trial's first score."""
    space: dict[str, Any]
    """What varies: setting → range or choices; see below."""
    first: tuple[dict[str, Any], ...] = ()
    """`[[search.first]]` tables: trials that are run before the sampler proposes any. What one leaves out takes the
    recipe's value.
    """
    promote: PromoteSection | None = None
    proxy: dict[str, Any] | None = None
    """What makes trials of a script cheaper: `gpus` and `env` for all stages, or in `[search.proxy.STAGE]` for one.
    Entries run without it.
    """


class ConfirmSection(Section):
    """How many of the best trials run on fresh seeds and the whole validation set."""

    top: Annotated[int, Field(ge=0, le=MOST_TRIALS)] = 3
    """Trials that are confirmed on fresh seeds and the whole validation set."""
    train_only: Annotated[int, Field(ge=0, le=100)] = 0
    """Further seeds of every entry that are trained and quantized, not evaluated: their scores before quantization
    narrow the interval of the mean. Their numbers follow the largest seed of the file.
    """


class ChallengeSection(Section):
    """A claim that is replicated on fresh seeds until it stands or falls; `golfsweep challenge` writes it."""

    entry: str
    """Whose claim a challenge tests, as `SWEEP/ENTRY`; for display. `golfsweep challenge` writes the whole section."""
    against: str
    """What the entry claims to be better than; for display."""
    gain: Annotated[FiniteFloat, Field(gt=0, le=1000)]
    """The claimed gain in bits per byte, of the one arm over the baseline."""
    margin: Annotated[FiniteFloat, Field(ge=0, le=1000)]
    """Up to which a gain counts as none, in bits per byte."""
    analyses: Annotated[tuple[Annotated[int, Field(ge=2, le=MOST_SEEDS)], ...], Field(min_length=1)]
    """Seeds at each analysis, rising; the last is the number of `seeds.confirm`."""


class AuditSection(Section):
    """How long the audit of a confirmed recipe may take; more seconds probe more positions."""

    seconds: Annotated[FiniteFloat, Field(gt=0, le=300)] = 12.0
    """Budget of the audit of each confirmed recipe on the artifact of its first seed, in seconds: counted work,
    converted at a fixed rate; at most 300. Each further seed's artifact has a quarter of it. For a script they are
    seconds of its own clock, and validation documents are scored for as long again.
    """


class BudgetSection(Section):
    """What a sweep may cost, and until when; prices are for one slot and hour."""

    gpu_hours: Annotated[FiniteFloat, Field(gt=0, le=1e9)] | None = None
    """Nothing starts that is not expected to fit. Without GPUs, a slot is a share of the CPU cores."""
    dollars: Annotated[FiniteFloat, Field(gt=0, le=1e12)] | None = None
    """The same in dollars; needs `budget.dollars_per_gpu_hour`."""
    dollars_per_gpu_hour: Annotated[FiniteFloat, Field(ge=0, le=1e6)] | None = None
    """Price of one slot for one hour."""
    deadline: Annotated[AwareDatetime, AfterValidator(_deadline)] | None = None
    """Date and time with its offset, e.g. `2026-12-01T18:00:00Z`."""

    def limits(self) -> Budget:
        """The limits that the store enforces at each attempt."""
        fields = self.model_dump(exclude={"deadline"})
        return Budget(**fields, deadline=None if self.deadline is None else self.deadline.timestamp())


class SweepFile(Section):
    """The whole file; recipes, arms and the search space are checked elsewhere, against each other."""

    name: Annotated[str, AfterValidator(_sweep_name)]
    """Name of the sweep: letters, digits, `.`, `_` and `-`, at most 64 characters. The same name resumes the same
    sweep.
    """
    contest: Annotated[str, AfterValidator(_known_contest)] = DEFAULT
    """The contest by whose rules entries are judged; [contests.md](contests.md) lists them. Others than the default
    need a `[script]`.
    """
    rules: Literal["accepted", "strict"] = "accepted"
    """Rules profile that decides an entry's track. `"accepted"`: what the organizers let pass. `"strict"`: the written
    rule.
    """
    priority: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] = 0  # the database keeps 32 bits
    """Sweeps with a higher number get free slots first."""
    data: DataSection
    recipe: dict[str, Any] = {}
    """Settings that every arm and trial starts from; see below."""
    script: dict[str, Any] | None = None
    """A script of yours in place of `[recipe]`; see [A script](#a-script)."""
    seeds: SeedsSection
    arm: Annotated[tuple[dict[str, Any], ...], Field(max_length=MOST_ARMS)] = ()
    """`[[arm]]` tables: `name`, `baseline` (true for at most one), `seeds` (instead of `seeds.confirm`) and recipe
    settings.
    """
    baseline: BaselineSection | None = None
    search: SearchSection | None = None
    """Leave it out to run the arms alone."""
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
