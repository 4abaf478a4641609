"""docs/sweep-file.md lists every setting with its default, and the examples are sweep files."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from golf.presets import EVAL_PRESETS, TRAIN_PRESETS
from golf.ttt.protocols import PROTOCOLS
from sweeps.search.samplers import SAMPLERS
from sweeps.spec.file import load_sweep, parse_sweep
from sweeps.spec.recipe import SECTIONS
from sweeps.spec.script.sections import ProxySection, ScriptSection, StageSection
from sweeps.spec.sections import SweepFile

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/sweep-file.md").read_text()
ROWS = re.compile(r"^\| `([\w.]+)` \| .+? \| (.+?) \| (.+) \|$", re.MULTILINE)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field holds, also where it may be absent."""
    kinds = [field.annotation, *get_args(field.annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def section_settings(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and defaults of a section's settings; a section that may be absent is a setting, too."""
    for plain, field in section.model_fields.items():
        name, inner = field.alias or plain, section_of(field)
        if inner is None or name == "search":
            yield f"{prefix}{name}", "required" if field.is_required() else field.get_default(call_default_factory=True)
        if inner is not None:
            yield from section_settings(inner, f"{prefix}{name}.")


def recipe_settings(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Dotted names and defaults of a stage's settings."""
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            yield from recipe_settings(value, f"{prefix}.{field.name}")
        else:
            yield f"{prefix}.{field.name}", value


def as_written(default: Any) -> str:
    """A default as the reference writes it: TOML, "required", or a dash where there is none."""
    if default == "required":
        return "required"
    return "–" if default is None else f"`{json.dumps(default)}`"


def all_settings() -> dict[str, str]:
    """Every setting of a sweep file with its default as written."""
    defaults = dict(section_settings(SweepFile))
    of_script = ((ScriptSection, "script."), (StageSection, "script.STAGE."), (ProxySection, "search.proxy."))
    for section, prefix in of_script:
        defaults |= dict(section_settings(section, prefix))
    for section, kind in SECTIONS.items():
        defaults |= dict(recipe_settings(kind(), section))
    return {name: as_written(default) for name, default in defaults.items()}


def test_every_setting_is_documented_with_its_default() -> None:
    assert {name: default for name, default, _ in ROWS.findall(REFERENCE)} == all_settings()


@pytest.mark.parametrize("preset", [*TRAIN_PRESETS, *EVAL_PRESETS])
def test_every_preset_is_documented(preset: str) -> None:
    assert f"`{preset}`" in REFERENCE


@pytest.mark.parametrize("name", [*PROTOCOLS, *SAMPLERS])
def test_every_protocol_and_sampler_is_documented(name: str) -> None:
    assert f'`"{name}"`' in REFERENCE


def test_the_example_of_the_reference_is_a_sweep_file() -> None:
    (example,) = re.findall(r"```toml\n(.+?)```", REFERENCE, re.DOTALL)
    spec = parse_sweep(tomllib.loads(example), "docs/sweep-file.md")
    # A challenge is a sweep of its own, without a search.
    apart = {"baseline", "challenge", "contest", "priority", "script"}
    assert set(tomllib.loads(example)) | apart == set(SweepFile.model_fields)
    assert spec.search is not None


def test_the_example_of_a_script_is_a_sweep_file() -> None:
    spec = load_sweep(ROOT / "examples/script/sweep.toml")
    assert [stage.title for stage in spec.pipeline()] == ["train", "eval"] and spec.search is not None


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_examples_are_sweep_files(example: Path) -> None:
    spec = load_sweep(example)
    assert spec.search is not None
    assert [arm.name for arm in spec.arms if arm.baseline] == ["lora-ttt"]
