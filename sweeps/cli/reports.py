"""Writing a report for a command whose results do not depend on it."""

from collections.abc import Callable
from pathlib import Path

from jobs.errors import CLOSED


def write_if_allowed(write: Callable[[], Path], home: Path) -> tuple[Path | None, str]:
    """Write a report into a home, which may be closed to this user.

    Returns:
        Its path, None if nothing may be written; and the path or the reason, for people.
    """
    try:
        path = write()
    except OSError as error:
        if error.errno not in CLOSED:
            raise
        return None, f"not written, because {home} may not be written to"
    return path, str(path)
