"""What is computed once for each stored row, as long as that stays in memory.

A command reads a row once or twice; a service keeps it for hours (`jobs.store.kept`) and asks the same of it each time.
"""

import weakref
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Row = TypeVar("Row")
Result = TypeVar("Result")


def once_per_object(function: Callable[[Row], Result]) -> Callable[[Row], Result]:
    """Compute a function of an object that never changes once for each object; the result must not refer to it."""
    kept: dict[int, tuple[weakref.ref[Row], Result]] = {}

    @wraps(function)
    def look_up(row: Row) -> Result:
        number = id(row)
        known = kept.get(number)
        if known is not None and known[0]() is row:
            return known[1]
        result = function(row)
        kept[number] = (weakref.ref(row, lambda _: kept.pop(number, None)), result)
        return result

    return look_up
