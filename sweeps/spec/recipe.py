"""Recipes: everything a team tunes, built from presets and settings with dotted names.

Settings are plain nested tables, {"train": {…}, "quantize": {…}, "eval": {…}}, as TOML gives them. A stage's `preset`
comes first, its other keys on top. An arm or `--set` that names a preset means just that preset: of the settings below
it, only those about the machine and its limits stay (`RESOURCES`), not the tuned ones.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from golf.artifact.packing import QuantizeConfig
from golf.errors import InputError
from golf.presets import EVAL_PRESETS, TRAIN_PRESETS
from golf.train.training import TrainConfig
from golf.ttt.engine import EvalConfig

Settings = Mapping[str, Any]

STAGES: Mapping[str, type[Any]] = {"train": TrainConfig, "quantize": QuantizeConfig, "eval": EvalConfig}
PRESETS: Mapping[str, Mapping[str, Settings]] = {"train": TRAIN_PRESETS, "quantize": {}, "eval": EVAL_PRESETS}
_ADAPTERS: Mapping[str, TypeAdapter[Any]] = {stage: TypeAdapter(kind) for stage, kind in STAGES.items()}
RESOURCES = {"train": ("gpus", "max_seconds", "steps"), "quantize": (), "eval": ("gpus", "max_seconds")}
"""Settings that outlive a change of preset."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to train, quantize and evaluate; no seed."""

    train: TrainConfig
    quantize: QuantizeConfig
    eval: EvalConfig

    def settings(self) -> dict[str, Any]:
        """Every setting, resolved, as plain nested tables."""
        return {stage: asdict(getattr(self, stage)) for stage in STAGES}


def build_recipe(settings: Settings, where: str) -> Recipe:
    """Build a recipe from settings, whose unnamed parts take the presets' or the project's own values.

    Args:
        settings: nested tables by stage.
        where: what an error names first, e.g. the file.

    Raises:
        InputError: an unknown key or preset (the nearest is named), or a value of the wrong type or range.
    """
    for stage in settings:
        if stage not in STAGES:
            raise InputError(f"{where}: {unknown(stage, STAGES)}")
    recipe = Recipe(**{stage: build_stage(stage, settings.get(stage, {}), where) for stage in STAGES})
    try:
        for field in fields(recipe.eval.multipliers):
            recipe.eval.multipliers.at(field.name, 0, recipe.train.model.num_layers)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return recipe


def build_stage(stage: str, settings: Settings, where: str) -> Any:
    """Build one stage's configuration, e.g. of {"preset": "lora-ttt", "epochs": 2}."""
    if not isinstance(settings, Mapping):
        raise InputError(f"{where}: {stage} = {settings!r}: expected a table of settings")
    explicit = {name: value for name, value in settings.items() if name != "preset"}
    merged = merge(_preset(stage, settings, where), explicit)
    # TOML has no null: a training that is bounded by steps is bounded by the clock only if that is said, too.
    if "steps" in explicit and "max_seconds" not in explicit:
        merged["max_seconds"] = None
    try:
        return _ADAPTERS[stage].validate_json(json.dumps(merged), strict=True)
    except ValidationError as error:
        raise InputError(f"{where}: {_explain(error, stage)}") from None


def configure(base: Mapping[str, Settings], assignments: Iterable[str]) -> dict[str, Any]:
    """The configuration of each stage that a command takes: some settings, and `--set` values on top.

    Raises:
        InputError: an assignment to another stage, an unknown key or preset, or a wrong value.
    """
    changes = parse_assignments(assignments)
    if other := next((name for name in changes if name not in base), None):
        known = " and ".join(f"{stage}.*" for stage in base)
        raise InputError(f"--set {other}.…: this command takes {known} settings")
    found = override(base, changes)
    return {stage: build_stage(stage, found[stage], "command line") for stage in base}


def override(base: Settings, changes: Settings) -> dict[str, Any]:
    """Settings with changes on top; a change that names a stage's preset drops what was tuned below it."""
    kept = {stage: dict(values) for stage, values in base.items() if isinstance(values, Mapping)}
    for stage, change in changes.items():
        if isinstance(change, Mapping) and "preset" in change:
            below = kept.get(stage, {})
            kept[stage] = {name: below[name] for name in RESOURCES.get(stage, ()) if name in below}
    return merge(kept, changes)


def merge(below: Settings, above: Settings) -> dict[str, Any]:
    """Nested tables, `above` winning."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def nest(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """{"eval.lr": 1} → {"eval": {"lr": 1}}."""
    nested: dict[str, Any] = {}
    for name, value in dotted.items():
        table = nested
        *path, last = name.split(".")
        for part in path:
            table = table.setdefault(part, {})
        table[last] = value
    return nested


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """`--set` values as nested tables: TOML values, bare words as strings.

    Raises:
        InputError: not of the form key=value.
    """
    found: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals or not all(part.replace("_", "").replace("-", "").isalnum() for part in name.split(".")):
            raise InputError(f'--set {assignment}: expected key=value, e.g. "eval.epochs=4"')
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        found = merge(found, nest({name: value}))
    return found


def names(kind: type[Any], prefix: str) -> list[str]:
    """Dotted names of every setting of a configuration, tables included."""
    found: list[str] = []
    for field in fields(kind):
        inner = get_type_hints(kind)[field.name]
        path = f"{prefix}.{field.name}"
        found += [path, *(names(inner, path) if isinstance(inner, type) and is_dataclass(inner) else [])]
    return found


def unknown(name: str, known: Iterable[str]) -> str:
    """What to say of a name that is not among those known."""
    known = list(known)
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"{name}: unknown key; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")


def _preset(stage: str, settings: Settings, where: str) -> Settings:
    name = settings.get("preset")
    if name is None:
        return {}
    if not isinstance(name, str) or name not in PRESETS[stage]:
        near = difflib.get_close_matches(str(name), PRESETS[stage], 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(PRESETS[stage]) or 'none'}"
        raise InputError(f"{where}: {stage}.preset = {name!r}: no such preset; {hint}")
    return PRESETS[stage][name]


def _explain(error: ValidationError, stage: str) -> str:
    """The first thing that is wrong, in one line with its dotted name."""
    first = error.errors()[0]
    path: Sequence[str | int] = [part for part in first["loc"] if not _is_branch(part)]
    name = ".".join([stage, *map(str, path)])
    if first["type"] == "unexpected_keyword_argument":
        return unknown(name, names(STAGES[stage], stage))
    if isinstance(cause := first.get("ctx", {}).get("error"), InputError):
        return str(cause)
    return f"{name} = {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"


def _is_branch(part: str | int) -> bool:
    """Whether part of a location is pydantic's name of a union's branch, not a key."""
    return isinstance(part, str) and (part in ("float", "int", "none") or "[" in part)
