"""Recipes: everything that a team tunes, built from presets and settings.

Settings are nested tables by section, {"train": {…}, "quantize": {…}, "eval": {…}}. A section's `preset` comes first,
its other keys on top. Naming a preset in an arm or with `--set` resets that section: of the settings below it, only
those about the machine and its limits stay (`RESOURCES`), not the tuned ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from golf.artifact.packing import QuantizeConfig
from golf.errors import InputError
from golf.presets import EVAL_PRESETS, TRAIN_PRESETS
from golf.train.training import TrainConfig
from golf.ttt.engine import EvalConfig
from sweeps.spec.checks.conflicts import recipe_conflicts
from sweeps.spec.checks.validation import section_problems, setting_names, validated
from sweeps.spec.reading import parse_assignments
from sweeps.spec.settings import Settings, merge, shown, suggest, unknown

SECTIONS: Mapping[str, type[Any]] = {"train": TrainConfig, "quantize": QuantizeConfig, "eval": EvalConfig}
"""The sections of a recipe, each with the settings of the stage that it is for."""
PRESETS: Mapping[str, Mapping[str, Settings]] = {"train": TRAIN_PRESETS, "quantize": {}, "eval": EVAL_PRESETS}
RESOURCES = {"train": ("gpus", "max_seconds", "steps"), "quantize": (), "eval": ("gpus", "max_seconds")}
"""Settings that stay when a preset resets their section."""


NEWER: Mapping[str, Settings] = {"eval": {"precision": "auto"}}
"""Settings newer than stored results, with the value that those results have. At that value they are left out, so that
keys of jobs stay the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to train, quantize and evaluate; no seed."""

    train: TrainConfig
    quantize: QuantizeConfig
    eval: EvalConfig

    def settings(self) -> dict[str, Any]:
        """Every setting, resolved, as plain nested tables; without those of NEWER that have their first value."""
        return {section: _without_newer(section, asdict(getattr(self, section))) for section in SECTIONS}

    @property
    def widest(self) -> int:
        """Slots of its widest job."""
        return max(self.train.gpus, self.eval.gpus)

    def for_trials(self) -> "Recipe":
        """Itself: trials differ in the documents that they are scored on."""
        return self


def _without_newer(section: str, settings: dict[str, Any]) -> dict[str, Any]:
    newer = NEWER.get(section, {})
    return {name: value for name, value in settings.items() if name not in newer or value != newer[name]}


def build_recipe(settings: Settings, where: str) -> Recipe:
    """Build a recipe from settings; what they leave out takes the preset's or the project's own value.

    Args:
        settings: nested tables by section.
        where: what each problem names first, e.g. the file.

    Raises:
        InputError: a problem for each unknown key or preset (the nearest is named) and each value of the wrong type
            or range, in all sections; of sections that are right, what does not go together.
    """
    settings_inside = every_setting()
    problems = [
        f"{where}: {unknown(section, SECTIONS, inner=settings_inside)}"
        for section in settings
        if section not in SECTIONS
    ]
    built = {}
    for section in SECTIONS:
        try:
            built[section] = build_section(section, settings.get(section, {}), where)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    recipe = Recipe(**built)
    if conflicts := [f"{where}: {conflict}" for conflict in recipe_conflicts(recipe.train, recipe.eval)]:
        raise InputError(*conflicts)
    return recipe


@cache
def every_setting() -> tuple[str, ...]:
    """Dotted names of every setting of a recipe."""
    return tuple(name for section, kind in SECTIONS.items() for name in setting_names(kind, section))


def build_section(section: str, settings: Settings, where: str) -> Any:
    """Build one section's configuration, e.g. of {"preset": "lora-ttt", "epochs": 2}.

    Raises:
        InputError: a problem for each setting that is wrong.
    """
    if not isinstance(settings, Mapping):
        raise InputError(f"{where}: {section} = {shown(settings)}; expected a table of settings")
    explicit = {name: value for name, value in settings.items() if name != "preset"}
    merged = merge(_preset(section, settings, where), explicit)
    # TOML has no null: naming train.steps alone means that no clock bounds the training.
    if "steps" in explicit and "max_seconds" not in explicit:
        merged["max_seconds"] = None
    if problems := section_problems(section, SECTIONS[section], merged):
        raise InputError(*(f"{where}: {problem}" for problem in problems))
    return validated(SECTIONS[section], merged)


def configure(base: Mapping[str, Settings], assignments: Iterable[str]) -> dict[str, Any]:
    """The configuration of each section that a command takes: some settings, and `--set` values on top.

    Raises:
        InputError: an assignment to another section, an unknown key or preset, or a wrong value.
    """
    changes = parse_assignments(assignments)
    if other := next((name for name in changes if name not in base), None):
        known = " and ".join(f"{section}.*" for section in base)
        raise InputError(f"--set {other}.…: not a setting of this command; this command takes {known} settings")
    settings = override(base, changes)
    return {section: build_section(section, settings[section], "command line") for section in base}


def override(base: Settings, changes: Settings) -> dict[str, Any]:
    """Settings with changes on top; a change that names a section's preset resets that section first."""
    kept: dict[str, Any] = {
        section: dict(values) if isinstance(values, Mapping) else values for section, values in base.items()
    }
    for section, change in changes.items():
        if isinstance(change, Mapping) and "preset" in change:
            below = kept.get(section)
            below = below if isinstance(below, dict) else {}
            kept[section] = {name: below[name] for name in RESOURCES.get(section, ()) if name in below}
    return merge(kept, changes)


def _preset(section: str, settings: Settings, where: str) -> Settings:
    name = settings.get("preset")
    if name is None:
        return {}
    if not isinstance(name, str) or name not in PRESETS[section]:
        hint = suggest(str(name), PRESETS[section])
        raise InputError(f"{where}: {section}.preset = {shown(name)}: no such preset; {hint}")
    return PRESETS[section][name]
