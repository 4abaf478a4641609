"""Reading files that somebody else may have made: only regular ones, and no more than was allowed."""

import os
import socket
from pathlib import Path

import pytest

from golf.errors import InputError
from golf.files import open_regular, read_regular


def test_a_file_within_the_limit_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        assert read_regular(tmp_path / name, 5, "expected a test") == b"12345"
        with open_regular(tmp_path / name, "expected a test") as stream:
            assert stream.read() == b"12345"
    with pytest.raises(InputError, match=r"a: 5 bytes; expected a test of at most 4$"):
        read_regular(tmp_path / "a", 4, "expected a test")


def test_a_file_without_a_size_is_read_to_the_limit_only() -> None:
    with pytest.raises(InputError, match=r"over 10 bytes; expected a test of at most 10$"):
        read_regular(Path("/proc/self/maps"), 10, "expected a test")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    (tmp_path / "loop").symlink_to("loop")
    messages = {"pipe": "not a file", "s": "cannot be read", "loop": "cannot be read", "none": "cannot be read"}
    for name, message in {**messages, ".": "not a file", "a\0b": "no path of a file"}.items():
        with pytest.raises(InputError, match=message + ".*; expected a test$"):
            open_regular(tmp_path / name, "expected a test")
    server.close()
    with pytest.raises(InputError, match="/dev/null: not a file; expected a test"):
        open_regular(Path("/dev/null"), "expected a test")


def test_an_error_that_quotes_a_file_is_short() -> None:
    error = InputError("file: " + "x" * 10**6 + "; expected less")
    text = str(error)
    assert len(text) < 2100
    assert text.startswith("file: x")
    assert text.endswith("; expected less")
