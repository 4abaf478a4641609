"""stub"""

from typing import Any


def write(sweep: Any, frame: Any, place: Any) -> str:
    return "none"
