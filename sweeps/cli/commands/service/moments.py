"""Times of records as commands print them."""

from collections.abc import Iterable
from typing import Any


def show_moment(time: float | None) -> str | None:
    """Epoch seconds as ISO 8601 in UTC."""
    from datetime import UTC, datetime

    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")


def show_moments(record: Any, names: Iterable[str]) -> dict[str, str | None]:
    """Several times of a record, by name."""
    return {name: show_moment(getattr(record, name)) for name in names}
