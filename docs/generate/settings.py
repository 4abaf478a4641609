"""The tables of docs/sweep-file.md: every setting, from the classes that check a sweep file.

Names, types, ranges and defaults come from the pydantic schema and the dataclasses of a recipe, meanings from the
docstring below each field.
"""

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from golf.artifact import QuantizeConfig
from golf.model.config import ModelConfig
from golf.ranges import Range
from golf.train.config import TrainConfig
from golf.ttt import EvalConfig
from golf.ttt.adapters import AdapterRanks, Multipliers
from sweeps.spec import sections
from sweeps.spec.script.sections import ProxySection, ScriptSection, StageSection

PAGE = Path(__file__).parents[1] / "sweep-file.md"
TABLES: Mapping[str, type] = {
    "": sections.SweepFile,
    "data": sections.DataSection,
    "seeds": sections.SeedsSection,
    "baseline": sections.BaselineSection,
    "search": sections.SearchSection,
    "search.promote": sections.PromoteSection,
    "confirm": sections.ConfirmSection,
    "challenge": sections.ChallengeSection,
    "audit": sections.AuditSection,
    "budget": sections.BudgetSection,
    "script": ScriptSection,
    "script.STAGE": StageSection,
    "search.proxy": ProxySection,
    "train": TrainConfig,
    "train.model": ModelConfig,
    "quantize": QuantizeConfig,
    "eval": EvalConfig,
    "eval.ranks": AdapterRanks,
    "eval.multipliers": Multipliers,
}
"""Dotted names of the tables of a sweep file, in the page's order, and the classes that check them."""
OPTIONAL_TABLES = frozenset({"script", "search", "proxy"})
"""Tables whose absence means something; they have a row of their own."""
UNLIMITED = 1_000_000
"""Ends of a range from here on are left out: they only keep numbers from overflowing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A line of a table."""

    name: str
    kind: str
    default: str
    meaning: str


def settings_tables() -> dict[str, str]:
    """The Markdown table of each table of a sweep file."""
    return {title_of(table): _markdown(settings_of(table, owner)) for table, owner in TABLES.items()}


def title_of(table: str) -> str:
    """The name of a table's block in the page."""
    return f"settings of {table or 'the file'}"


def settings_of(table: str, owner: type) -> list[Setting]:
    """The settings of one table; those in tables of their own are left out.

    Raises:
        ValueError: a setting has no docstring.
    """
    schema = TypeAdapter(owner).json_schema(by_alias=True, mode="validation")
    ranges: Mapping[str, Range] = getattr(sys.modules[owner.__module__], "RANGES", {})
    return list(_settings(table, owner, schema, ranges))


def _settings(table: str, owner: type, schema: Any, ranges: Mapping[str, Range]) -> Iterator[Setting]:
    meanings = _docstrings(owner)
    for field, alias in _fields(owner).items():
        prefixed = f"{table}.{alias}" if table else alias
        if prefixed in TABLES and field not in OPTIONAL_TABLES:
            continue
        if field not in meanings:
            raise ValueError(f"{owner.__qualname__}.{field}: a setting without a docstring")
        content = schema["properties"][alias]
        kind = _kind(content, schema.get("$defs", {}), ranges.get(field))
        default = "required" if alias in schema.get("required", ()) else _default_of(owner, field)
        yield Setting(name=prefixed, kind=kind, default=default, meaning=meanings[field])


def _fields(owner: type) -> dict[str, str]:
    """Name of each field, and its name in a sweep file."""
    if issubclass(owner, BaseModel):
        return {name: field.alias or name for name, field in owner.model_fields.items()}
    assert is_dataclass(owner)
    return {name: name for name in owner.__dataclass_fields__ if not name.startswith("__")}


def _docstrings(owner: type) -> dict[str, str]:
    """The docstring below each field of a class, in one line."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(tree, ast.ClassDef)
    texts: dict[str, str] = {}
    for field, after in zip(tree.body, tree.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                texts[name] = " ".join(text.split())
    return texts


def _kind(content: Any, definitions: Mapping[str, Any], allowed: Range | None) -> str:
    """What a setting may be, in words."""
    if "$ref" in content:
        content = definitions[content["$ref"].rpartition("/")[2]]
    options = [option for option in content.get("anyOf", ()) if option.get("type") != "null"]
    if options:  # null is a setting that is absent
        return " or ".join(dict.fromkeys(_kind(option, definitions, allowed) for option in options))
    if "enum" in content or "const" in content:
        return ", ".join(f"`{json.dumps(choice)}`" for choice in content.get("enum", [content.get("const")]))
    kind = content.get("type")
    if kind == "array":
        items = [item for item in (content.get("items"), *content.get("prefixItems", ())) if isinstance(item, dict)]
        return f"list of {_plural(_kind(items[0], definitions, allowed))}"
    if kind in ("integer", "number"):
        return f"{'whole number' if kind == 'integer' else 'number'}{_range(content, allowed)}"
    if content.get("format") == "date-time":
        return "date and time"
    return {"string": "text", "boolean": "`true`, `false`", "object": "table"}[str(kind)]


def _plural(kind: str) -> str:
    for noun in ("number", "text", "table"):
        kind = kind.replace(noun, f"{noun}s", 1)
    return kind


def _range(content: Any, allowed: Range | None) -> str:
    """The ends of a number, e.g. ", 1 to 1,000" or ", above 0"; those that nobody meets are left out."""
    low = content.get("minimum", content.get("exclusiveMinimum"))
    high = content.get("maximum", content.get("exclusiveMaximum"))
    without_low, without_high = "exclusiveMinimum" in content, "exclusiveMaximum" in content
    if allowed is not None:
        low, high, without_low, without_high = allowed.low, allowed.high, allowed.without_low, allowed.without_high
    if high is not None and high >= UNLIMITED:
        high = None
    if low is not None and low <= -UNLIMITED:
        low = None
    if low is None or high is None:
        return "" if low is None else f", above {_number(low)}" if without_low else f", {_number(low)} or more"
    first = f"above {_number(low)}," if without_low else _number(low)
    return f", {first} {'below' if without_high else 'to'} {_number(high)}"


def _number(value: float) -> str:
    return f"{value:,.15g}"


def _default_of(owner: Any, field: str) -> str:
    """A default as TOML; a dash where there is none."""
    if issubclass(owner, BaseModel):
        value = owner.model_fields[field].get_default(call_default_factory=True)
    else:
        value = getattr(owner(), field)
    return "–" if value is None else f"`{json.dumps(value)}`"


def _markdown(settings: list[Setting]) -> str:
    rows = [f"| `{row.name}` | {row.kind} | {row.default} | {row.meaning} |" for row in settings]
    return "\n".join(["| setting | value | default | meaning |", "|---|---|---|---|", *rows])
