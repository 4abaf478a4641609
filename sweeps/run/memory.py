"""Whether a sweep's jobs fit the memory of the machine that is to run them."""

from collections.abc import Iterator

from golf.errors import InputError
from jobs.stages.work.memory import recipe_problems
from sweeps.spec.checks.corners import corner_recipes
from sweeps.spec.file import SweepSpec
from sweeps.spec.native import NativeKind
from sweeps.spec.recipe import Recipe


def check_memory(spec: SweepSpec) -> None:
    """Check the recipe, the arms and the ends of the search against this machine's memory, before anything runs.

    Raises:
        InputError: a line for each recipe that needs more than there is, with both figures.
    """
    problems: dict[str, str] = {}
    for name, recipe in _recipes(spec):
        for problem in recipe_problems(recipe.train, recipe.eval):
            problems.setdefault(problem, f"{name}: {problem}")
    if problems:
        raise InputError(*problems.values())


def _recipes(spec: SweepSpec) -> Iterator[tuple[str, Recipe]]:
    yield from spec.native_recipes().items()
    if spec.search is not None and isinstance(spec.kind, NativeKind):
        for name, recipe in corner_recipes(spec.search.space, spec.kind.base, spec.kind.recipe):
            yield f"search.space{name}", recipe
