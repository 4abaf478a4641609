"""The search space: what may vary, as Optuna distributions, and parameters back to settings.

A parameter is named like the setting that it stands for. A multiplier may vary by part of the depth: `per = "layer"`
gives one parameter a layer ("eval.multipliers.q.0", …), `per = "third"` one for each third of the layers
("eval.multipliers.q.first", ".middle", ".last"; layer l of L is in third ⌊3·l/L⌋), `per = "all"` one for all.
"""

import json
import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, fields
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from golf.errors import InputError
from golf.ttt.adapters import Multipliers
from sweeps.spec.recipe import STAGES, Recipe, build_recipe, merge, names, nest, unknown

THIRDS = ("first", "middle", "last")
PREFIX = "eval.multipliers."
_KEYS = ("low", "high", "log", "step", "per", "choices")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One number or choice that a trial draws."""

    setting: str
    """The setting that it is, or is a part of."""
    layers: tuple[int, ...] | None
    """Layers that it stands for; None where the setting is one value."""
    distribution: BaseDistribution


def parse_space(space: Mapping[str, Any], recipe: Recipe, where: str) -> dict[str, Parameter]:
    """Parameters by name of a [search.space] table.

    Raises:
        InputError: a setting that does not exist, or a range or choice that is none.
    """
    parameters: dict[str, Parameter] = {}
    known = [name for stage, kind in STAGES.items() for name in names(kind, stage)]
    if not space:
        raise InputError(f"{where}: search.space: empty; name at least one setting to vary")
    for setting, given in space.items():
        here = f'{where}: search.space."{setting}"'
        if setting not in known:
            raise InputError(f"{where}: search.space.{unknown(setting, known)}")
        table = {"choices": given} if isinstance(given, list) else given
        if not isinstance(table, Mapping):
            raise InputError(f"{here} = {given!r}: expected low and high, choices, or a list of choices")
        for key in table:
            if key not in _KEYS:
                raise InputError(f"{here}.{unknown(key, _KEYS)}")
        distribution = _distribution(table, _own(recipe, setting), here)
        for name, layers in _parts(setting, table.get("per"), recipe.train.model.num_layers, here).items():
            parameters[name] = Parameter(setting=setting, layers=layers, distribution=distribution)
    return parameters


def settings_of(space: Mapping[str, Parameter], parameters: Mapping[str, Any], num_layers: int) -> dict[str, Any]:
    """The settings, as nested tables, that a trial's parameters stand for."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        parameter = space[name]
        decoded = json.loads(value) if _is_encoded(parameter) else value
        if parameter.layers is None:
            found[parameter.setting] = decoded
        else:
            values = found.setdefault(parameter.setting, [math.nan] * num_layers)
            for layer in parameter.layers:
                values[layer] = decoded
    return nest(found)


def apply(space: Mapping[str, Parameter], parameters: Mapping[str, Any], base: Mapping[str, Any], where: str) -> Recipe:
    """The recipe of a trial: the base settings with its parameters on top.

    Raises:
        InputError: the settings do not make a recipe.
    """
    layers = build_recipe(base, where).train.model.num_layers
    return build_recipe(merge(base, settings_of(space, parameters, layers)), where)


def probe(space: Mapping[str, Parameter], base: Mapping[str, Any], where: str) -> None:
    """Build recipes at both ends of every range and at every choice, so that no trial can fail for its settings."""
    start = {name: _values(parameter.distribution)[0] for name, parameter in space.items()}
    for name, parameter in space.items():
        for value in _values(parameter.distribution):
            apply(space, {**start, name: value}, base, f"{where}: search.space, {name} = {value!r}")


