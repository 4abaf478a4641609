"""The sweep file: TOML, checked as a whole before anything runs.

What a recipe's settings mean is golf's business (sweeps.spec.recipe); this module knows the sections around them.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from golf.errors import InputError
from jobs.budget import Budget
from sweeps.search.search import grid
from sweeps.spec.recipe import STAGES, Recipe, build_recipe, merge, override, parse_assignments, unknown
from sweeps.spec.space import Parameter, parse_space, probe, resolve

Seeds = Annotated[tuple[int, ...], Field(min_length=1)]
TUNING_DOCUMENTS = 512
"""Documents held out from the end of a training stream unless the file says otherwise: 0.6 M tokens of FineWeb."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DataSection(_Section):
    """Which tokens; "demo" is the bundled corpus."""

    tokens: str
    tokenizer: str | None = None
    tuning_documents: Annotated[int, Field(ge=1)] = TUNING_DOCUMENTS


class SeedsSection(_Section):
    """Seeds to tune on, to confirm on, and to report on: no seed serves two."""

    tune: tuple[int, ...] = ()
    confirm: Seeds
    report: tuple[int, ...] = ()


class BaselineSection(_Section):
    """What rows are compared with: another row, or a published record's numbers in bits per byte."""

    row: str | None = None
    mean: FiniteFloat | None = None
    std: Annotated[FiniteFloat, Field(ge=0)] | None = None
    n: Annotated[int, Field(ge=1)] | None = None


class PromoteSection(_Section):
    """The best trials once more, on every tuning seed and on more documents, before any is confirmed."""

    top: Annotated[int, Field(ge=1)]
    documents: Annotated[int, Field(ge=1)]


class SearchSection(_Section):
    """What to search, and how."""

    trials: Annotated[int, Field(ge=1)]
    parallel: Annotated[int, Field(ge=1)] = 8
    sampler: Literal["tpe", "gp", "random", "grid"] = "tpe"
    seed: int = 0
    documents: Annotated[int, Field(ge=1)] = 64
    space: dict[str, Any]
    first: tuple[dict[str, Any], ...] = ()
    promote: PromoteSection | None = None


class ConfirmSection(_Section):
    """How many of the best trials are run on fresh seeds and the whole validation set."""

    top: Annotated[int, Field(ge=0)] = 3


class AuditSection(_Section):
    """How long the audit of a confirmed recipe may take: more seconds, more places that are looked at."""

    seconds: Annotated[FiniteFloat, Field(gt=0, le=300)] = 12.0


class BudgetSection(_Section):
    """What a sweep may cost, and until when; prices are for one slot and hour."""

    gpu_hours: Annotated[FiniteFloat, Field(gt=0)] | None = None
    dollars: Annotated[FiniteFloat, Field(gt=0)] | None = None
    dollars_per_gpu_hour: Annotated[FiniteFloat, Field(ge=0)] | None = None
    deadline: AwareDatetime | None = None
    """A date and time with its offset, e.g. 2026-12-01T18:00:00Z."""

    def limits(self) -> Budget:
        """As the store holds every attempt to it."""
        fields = self.model_dump(exclude={"deadline"})
        return Budget(**fields, deadline=None if self.deadline is None else self.deadline.timestamp())


class _File(_Section):
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """A recipe written out in the file."""

    name: str
    recipe: Recipe
    seeds: tuple[int, ...]
    baseline: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """The search of a sweep, its space and its first trials checked."""

    section: SearchSection
    space: Mapping[str, Parameter]
    first: tuple[Mapping[str, Any], ...]
    """Parameters of the trials that come first, complete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepSpec:
    """A whole sweep, checked."""

    name: str
    rules: Literal["accepted", "strict"]
    priority: int
    data: DataSection
    settings: Mapping[str, Any]
    """The recipe's settings, from which trials start."""
    recipe: Recipe
    seeds: SeedsSection
    arms: tuple[Arm, ...]
    baseline: str | BaselineSection | None
    """The name of the baseline's row, or published numbers."""
    search: Search | None
    confirm_top: int
    audit: AuditSection
    budget: BudgetSection
    source: Mapping[str, Any]
    """The file as plain data, from which this can be parsed again."""


