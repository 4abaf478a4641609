"""Nested settings and their dotted names."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sweeps.spec.settings import flatten, merge, nest, suggest

NAMES = st.text("abc", min_size=1, max_size=2)
VALUES = st.one_of(st.integers(), st.booleans(), st.lists(st.integers(), max_size=2))
TABLES = st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=9)


@given(st.dictionaries(NAMES, TABLES, max_size=3))
def test_nesting_undoes_flattening(table: dict[str, Any]) -> None:
    flat = flatten(table)
    assert not any(isinstance(value, dict) for value in flat.values())
    assert nest(flat) == table


def test_a_table_can_be_a_value() -> None:
    table = {"eval": {"ranks": {"q": 8}, "lr": 0.1}}
    assert flatten(table) == {"eval.ranks.q": 8, "eval.lr": 0.1}
    assert flatten(table, {"eval.ranks"}) == {"eval.ranks": {"q": 8}, "eval.lr": 0.1}


def test_the_upper_of_two_tables_wins_value_by_value() -> None:
    below, above = {"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 4}, "b": {"z": 5}}
    assert merge(below, above) == {"a": {"x": 1, "y": 4}, "b": {"z": 5}}
    assert below == {"a": {"x": 1, "y": 2}, "b": 3}


def test_the_nearest_known_name_is_suggested() -> None:
    assert suggest("epoch", ["epochs", "lr"]) == "did you mean epochs?"
    assert suggest("zebra", ["epochs", "lr"]) == "known are epochs, lr"
    assert suggest("zebra", []) == "known are none"
