"""Errors: each problem is one line of bounded length, and so is each value in it."""

import pytest

from golf.errors import MOST_CHARACTERS, MOST_SHOWN, InputError, shown, shown_name


@pytest.mark.parametrize("value", ["x" * 5000, ["ab"] * 2000, {"a": "\n" * 3000}, b"\0" * 4000, 10**400])
def test_a_long_value_is_cut_in_the_middle(value: object) -> None:
    whole, text = repr(value), shown(value)
    start, _, end = text.partition("…")
    assert len(text) == MOST_SHOWN
    assert whole.startswith(start) and whole.endswith(end) and len(start) == 59


def test_a_short_value_is_as_python_writes_it() -> None:
    assert [shown(value) for value in ("a\n", 3, [1, "b"], True)] == [r"'a\n'", "3", "[1, 'b']", "True"]


def test_a_name_has_quotes_only_where_it_is_long_or_does_not_show() -> None:
    assert shown_name("wide model") == "wide model"
    assert shown_name("a\x1b") == r"'a\x1b'"
    assert shown_name("x" * 80) == "x" * 80
    assert len(shown_name("x" * 81)) == MOST_SHOWN


def test_a_problem_keeps_its_beginning_and_its_end() -> None:
    (problem,) = InputError(f"x.toml: {'y' * 5000}; expected less").problems
    assert len(problem) == MOST_CHARACTERS
    assert problem.startswith("x.toml: yyy") and problem.endswith("yyy; expected less")