def load_sweep(path: Path, assignments: Iterable[str] = ()) -> SweepSpec:
    """Read and check a sweep file; `assignments` are `--set` values on top of its recipe.

    Raises:
        InputError: one line that names the file, the key or value, and what would be right.
    """
    try:
        source = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a sweep file in TOML") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text; expected a sweep file in TOML") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from None
    changes = parse_assignments(assignments)
    stages = {name: value for name, value in changes.items() if name in STAGES}
    rest = {name: value for name, value in changes.items() if name not in STAGES}
    if stages and isinstance(source.get("recipe", {}), Mapping):
        source["recipe"] = override(source.get("recipe", {}), stages)
    return parse_sweep(merge(source, rest), str(path))


def parse_sweep(source: Mapping[str, Any], where: str) -> SweepSpec:
    """Check a sweep given as plain data; `where` is what an error names first."""
    source = json.loads(json.dumps(source, default=str))  # dates become text, as the store keeps them
    try:
        file = _File.model_validate_json(json.dumps(source))
    except ValidationError as error:
        raise InputError(f"{where}: {_explain(error)}") from None
    recipe = build_recipe(file.recipe, where)
    _check_seeds(file, where)
    _check_data(file.data, where)
    if file.budget.dollars is not None and not file.budget.dollars_per_gpu_hour:
        raise InputError(f"{where}: budget.dollars: needs budget.dollars_per_gpu_hour, the price of one slot and hour")
    arms = tuple(_arm(arm, index, file, where) for index, arm in enumerate(file.arm))
    return SweepSpec(
        name=file.name,
        rules=file.rules,
        priority=file.priority,
        data=file.data,
        settings=file.recipe,
        recipe=recipe,
        seeds=file.seeds,
        arms=arms,
        baseline=_baseline(file, arms, where),
        search=_search(file, recipe, where),
        confirm_top=file.confirm.top,
        audit=file.audit,
        budget=file.budget,
        source=source,
    )


def _arm(arm: Mapping[str, Any], index: int, file: _File, where: str) -> Arm:
    here = f"{where}: arm {index + 1}"
    name = arm.get("name")
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"{here}: name: every arm needs one, in quotes")
    here = f'{where}: arm "{name}"'
    if re.fullmatch(r"trial \d+", name):
        raise InputError(f"{here}: name: that is what the search's rows are called; choose another")
    if name in [other.get("name") for other in file.arm[:index]]:
        raise InputError(f"{here}: there are two arms of this name")
    for key in arm:
        if key not in (*STAGES, "name", "baseline", "seeds"):
            raise InputError(f"{here}: {unknown(key, [*STAGES, 'name', 'baseline', 'seeds'])}")
    baseline, seeds = arm.get("baseline", False), arm.get("seeds", file.seeds.confirm)
    if not isinstance(baseline, bool):
        raise InputError(f"{here}: baseline = {baseline!r}: expected true or false")
    whole = isinstance(seeds, list | tuple) and all(isinstance(s, int) and not isinstance(s, bool) for s in seeds)
    if not whole or not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"{here}: seeds = {seeds!r}: expected a list of whole numbers, each once")
    for use, taken in (("tune", file.seeds.tune), ("report", file.seeds.report)):
        if common := sorted(set(seeds) & set(taken)):
            raise InputError(f"{here}: seeds: {common[0]} stands in seeds.{use}; an arm is confirmed on fresh seeds")
    changes = {stage: arm[stage] for stage in STAGES if stage in arm}
    recipe = build_recipe(override(file.recipe, changes), here)
    return Arm(name=name, recipe=recipe, seeds=tuple(seeds), baseline=baseline)


