"""The leaderboard's columns: each in one table, each explained in the glossary, each from one place."""

import re
from pathlib import Path

from sweeps.board.columns.catalog import COLUMNS, INTERFACE, VARYING
from sweeps.board.columns.own import OWN_COLUMNS
from sweeps.board.columns.whole import TABLE_COLUMNS
from sweeps.board.margin_rules import MARGIN_RULES
from tests.sweeps.evaluations import BASE, entries, record, runs_of

GLOSSARY = Path(__file__).parents[3] / "docs" / "glossary.md"


def test_every_column_is_in_one_table() -> None:
    names = [own.name for own in OWN_COLUMNS] + [column.name for column in TABLE_COLUMNS]
    assert len(set(names)) == len(names)
    assert set(names) == set(COLUMNS)
    assert set(INTERFACE) <= set(names)


def test_the_glossary_explains_every_column_and_no_other() -> None:
    """A margin rule of a later day needs no row: a sentence explains the three columns of every rule."""
    section = GLOSSARY.read_text().split("## Columns of the leaderboard")[1]
    rows = re.findall(r"^\| `(\w+)` \| \S.*\.", section, re.MULTILINE)
    of_rules = {
        *MARGIN_RULES,
        *(name for rule in MARGIN_RULES.values() for name in (rule.p_column, rule.paired_column)),
    }
    assert rows == [name for name in COLUMNS if name in rows or name not in of_rules]
    assert "Each margin rule has three columns" in section


def test_columns_that_vary_are_times_costs_and_dates() -> None:
    assert set(VARYING) == {
        "train_seconds", "eval_seconds", "clocks", "cost", "ms_per_step", "headroom", "dollars_to_settle",
        "dollars_to_settle_most", "dollars_to_record", "dollars_to_record_most", "date",
    }  # fmt: skip


def test_a_sweeps_entry_and_a_record_have_the_same_columns() -> None:
    rows = entries(runs_of("base", BASE), imported=[record("theirs", 1.0, 1.2, 1.3, author="A")])
    assert list(rows["base"]) == list(rows["theirs"]) == list(COLUMNS)
    assert (rows["base"]["author"], rows["theirs"]["author"], rows["theirs"]["cost"]) == (None, "A", None)
