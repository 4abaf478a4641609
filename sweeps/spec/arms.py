"""Arms: recipes that a sweep file writes out, to compare trials with."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golf.errors import InputError
from sweeps.spec.checks.names import ascii_only, is_name, rule
from sweeps.spec.checks.problems import Problems
from sweeps.spec.kind import AnyRecipe, SweepKind
from sweeps.spec.sections import MOST_SEED, MOST_SEEDS, SweepFile
from sweeps.spec.settings import Settings, shown, unknown

_KEYS = ("name", "baseline", "seeds")


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """A recipe written out in the file."""

    name: str
    recipe: AnyRecipe
    seeds: tuple[int, ...]
    baseline: bool


def build_arms(file: SweepFile, kind: SweepKind, inherited: Sequence[str], where: str) -> tuple[Arm, ...]:
    """The arms of a file.

    Args:
        file: its sections.
        kind: what makes recipes of settings.
        inherited: problems of the recipe that arms start from, so that an arm does not repeat them.
        where: what each problem names first.

    Raises:
        InputError: everything that is wrong with any of them.
    """
    problems = Problems()
    arms = [problems.attempt(_build_arm, file, kind, index, inherited, where) for index in range(len(file.arm))]
    problems.check()
    return tuple(arm for arm in arms if arm is not None)


def arm_recipe(arm: Settings, index: int, kind: SweepKind, inherited: Sequence[str], where: str) -> AnyRecipe:
    """The recipe of an arm: the file's recipe with the arm's settings on top.

    Raises:
        InputError: what is wrong with the arm's own settings; no problem at all if everything wrong is inherited.
    """
    named = _locate(arm, index, where)
    try:
        return kind.build({key: arm[key] for key in kind.arm_keys if key in arm}, named)
    except InputError as error:
        known = {line.removeprefix(f"{where}: ") for line in inherited}
        raise InputError(*(line for line in error.problems if line.removeprefix(f"{named}: ") not in known)) from None


def _build_arm(file: SweepFile, kind: SweepKind, index: int, inherited: Sequence[str], where: str) -> Arm:
    arm, problems = file.arm[index], Problems()
    named = _locate(arm, index, where)
    checks = (_name_problems(file, index), _key_problems(arm, kind), _value_problems(arm, file))
    problems.add(f"{named}: {problem}" for check in checks for problem in check)
    recipe = problems.attempt(arm_recipe, arm, index, kind, inherited, where)
    problems.check()
    if recipe is None:  # everything that is wrong with it is inherited, and reported there
        raise InputError
    seeds = tuple(arm.get("seeds", file.seeds.confirm))
    return Arm(name=arm["name"], recipe=recipe, seeds=seeds, baseline=arm.get("baseline", False))


def _locate(arm: Settings, index: int, where: str) -> str:
    """Where an arm is, as a problem names it: by name where it has one."""
    name = arm.get("name")
    return f'{where}: arm "{name}"' if isinstance(name, str) and is_name(name) else f"{where}: arm {index + 1}"


def _name_problems(file: SweepFile, index: int) -> Iterator[str]:
    name = file.arm[index].get("name")
    if not isinstance(name, str) or not name.strip():
        yield "name: missing; give every arm a name, in quotes"
    elif not is_name(name):
        yield f"name = {ascii_only(name)}: not a name; {rule()}"
    elif re.fullmatch(r"trial \d+", name):
        yield 'name: "trial N" is reserved for search entries; choose another'
    elif name in [other.get("name") for other in file.arm[:index]]:
        yield "there are two arms of this name; rename one"


def _key_problems(arm: Settings, kind: SweepKind) -> Iterator[str]:
    known = (*kind.arm_keys, *_KEYS)
    return (unknown(key, known, inner=kind.inner_keys) for key in arm if key not in known)


def _value_problems(arm: Settings, file: SweepFile) -> Iterator[str]:
    if not isinstance(baseline := arm.get("baseline", False), bool):
        yield f"baseline = {shown(baseline)}; expected true or false"
    if "seeds" not in arm:
        return
    seeds = arm["seeds"]
    whole = isinstance(seeds, list | tuple) and all(isinstance(s, int) and not isinstance(s, bool) for s in seeds)
    if not whole or not seeds or len(set(seeds)) < len(seeds):
        yield f"seeds = {shown(seeds)}; expected a list of whole numbers, each once"
        return
    if len(seeds) > MOST_SEEDS:
        yield f"seeds: {len(seeds)} given; expected at most {MOST_SEEDS}"
    if outside := next((seed for seed in seeds if not 0 <= seed <= MOST_SEED), None):
        yield f"seeds = {shown(outside)}: expected 0 to {MOST_SEED}"
    for use, taken in (("tune", file.seeds.tune), ("report", file.seeds.report)):
        if common := sorted(set(seeds) & set(taken)):
            yield f"seeds: {common[0]} is in seeds.{use} too; confirm an arm on fresh seeds"


def raw_arms(source: Mapping[str, Any]) -> list[tuple[int, Settings]]:
    """Arms of a file whose sections are wrong: whatever looks like one, with its place in the list."""
    arms = source.get("arm", [])
    return [(index, arm) for index, arm in enumerate(arms if isinstance(arms, list) else []) if isinstance(arm, dict)]
