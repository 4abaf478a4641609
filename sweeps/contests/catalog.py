"""All contests by name: the files `NAME.toml` of this folder.

To add a contest, add its file; if its logs have another form, add a reader, too (sweeps.contests.readers).
"""

import difflib
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from golf.errors import InputError, shown
from sweeps.contests.contest import Contest
from sweeps.contests.readers import READERS

FOLDER = Path(__file__).parent
DEFAULT = "parameter-golf"
MOST_CHARACTERS = 64
"""Of a name that an error shows."""


def list_contests() -> list[str]:
    """Names of all contests, the default first."""
    return sorted((path.stem for path in FOLDER.glob("*.toml")), key=lambda name: (name != DEFAULT, name))


def contest_named(name: str) -> Contest:
    """A contest by its name.

    Raises:
        InputError: there is none; or its file is not a contest's.
    """
    known = list_contests()
    if name not in known:
        near = difflib.get_close_matches(name[:MOST_CHARACTERS], known, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"
        raise InputError(f"contest = {shown(name)}: no such contest; {hint}")
    return read_contest(FOLDER / f"{name}.toml")


@cache
def read_contest(path: Path) -> Contest:
    """Read a contest's file.

    Raises:
        InputError: a line for each thing that is wrong, with the file and key.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
        contest = Contest.model_validate({"name": path.stem} | tables)
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, detail['loc'])) or 'file'}: {detail['msg']}" for detail in error.errors())
        raise InputError(*(f"{path}: {line[:300]}" for line in lines)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a contest's file ({error})") from None
    if contest.log is not None and contest.log.reader not in READERS:
        known = ", ".join(READERS)
        raise InputError(f'{path}: log.reader = "{contest.log.reader}": no such reader; known are {known}')
    return contest


def default_contest() -> Contest:
    """Parameter Golf."""
    return contest_named(DEFAULT)
