"""Pages of a long list, by the cursor that the page before gave."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from golf.errors import InputError, shown_name

Item = TypeVar("Item")


def cut_page(
    items: Sequence[Item], key: Callable[[Item], str], after: str, limit: int
) -> tuple[Sequence[Item], str | None]:
    """The items beyond a cursor, and the cursor of the page after them; None on the last one.

    Args:
        items: all of them, in an order that does not change.
        key: an item's cursor.
        after: cursor of the last item that is known; empty: none is.
        limit: how many at most.

    Raises:
        InputError: no item has that cursor.
    """
    start = 0
    if after:
        place = next((place for place, item in enumerate(items) if key(item) == after), None)
        if place is None:
            raise InputError(f"after={shown_name(after)}: no such cursor; begin again without one")
        start = place + 1
    page = items[start : start + limit]
    return page, key(page[-1]) if start + limit < len(items) else None
