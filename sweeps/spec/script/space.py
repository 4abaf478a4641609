"""The search space of a script: variables of its environment, alone or in tables of those that go together."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution, FloatDistribution

from golf.errors import InputError, shown
from sweeps.spec.checks.corners import values_one_by_one
from sweeps.spec.checks.problems import Problems
from sweeps.spec.script.environment import (
    NAME,
    Layers,
    env_problems,
    environment_of,
    setting_stages,
    stages_from,
    text_of,
    texts_of,
)
from sweeps.spec.settings import Settings, flatten, suggest, unknown
from sweeps.spec.space import Parameter, is_inside, range_table, read_distribution

if TYPE_CHECKING:
    from sweeps.spec.script.kind import ScriptKind

_KEYS = ("low", "high", "log", "step", "choices")


def parse_space(space: Settings, kind: "ScriptKind", where: str) -> dict[str, Parameter]:
    """Parameters by name of a [search.space] table.

    Raises:
        InputError: a problem for each key that is no variable of the script, that reaches no stage, or that has no
            valid range or choices; for each variable that two keys decide.
    """
    if not space:
        raise InputError(f"{where}: search.space: empty; name at least one variable, such as script.env.MATRIX_LR")
    problems, parameters = Problems(), dict[str, Parameter]()
    for key, given in space.items():
        parameter = problems.attempt(_parameter, key, given, kind, f'{where}: search.space."{key}"')
        if parameter is not None:
            parameters[key] = parameter
    problems.add(f"{where}: {line}" for line in _shared_variables(parameters))
    problems.check()
    return parameters


def layers_of(space: Mapping[str, Parameter], parameters: Mapping[str, Any]) -> Layers:
    """A trial's parameters as environments."""
    layers: dict[str, dict[str, str]] = {}
    for key, value in parameters.items():
        encoded = isinstance(space[key].distribution, CategoricalDistribution)
        decoded = json.loads(value) if encoded else value
        stage, name = split_key(key)
        layers.setdefault(stage, {}).update(texts_of(decoded) if name is None else {name: text_of(decoded)})
    return layers


def resolve(space: Mapping[str, Parameter], given: Settings, kind: "ScriptKind", where: str) -> dict[str, Any]:
    """Parameters of a trial that the file writes out; what it leaves out has the file's own value, where it has one.

    Raises:
        InputError: a variable that does not vary, or a value outside its range.
    """
    whole = [key for key in space if split_key(key)[1] is None]
    flat = flatten(given, whole)
    for key in flat:
        if key not in space:
            raise InputError(f"{where}: {unknown(key, sorted(space))}")
    resolved: dict[str, Any] = {}
    for key, parameter in space.items():
        stage, name = split_key(key)
        own = environment_of(stage, kind.layers, kind.sources) if stage else kind.layers[""]
        value = flat.get(key, None if name is None else own.get(name))
        if value is None:
            continue
        stored = stored_value(value, parameter)
        if stored is None:
            raise InputError(f"{where}: {key} = {shown(value)}: outside its range in search.space; widen the range")
        resolved[key] = stored
    return resolved


def stored_value(value: Any, parameter: Parameter) -> Any:
    """A value as a trial keeps it; None if the parameter cannot have it. A text may stand for its number."""
    kind = parameter.distribution
    if isinstance(kind, CategoricalDistribution):
        return next((choice for choice in kind.choices if _same(json.loads(str(choice)), value)), None)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if isinstance(kind, FloatDistribution) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    return value if is_inside(value, kind) else None


def points(space: Mapping[str, Parameter]) -> Iterator[Mapping[str, Any]]:
    """Every value of each parameter, or its ends, the others at their first."""
    return values_one_by_one(space)


def split_key(key: str) -> tuple[str, str | None]:
    """The stage ("" for all) and the variable of a search key; None for a table of variables."""
    parts = key.split(".")
    if parts[1] == "env":
        return "", parts[2] if len(parts) == 3 else None
    return parts[1], parts[3] if len(parts) == 4 else None


def _parameter(key: str, given: Any, kind: "ScriptKind", full_key: str) -> Parameter:
    """The parameter of a key.

    Raises:
        InputError: it is no variable of a stage that exists, no stage would get it, or its values are wrong.
    """
    parts = key.split(".")
    stages = list(kind.sources)
    is_general = parts[:2] == ["script", "env"] and len(parts) in (2, 3)
    is_own = len(parts) in (3, 4) and parts[0] == "script" and parts[2] == "env"
    if not is_general and not is_own:
        raise InputError(f"{full_key}: unknown key; expected script.env.NAME or script.STAGE.env.NAME")
    if is_own and not is_general and parts[1] not in stages:
        raise InputError(f"{full_key}: no such stage; {suggest(parts[1], stages)}")
    stage, name = split_key(key)
    if name is not None and not NAME.fullmatch(name):
        raise InputError(f"{full_key}: not a name of an environment variable")
    table = range_table(given, _KEYS, full_key)
    if name is None:
        _check_tables(table, full_key)
    distribution = read_distribution(table, 0, full_key)
    if name is not None and "choices" in table:
        _check_texts(table["choices"], name, full_key)
    names = [name] if name is not None else list(table["choices"][0])
    reached = stages_from(stage, kind.sources) if stage else frozenset().union(
        *(setting_stages(variable, kind.layers, kind.sources) for variable in names)
    )  # fmt: skip
    for variable in names:
        if fixed := kind.fixed_in_trials(stage, variable):
            raise InputError(f"{full_key}: {fixed} sets {variable} for all trials; leave it out of one of them")
    if not reached:
        raise InputError(f"{full_key}: every stage sets it itself; name the stage, such as script.{stages[0]}.env")
    return Parameter(setting=key, layers=None, distribution=distribution, stages=reached)


def _check_tables(table: Mapping[str, Any], full_key: str) -> None:
    choices = table.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, Mapping) for choice in choices):
        raise InputError(f"{full_key}: expected a list of tables, one for each choice of variables that go together")
    problems = [line for choice in choices for line in env_problems(choice, full_key)]
    if any(set(choice) != set(choices[0]) for choice in choices):
        problems.append(f"{full_key}: its tables name different variables; name the same in each")
    if not choices[0]:
        problems.append(f"{full_key}: an empty table; name the variables")
    if problems:
        raise InputError(*problems)


def _check_texts(choices: Any, name: str, full_key: str) -> None:
    if problems := [f"{full_key}: {line}" for choice in choices for line in env_problems({name: choice}, "choices")]:
        raise InputError(*problems)
    texts = [text_of(choice) for choice in choices]
    if twice := next((text for text in texts if texts.count(text) > 1), None):
        raise InputError(f"{full_key}: {shown(twice)} is there twice; name each choice once")


def _shared_variables(space: Mapping[str, Parameter]) -> Iterator[str]:
    """A line for each variable of a stage that two keys decide."""
    owners: dict[tuple[str, str], str] = {}
    for key, parameter in space.items():
        stage, name = split_key(key)
        kind = parameter.distribution
        assert name is not None or isinstance(kind, CategoricalDistribution)
        names = [name] if name is not None else list(json.loads(str(kind.choices[0])))  # type: ignore[attr-defined]
        for variable in names:
            other = owners.setdefault((stage, variable), key)
            if other != key:
                yield f'search.space: "{other}" and "{key}" both decide {variable}; name it once'


def _same(choice: Any, value: Any) -> bool:
    if isinstance(choice, Mapping):
        return isinstance(value, Mapping) and texts_of(choice) == texts_of(value)
    return not isinstance(value, Mapping | list) and text_of(choice) == text_of(value)
