"""Addresses of pages within the service."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

SHARED = "/s/"
"""Before the secret part of a link."""


def sweep_address(name: str) -> str:
    """The page of a sweep."""
    return f"/sweeps/{quote(name, safe='')}"


def entry_address(row: Mapping[str, Any]) -> str | None:
    """The page of an entry of the leaderboard, or of an imported record; None where its name cannot be in a path."""
    if row["name"] in ("", ".", "..") or "/" in row["name"]:
        return None
    if row["source"] == "import":
        return f"/records/{quote(row['name'], safe='')}"
    return f"{sweep_address(row['sweep'])}/entries/{quote(row['name'], safe='')}" if row["sweep"] else None


def share_address(text: str) -> str:
    """The page that a link shows, by its secret part."""
    return f"{SHARED}{text}"


def comparison_address(challenger: str, incumbent: str) -> str:
    """The page that compares two entries, by SWEEP/ENTRY or a record's name."""
    return "/compare?" + urlencode({"challenger": challenger, "incumbent": incumbent})