def _check_data(data: DataSection, where: str) -> None:
    """The bundled corpus brings its own tokenizer and tuning documents."""
    if data.tokens == "demo" and (given := data.model_fields_set - {"tokens"}):
        raise InputError(f'{where}: data.{min(given)}: data.tokens = "demo" brings its own; leave it out')


def _check_seeds(file: _File, where: str) -> None:
    uses = {"tune": file.seeds.tune, "confirm": file.seeds.confirm, "report": file.seeds.report}
    seen: dict[int, str] = {}
    for use, seeds in uses.items():
        for seed in seeds:
            if seed in seen:
                raise InputError(
                    f"{where}: seeds.{use}: {seed} stands in seeds.{seen[seed]} already; use each seed once"
                )
            seen[seed] = use
    if file.search is not None and not file.seeds.tune:
        raise InputError(f"{where}: seeds.tune: a search needs at least one seed to tune on")
    if file.seeds.report and (file.search is None or not file.confirm.top):
        raise InputError(f"{where}: seeds.report: measures the best confirmed trial once more, and there is none")


def _baseline(file: _File, arms: tuple[Arm, ...], where: str) -> str | BaselineSection | None:
    named = [arm.name for arm in arms if arm.baseline]
    if len(named) + (file.baseline is not None) > 1:
        raise InputError(f"{where}: baseline: more than one is named; one arm, or one [baseline], can be it")
    if file.baseline is None:
        return named[0] if named else None
    given = file.baseline
    if given.row is not None:
        names = [arm.name for arm in arms]
        if given.row not in names:
            raise InputError(
                f"{where}: baseline.row = {given.row!r}: no such arm; known are {', '.join(names) or 'none'}"
            )
        if (given.mean, given.std, given.n) != (None, None, None):
            raise InputError(f"{where}: baseline: either row, or a published record's mean, std and n")
        return given.row
    if given.mean is None:
        raise InputError(f"{where}: baseline: needs row, or mean (with std and n where they are published)")
    return given


def _search(file: _File, recipe: Recipe, where: str) -> Search | None:
    section = file.search
    if section is None:
        return None
    if file.data.tokens != "demo":
        check_documents(section, file.data.tuning_documents, f"{where}: ")
    space = parse_space(section.space, recipe, where)
    probe(space, file.recipe, where)
    first = tuple(
        resolve(space, given, recipe, f"{where}: search.first {n + 1}") for n, given in enumerate(section.first)
    )
    if section.sampler == "grid":
        points = len(grid({name: parameter.distribution for name, parameter in space.items()})) + len(first)
        if section.trials > points:
            raise InputError(f"{where}: search.trials = {section.trials}: the grid has {points} points")
    if file.confirm.top > section.trials:
        raise InputError(f"{where}: confirm.top = {file.confirm.top}: there are only {section.trials} trials")
    return Search(section=section, space=space, first=first)


def check_documents(section: SearchSection, held_out: int, where: str = "") -> None:
    """Refuse a search that scores more tuning documents than there are."""
    wanted = {"search.documents": section.documents}
    if section.promote is not None:
        wanted["search.promote.documents"] = section.promote.documents
    for name, count in wanted.items():
        if count > held_out:
            raise InputError(f"{where}{name} = {count}: only data.tuning_documents = {held_out} are held out")


def _explain(error: ValidationError) -> str:
    """The first thing that is wrong, in one line; a misspelt key before what is missing for it."""
    first = min(error.errors(), key=lambda one: one["type"] == "missing")
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        path = [str(part) for part in first["loc"][:-1]]
        section: Any = _File
        for part in path:
            section = _model_of(section.model_fields[part].annotation)
        return unknown(name, [".".join([*path, field]) for field in section.model_fields])
    if first["type"] == "missing":
        return f"{name}: missing"
    return f"{name} = {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"


def _model_of(annotation: Any) -> Any:
    """The section that a field holds, also where it may be absent."""
    if isinstance(annotation, type):
        return annotation
    return next(part for part in annotation.__args__ if isinstance(part, type) and issubclass(part, BaseModel))
