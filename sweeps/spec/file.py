"""The sweep file: TOML, checked as a whole before anything runs; everything that is wrong is reported at once.

`sections` checks each section by itself, `recipe` the settings of a recipe, `space` what a search varies; this
module checks them against each other.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from golf.errors import InputError, shown
from jobs.stages.pipeline import Pipeline
from jobs.stages.stage import Stage
from sweeps.contests.catalog import contest_named, default_contest
from sweeps.search.samplers import SAMPLERS
from sweeps.spec.arms import Arm, arm_recipe, build_arms, raw_arms
from sweeps.spec.checks.between_sections import section_conflicts, vocabulary_conflicts
from sweeps.spec.checks.hidden import find_all
from sweeps.spec.checks.problems import Problems
from sweeps.spec.checks.scripts import script_conflicts
from sweeps.spec.kind import AnyRecipe, SweepKind
from sweeps.spec.native import NativeKind
from sweeps.spec.reading import date_problems, parse_assignments, plain, read_toml
from sweeps.spec.recipe import SECTIONS, Recipe, override
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.sections import (
    BaselineSection,
    BudgetSection,
    ChallengeSection,
    DataSection,
    SearchSection,
    SeedsSection,
    SweepFile,
    check_sections,
)
from sweeps.spec.settings import merge
from sweeps.spec.space import Parameter


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchSpec:
    """The search of a sweep, its space and its first trials checked."""

    section: SearchSection
    space: Mapping[str, Parameter]
    first: tuple[Mapping[str, Any], ...]
    """Parameters of the trials that come first, complete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepSpec:
    """A whole sweep, checked."""

    name: str
    contest: str
    """The contest by whose rules its entries are judged."""
    rules: Literal["accepted", "strict"]
    priority: int
    data: DataSection
    kind: SweepKind
    """Makes its recipes and stages of the file's settings."""
    recipe: AnyRecipe
    """What arms and trials start from."""
    seeds: SeedsSection
    arms: tuple[Arm, ...]
    baseline: str | BaselineSection | None
    """The name of the baseline's entry, or published numbers."""
    search: SearchSpec | None
    confirm_top: int
    confirm_train_only: int
    """Further seeds of every entry that are trained and not evaluated."""
    challenge: ChallengeSection | None
    """The claim that the sweep replicates: of its one arm beside the baseline."""
    options: Mapping[str, Mapping[str, Any]]
    """Sections of the file beside its recipe that stages read, by name."""
    budget: BudgetSection
    source: Mapping[str, Any]
    """The file as plain data, from which it can be parsed anew."""
    own_stages: tuple[Stage, ...] = ()
    """Stages that this sweep has beside those of its kind; no sweep file can name any."""

    def pipeline(self) -> Pipeline:
        """Its stages, each after those that it reads from."""
        return self.kind.pipeline(self.own_stages)

    def trial_recipe(self, parameters: Mapping[str, Any]) -> AnyRecipe:
        """The recipe of a trial.

        Raises:
            InputError: its settings are good one by one, but not together.
        """
        assert self.search is not None
        return self.kind.trial(self.search.space, parameters, self.name)

    def widest(self) -> int:
        """Slots of its widest job, of any trial, too."""
        searched = 0 if self.search is None else self.kind.widest(self.search.space)
        return max(searched, self.recipe.widest, *(arm.recipe.widest for arm in self.arms))

    def native_recipes(self) -> dict[str, Recipe]:
        """Recipes that train our own model, by what a person calls them; none of a script."""
        recipes = {"recipe": self.recipe, **{f'arm "{arm.name}"': arm.recipe for arm in self.arms}}
        return {name: recipe for name, recipe in recipes.items() if isinstance(recipe, Recipe)}


def load_sweep(path: Path, assignments: Iterable[str] = ()) -> SweepSpec:
    """Read and check a sweep file; `assignments` are `--set` values on top of it.

    Raises:
        InputError: a line for each problem, which names the file, the key or value, and what would be right.
    """
    return parse_with(read_toml(path), assignments, str(path))


def parse_with(source: Mapping[str, Any], assignments: Iterable[str], where: str) -> SweepSpec:
    """Check a sweep given as plain data, with `--set` values on top of it; raises what `load_sweep` does."""
    return parse_sweep(assign(source, assignments), where)


