"""Reading JSON of rows, which anybody with access to the database can write."""

import json
import math
from typing import Any


def read_json(text: str | bytes) -> Any:
    """A row's JSON; a whole number with more digits than Python reads (4,300) is infinite.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return json.loads(text, parse_int=_read_int)


def _read_int(digits: str) -> float:
    try:
        return int(digits)
    except ValueError:
        return -math.inf if digits.startswith("-") else math.inf
