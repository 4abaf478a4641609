"""JSON schemas of what commands print with --json, and the description of the API: written to docs/schemas/."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docs.generate.schemas.brief import BRIEF
from docs.generate.schemas.documents import DOCUMENTS, ERROR
from docs.generate.schemas.openapi import describe_api

FOLDER = Path(__file__).parents[2] / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_files() -> dict[Path, str]:
    """Every file of docs/schemas/ with its content."""
    named = {"error": ERROR, **DOCUMENTS, **{f"{name}.brief": schema for name, schema in BRIEF.items()}}
    files = {FOLDER / f"{name.replace(' ', '-')}.json": _write(name, schema) for name, schema in named.items()}
    return files | {FOLDER / "openapi.json": json.dumps(describe_api(), indent=1, sort_keys=True) + "\n"}


def _write(name: str, schema: Mapping[str, Any]) -> str:
    command, _, form = name.partition(".")
    what = (
        f"golfsweep {command} --{form or 'json'}" if name != "error" else "a command that fails, with --json or --brief"
    )
    return json.dumps({"$schema": DRAFT, "title": f"What {what} prints", **schema}, indent=1) + "\n"
