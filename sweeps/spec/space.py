"""The search space: what may vary, as Optuna distributions, and a trial's parameters as settings.

A parameter has the name of the setting that it stands for. A multiplier may vary by depth: `per = "layer"` makes one
parameter for each layer ("eval.multipliers.q.0", …), `per = "third"` one for each third of the layers
("eval.multipliers.q.first", ".middle", ".last"; layer l of L is in third ⌊3·l/L⌋), `per = "all"` one for all layers.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from golf.errors import InputError
from golf.ttt.adapters import Multipliers
from sweeps.spec.recipe import Recipe, build_recipe, every_setting
from sweeps.spec.settings import flatten, merge, nest, shown, unknown

THIRDS = ("first", "middle", "last")
PREFIX = "eval.multipliers."
MOST_NUMBER, MOST_CHOICES = 1e18, 1000
"""Largest end of a range, and most choices or steps of a setting."""
_KEYS = ("low", "high", "log", "step", "per", "choices")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A number or choice that a trial draws."""

    setting: str
    """The setting that it decides, whole or for some layers."""
    layers: tuple[int, ...] | None
    """The layers whose value it decides; None where the setting has one value."""
    distribution: BaseDistribution
    stages: frozenset[str] | None = None
    """The stages of a script whose environment it changes; None for a setting of our own recipe."""

    @property
    def sections(self) -> frozenset[str]:
        """The sections of a recipe that it decides."""
        return frozenset({self.setting.partition(".")[0]}) if self.stages is None else self.stages


def parse_space(space: Mapping[str, Any], recipe: Recipe, where: str) -> dict[str, Parameter]:
    """Parameters by name of a [search.space] table.

    Raises:
        InputError: a problem for each setting that does not exist or has no valid range or choices.
    """
    if not space:
        raise InputError(f"{where}: search.space: empty; name at least one setting to vary")
    known = every_setting()
    parameters: dict[str, Parameter] = {}
    problems: list[str] = []
    for setting, given in space.items():
        if setting not in known:
            problems.append(f"{where}: search.space.{unknown(setting, known, inner=known, most=3)}")
            continue
        if setting == "train.model.vocab_size":
            problems.append(f"{where}: search.space.{setting}: must be the tokenizer's; set it in the recipe")
            continue
        try:
            parameters |= _parameters(setting, given, recipe, f'{where}: search.space."{setting}"')
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return parameters


def _parameters(setting: str, given: Any, recipe: Recipe, full_key: str) -> dict[str, Parameter]:
    """The parameters of a setting: a single parameter, or a parameter for each part of the depth."""
    table = range_table(given, _KEYS, full_key)
    distribution = read_distribution(table, _own(recipe, setting), full_key)
    parts = _parts(setting, table.get("per"), recipe.train.model.num_layers, full_key)
    return {
        name: Parameter(setting=setting, layers=layers, distribution=distribution) for name, layers in parts.items()
    }


def range_table(given: Any, keys: Sequence[str], full_key: str) -> Mapping[str, Any]:
    """What is given for a setting, as a table; a list is its choices.

    Raises:
        InputError: it is neither, or has a key that is not among `keys`.
    """
    table = {"choices": given} if isinstance(given, list) else given
    if not isinstance(table, Mapping):
        raise InputError(f"{full_key} = {shown(given)}; expected low and high, choices, or a list of choices")
    if other := next((key for key in table if key not in keys), None):
        raise InputError(f"{full_key}.{unknown(other, keys)}")
    return table


def settings_of(space: Mapping[str, Parameter], parameters: Mapping[str, Any], num_layers: int) -> dict[str, Any]:
    """A trial's parameters as settings in nested tables."""
    dotted: dict[str, Any] = {}
    for name, value in parameters.items():
        parameter = space[name]
        decoded = json.loads(value) if _is_encoded(parameter) else value
        if parameter.layers is None:
            dotted[parameter.setting] = decoded
        else:
            values = dotted.setdefault(parameter.setting, [math.nan] * num_layers)
            for layer in parameter.layers:
                values[layer] = decoded
    return nest(dotted)


def apply(
    space: Mapping[str, Parameter], parameters: Mapping[str, Any], base: Mapping[str, Any], num_layers: int, where: str
) -> Recipe:
    """The recipe of a trial: the base settings, of a model of so many layers, with its parameters on top.

    Raises:
        InputError: the settings do not make a recipe.
    """
    return build_recipe(merge(base, settings_of(space, parameters, num_layers)), where)