def assign(source: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """A file's tables with `--set` values on top of them; nothing else is checked."""
    changes = parse_assignments(assignments)
    sections = {name: value for name, value in changes.items() if name in SECTIONS}
    rest = {name: value for name, value in changes.items() if name not in SECTIONS}
    if sections and isinstance(source.get("recipe", {}), Mapping):
        source = {**source, "recipe": override(source.get("recipe", {}), sections)}
    return merge(source, rest)


def parse_sweep(source: Mapping[str, Any], where: str) -> SweepSpec:
    """Check a sweep given as plain data.

    Args:
        source: the file's tables.
        where: what each problem names first.

    Raises:
        InputError: everything that is wrong.
    """
    plain_source = plain(source, where)
    dates = [f"{where}: {problem}" for problem in date_problems(source)]
    try:
        spec = _parse(plain_source, where)
    except InputError as error:
        raise InputError(*dates, *find_all(plain_source, error.problems, where, _parse)) from None
    if dates:
        raise InputError(*dates)
    return spec


def _parse(source: Mapping[str, Any], where: str) -> SweepSpec:
    """Check a file's tables; what wrong values hide does not come up."""
    problems = Problems()
    file = problems.attempt(check_sections, json.dumps(source), where)
    if file is None:
        _check_recipes(source, problems, where)
        raise InputError(*problems.lines)
    kind, inherited = problems.attempt(_kind, file, where), Problems()
    recipe = None if kind is None else inherited.attempt(kind.build, {}, where)
    problems.add(inherited.lines)
    problems.add(f"{where}: {problem}" for check in (section_conflicts, script_conflicts) for problem in check(file))
    arms = None if kind is None else problems.attempt(build_arms, file, kind, inherited.lines, where)
    baseline = problems.attempt(_baseline, file, where)
    search = None if kind is None or recipe is None else problems.attempt(_search, file, kind, where)
    if recipe is not None and arms is not None:
        recipes = {"": recipe, **{f'arm "{arm.name}": ': arm.recipe for arm in arms}}
        own = {name: recipe for name, recipe in recipes.items() if isinstance(recipe, Recipe)}
        problems.add(f"{where}: {problem}" for problem in vocabulary_conflicts(file, own))
    problems.check()
    assert kind is not None and recipe is not None and arms is not None
    return SweepSpec(
        name=file.name,
        contest=file.contest,
        rules=file.rules,
        priority=file.priority,
        data=file.data,
        kind=kind,
        recipe=recipe,
        seeds=file.seeds,
        arms=arms,
        baseline=baseline,
        search=search,
        confirm_top=file.confirm.top,
        confirm_train_only=file.confirm.train_only,
        challenge=file.challenge,
        options={"audit": file.audit.model_dump()},
        budget=file.budget,
        source=source,
    )


def _check_recipes(source: Mapping[str, Any], problems: Problems, where: str) -> None:
    """Collect what is wrong with the recipe and with the arms' settings in a file whose sections are wrong."""
    base, script = source.get("recipe", {}), source.get("script")
    kind: SweepKind | None = NativeKind(base if isinstance(base, Mapping) else {})
    if isinstance(script, Mapping):
        kind = problems.attempt(ScriptKind.read, script, None, where, default_contest())
    if kind is None:
        return
    inherited = Problems()
    inherited.attempt(kind.build, {}, where)
    problems.add(inherited.lines)
    for index, arm in raw_arms(source):
        problems.attempt(arm_recipe, arm, index, kind, inherited.lines, where)


def _kind(file: SweepFile, where: str) -> SweepKind:
    """What makes recipes of the file's settings."""
    if file.script is None:
        return NativeKind(file.recipe)
    proxy = None if file.search is None else file.search.proxy
    return ScriptKind.read(file.script, proxy, where, contest_named(file.contest))


def _baseline(file: SweepFile, where: str) -> str | BaselineSection | None:
    names = [str(arm.get("name")) for arm in file.arm]
    marked = [name for name, arm in zip(names, file.arm, strict=True) if arm.get("baseline") is True]
    if len(marked) + (file.baseline is not None) > 1:
        raise InputError(f"{where}: baseline: more than one is named; mark one arm, or write one [baseline]")
    if file.baseline is None:
        return marked[0] if marked else None
    given = file.baseline
    if given.row is not None:
        if given.row not in names:
            known = ", ".join(names) or "none"
            raise InputError(f"{where}: baseline.row = {shown(given.row)}: no such arm; known are {known}")
        if (given.mean, given.std, given.n) != (None, None, None):
            raise InputError(f"{where}: baseline: names two; give either row, or a published record's mean, std and n")
        return given.row
    if given.mean is None:
        raise InputError(f"{where}: baseline: empty; give row, or mean (with std and n where they are published)")
    return given


def _search(file: SweepFile, kind: SweepKind, where: str) -> SearchSpec | None:
    section, problems = file.search, Problems()
    if section is None:
        return None
    space = problems.attempt(kind.parse_space, section.space, where)
    if space is None:
        raise InputError(*problems.lines)
    first = [
        problems.attempt(kind.resolve, space, given, f"{where}: search.first {number}")
        for number, given in enumerate(section.first, 1)
    ]
    distributions = {name: parameter.distribution for name, parameter in space.items()}
    drawn, most = section.trials - len(first), SAMPLERS[section.sampler].most_trials(distributions)
    if most is not None and drawn > most:
        limit = f"the {section.sampler} has {most + len(first)} points"
        problems.add([f"{where}: search.trials = {section.trials}: {limit}"])
    problems.check()
    return SearchSpec(section=section, space=space, first=tuple(given for given in first if given is not None))
