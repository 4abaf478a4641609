"""A report that may not be written costs its path only; any other error is one."""

import errno
from pathlib import Path

import pytest

from jobs.errors import CLOSED
from sweeps.cli.reports import write_if_allowed


def test_what_was_written_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert write_if_allowed(lambda: page, tmp_path) == (page, str(page))


@pytest.mark.parametrize("number", CLOSED)
def test_a_closed_home_has_no_report_and_says_why(tmp_path: Path, number: int) -> None:
    def refuse() -> Path:
        raise OSError(number, "refused", str(tmp_path))

    assert write_if_allowed(refuse, tmp_path) == (None, f"not written, because {tmp_path} may not be written to")


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    def fail() -> Path:
        raise OSError(errno.ENOSPC, "no space left")

    with pytest.raises(OSError, match="no space left"):
        write_if_allowed(fail, tmp_path)