def resolve(space: Mapping[str, Parameter], given: Mapping[str, Any], recipe: Recipe, where: str) -> dict[str, Any]:
    """A trial that the file writes out, completed: what it leaves out takes the recipe's own value.

    A multiplier that varies by layer or third may be given as one value for all.

    Raises:
        InputError: a parameter that does not vary, or a value outside its range.
    """
    accepted = {*space, *(parameter.setting for parameter in space.values())}
    flat = _flatten(given, accepted)
    for name in flat:
        if name not in accepted:
            raise InputError(f"{where}: {unknown(name, sorted(accepted))}")
    complete: dict[str, Any] = {}
    for name, parameter in space.items():
        own = _own(recipe, parameter.setting)
        if parameter.layers is not None and isinstance(own, tuple):
            own = own[parameter.layers[0]]
        value = flat.get(name, flat.get(parameter.setting, own))
        if _is_encoded(parameter):
            value = json.dumps(value)
        elif isinstance(parameter.distribution, FloatDistribution) and isinstance(value, int):
            value = float(value)
        if not _is_inside(value, parameter.distribution):
            raise InputError(f"{where}: {name} = {value!r}: outside its range in search.space")
        complete[name] = value
    return complete


def _is_inside(value: Any, distribution: BaseDistribution) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    return _is_number(value) and distribution._contains(distribution.to_internal_repr(value))


def _distribution(table: Mapping[str, Any], own: Any, here: str) -> BaseDistribution:
    """Whole numbers are drawn where the setting's own value is one."""
    if "choices" in table:
        if not isinstance(table["choices"], list) or not table["choices"] or len(table) > 1:
            raise InputError(f"{here}: choices: expected a list of values, and no other key")
        # Lists and tables are no values to Optuna: they go through it as JSON.
        return CategoricalDistribution([json.dumps(choice) for choice in table["choices"]])
    low, high, log, step = (table.get(key) for key in ("low", "high", "log", "step"))
    if not _is_number(low) or not _is_number(high):
        raise InputError(f"{here}: expected numbers low and high, or choices")
    assert isinstance(low, int | float) and isinstance(high, int | float)
    if not low < high or not isinstance(log, bool | None) or (log and low <= 0):
        raise InputError(f"{here}: low = {low}, high = {high}: expected low < high, and low > 0 with log = true")
    if step is not None and (not _is_number(step) or step <= 0 or log):
        raise InputError(f"{here}: step = {step!r}: expected a number above 0, and no log")
    if step is not None and abs((high - low) / step - round((high - low) / step)) > 1e-9:
        raise InputError(f"{here}: step = {step!r}: does not reach high = {high} from low = {low}")
    if isinstance(own, int) and isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None):
        return IntDistribution(low, high, log=bool(log), step=step or 1)
    return FloatDistribution(float(low), float(high), log=bool(log), step=step)


def _parts(setting: str, per: Any, num_layers: int, here: str) -> dict[str, tuple[int, ...] | None]:
    """Names of a setting's parameters and the layers that each stands for."""
    if per is None or per == "all":
        return {setting: None}
    by_layer = [f"{PREFIX}{field.name}" for field in fields(Multipliers) if field.name != "head"]
    if setting not in by_layer:
        raise InputError(f"{here}: per = {per!r}: only {', '.join(by_layer)} differ by layer")
    if per == "layer":
        return {f"{setting}.{layer}": (layer,) for layer in range(num_layers)}
    if per == "third":
        thirds = [[layer for layer in range(num_layers) if 3 * layer // num_layers == third] for third in range(3)]
        return {f"{setting}.{name}": tuple(part) for name, part in zip(THIRDS, thirds, strict=True) if part}
    raise InputError(f'{here}: per = {per!r}: expected "layer", "third" or "all"')


def _own(recipe: Recipe, setting: str) -> Any:
    """The recipe's own value of a setting."""
    value: Any = recipe.settings()
    for part in setting.split("."):
        value = value[part]
    return value


def _values(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return [distribution.low, distribution.high]


def _is_encoded(parameter: Parameter) -> bool:
    return isinstance(parameter.distribution, CategoricalDistribution)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _flatten(table: Mapping[str, Any], whole: Container[str], prefix: str = "") -> dict[str, Any]:
    """Values by dotted name; what goes by a name in `whole` is a value, even if it is a table."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        path = f"{prefix}{name}"
        is_table = isinstance(value, Mapping) and path not in whole
        flat |= _flatten(value, whole, f"{path}.") if is_table else {path: value}
    return flat