def resolve(space: Mapping[str, Parameter], given: Mapping[str, Any], recipe: Recipe, where: str) -> dict[str, Any]:
    """Parameters of a trial that the file writes out; one that it leaves out takes the recipe's own value.

    A multiplier that varies by layer or third may be given as one value for all layers.

    Raises:
        InputError: a setting that does not vary, or a value outside its range.
    """
    accepted = {*space, *(parameter.setting for parameter in space.values())}
    flat = flatten(given, accepted)
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
        if not is_inside(value, parameter.distribution):
            raise InputError(f"{where}: {name} = {shown(value)}: outside its range in search.space; widen the range")
        complete[name] = value
    return complete


def is_inside(value: Any, distribution: BaseDistribution) -> bool:
    """Whether a value is one that a parameter may have."""
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    return _is_number(value) and bool(distribution._contains(distribution.to_internal_repr(value)))


def read_distribution(table: Mapping[str, Any], own: Any, full_key: str) -> BaseDistribution:
    """The distribution that a table describes; of whole numbers if the setting's own value is one."""
    if "choices" in table:
        return _choices(table, full_key)
    low, high, log, step = (table.get(key) for key in ("low", "high", "log", "step"))
    if not _is_number(low) or not _is_number(high):
        raise InputError(f"{full_key}: no range; expected numbers low and high, or choices")
    assert isinstance(low, int | float) and isinstance(high, int | float)
    if not isinstance(log, bool | None):
        raise InputError(f"{full_key}: log = {shown(log)}; expected true or false")
    if not low < high or (log and low <= 0):
        raise InputError(f"{full_key}: low = {low}, high = {high}; expected low < high, and low > 0 with log = true")
    if step is not None and (not _is_number(step) or step <= 0 or log):
        raise InputError(f"{full_key}: step = {shown(step)}; expected a number above 0, and no log")
    if step is not None and step * MOST_CHOICES < high - low:
        problem = f"{full_key}: step = {step!r}: makes more than {MOST_CHOICES} steps"
        raise InputError(f"{problem}; expected a larger step, or none")
    if step is not None and abs((high - low) / step - round((high - low) / step)) > 1e-9:
        problem = f"{full_key}: step = {step!r}: does not reach high = {high} from low = {low}"
        raise InputError(f"{problem}; expected a step that divides high - low")
    if isinstance(own, int) and isinstance(low, int) and isinstance(high, int) and isinstance(step, int | None):
        return IntDistribution(low, high, log=bool(log), step=step or 1)
    return FloatDistribution(float(low), float(high), log=bool(log), step=step)


def _choices(table: Mapping[str, Any], full_key: str) -> CategoricalDistribution:
    choices = table["choices"]
    if not isinstance(choices, list) or not choices or len(table) > 1:
        raise InputError(f"{full_key}.choices = {shown(choices)}; expected a list of values, and no other key")
    # Optuna has no choices that are lists or tables: all choices go through it as JSON.
    encoded = [json.dumps(choice) for choice in choices]
    if len(encoded) > MOST_CHOICES:
        raise InputError(f"{full_key}: {len(encoded)} choices; expected at most {MOST_CHOICES}, or low and high")
    if twice := next((choice for number, choice in enumerate(encoded) if choice in encoded[:number]), None):
        raise InputError(f"{full_key}: {shown(twice)} is there twice; name each choice once")
    return CategoricalDistribution(encoded)


def _parts(setting: str, per: Any, num_layers: int, full_key: str) -> dict[str, tuple[int, ...] | None]:
    """Names of a setting's parameters, and the layers whose value each decides."""
    if per is None or per == "all":
        return {setting: None}
    by_layer = [f"{PREFIX}{field.name}" for field in fields(Multipliers) if field.name != "head"]
    if setting not in by_layer:
        raise InputError(f"{full_key}: per = {per!r}: not a multiplier; only {', '.join(by_layer)} differ by layer")
    if per == "layer":
        return {f"{setting}.{layer}": (layer,) for layer in range(num_layers)}
    if per == "third":
        thirds = [[layer for layer in range(num_layers) if 3 * layer // num_layers == third] for third in range(3)]
        return {f"{setting}.{name}": tuple(part) for name, part in zip(THIRDS, thirds, strict=True) if part}
    raise InputError(f'{full_key}: per = {per!r}; expected "layer", "third" or "all"')


def _own(recipe: Recipe, setting: str) -> Any:
    """The recipe's own value of a setting."""
    value: Any = asdict(recipe)  # all of them: Recipe.settings leaves out what is newer than stored results
    for part in setting.split("."):
        value = value[part]
    return value


def _is_encoded(parameter: Parameter) -> bool:
    return isinstance(parameter.distribution, CategoricalDistribution)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -MOST_NUMBER <= value <= MOST_NUMBER
