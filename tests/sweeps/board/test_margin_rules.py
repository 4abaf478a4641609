"""The contest's numbers stand in one place: whoever changes a margin, a level or a limit changes every text."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sweeps.board import rules
from sweeps.board.columns.whole import Table
from sweeps.board.leaderboard import COLUMNS, open_board
from sweeps.board.margin_rules import MARGIN_RULES, PROFILE_RULES, MarginRule
from sweeps.records import review
from sweeps.records.judging.findings import judge_record
from sweeps.records.reading.folder import read_folder
from sweeps.records.record import build_record
from sweeps.submission.submission import list_tests
from sweeps.views.entry_facts import describe_evidence
from sweeps.views.report.tables import explain_tables
from sweeps.views.terminal import compare_evidence, table
from tests.sweeps.evaluations import BASE, BETTER, entries, runs_of
from tests.sweeps.records import miniature as mini

ROOT = Path(__file__).parents[3]
NUMBERS = re.compile(r"0\.005\b|p < 0\.01\b|(?<![\d.])0\.25\b|16[,_]000[,_]000|(?<![\d.])600 s\b")
"""The margin, the levels and the limits, as people would write them into a text."""


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another margin and other levels, as next year's contest may have."""
    written, precedent = MARGIN_RULES["written_rule"], MARGIN_RULES["precedent"]
    monkeypatch.setitem(MARGIN_RULES, "written_rule", replace(written, margin_nats=0.007, level=0.02))
    monkeypatch.setitem(MARGIN_RULES, "precedent", replace(precedent, level=0.3))


def comparison(**changes: Any) -> dict[str, Any]:
    """What `compare` returns of two entries without any possible test."""
    refused = {"p_value": None, "why": "a has one seed"}
    tests: dict[str, Any] = dict.fromkeys([*compare_evidence.name_tests(), "equivalence"], refused)
    verdict: dict[str, Any] = {"passed": False, "level": MARGIN_RULES["written_rule"].level}
    verdicts = {"written_rule": verdict, "precedent": verdict | {"passed": None, "why": "one seed"}}
    verdict |= {"p_value": 0.5}
    sides = {side: {"name": side, "known_as": side, "sweep": "s"} for side in ("challenger", "incumbent")}
    plain = {"tests": tests, "verdicts": verdicts, "plans": dict.fromkeys(verdicts), "not_used": {}}
    plain |= sides | {"difference": {"mbpb": -1.0}}
    return plain | changes


@pytest.mark.usefixtures("changed")
def test_the_texts_of_the_leaderboard_follow_the_rules() -> None:
    for text in (table.explain_columns(), explain_tables()):
        assert "0.007 nats per token" in text
        assert all(f"p < {level}" in text.replace("&lt;", "<") for level in ("0.02", "0.3"))
        assert NUMBERS.search(text) is None
    late = entries([*runs_of("base", BASE), *runs_of("late", BETTER, stage=(5.0, 1))], profile="strict")["late"]
    assert "p < 0.02 by the written rule" in describe_evidence(late)["seeds still needed"]


@pytest.mark.usefixtures("changed")
def test_the_texts_of_a_comparison_follow_the_rules() -> None:
    assert compare_evidence.name_tests()["welch_margin"] == "Welch, 0.007 nats"
    lines = compare_evidence.list_conclusions(comparison())
    assert lines[0].endswith("the rule needs p < 0.02 at a 0.007-nat margin.")
    assert lines[2] == "By the written rule (lower by 0.007 nats per token, p < 0.02): not shown."
    assert lines[3] == "By the precedent (lower at all, p < 0.3): undecided: one seed."
    same = comparison()["tests"] | {"equivalence": {"p_value": 0.01}}
    assert compare_evidence.list_conclusions(comparison(tests=same))[-1].startswith(
        "The same within 0.007 nats per token"
    )


@pytest.mark.usefixtures("changed")
def test_the_texts_of_a_review_and_of_a_submission_follow_the_rules(tmp_path: Path) -> None:
    logs = {f"a{seed}": mini.first_era(seed, bpb) for seed, bpb in ((1, "1.2001"), (2, "1.2004"), (3, "1.2008"))}
    claims = {"val_bpb": 1.20043333, "comparison_baseline_bpb": 1.21, "p_value": 1e-9}
    record = build_record(read_folder(mini.write(tmp_path, claims, **logs)))
    text = review.to_markdown(record, judge_record(record))
    assert "margin 0.007 nats per token: t = " in text
    assert "with a margin of 0.007 bits per byte p = " in text
    assert NUMBERS.search(text.replace("16,000,000", "").replace("600 s", "")) is None
    standing = dict.fromkeys(COLUMNS) | {"p_value": 0.1, "p_written_rule": 0.2}
    submission: Any = SimpleNamespace(
        standing=standing, against=dict.fromkeys(("baseline", "incumbent"), ("x", 1.2)), spreads={},
        validation_set=SimpleNamespace(bpb=lambda nats: nats),
    )  # fmt: skip
    assert {test["test"] for test in list_tests(submission)} == {
        "one-sided Welch across seeds, margin 0.007 nats per token"
    }


def test_verdicts_follow_the_rules(request: pytest.FixtureRequest) -> None:
    runs = [*runs_of("base", BASE), *runs_of("late", [1.1945, 1.2045, 1.2145], stage=(5.0, 1))]
    before = entries(runs)["late"]
    assert 0.25 < before["p_incumbent"] < 0.3
    assert before["precedent"] is False
    request.getfixturevalue("changed")
    after = entries(runs)["late"]
    assert after["precedent"] is True
    assert after["p_written_rule"] > before["p_written_rule"]  # against a larger margin


def test_a_limit_is_named_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LIMIT_SECONDS", 700.0)
    over = rules.Measurements(
        total_bytes=17_000_001,
        limit_bytes=17_000_000,
        train_seconds=702.0,
        eval_seconds=1.0,
        whole_set=True,
        fresh_seeds=True,
    )
    details = [finding.detail for finding in rules.judge_measurements(over)]
    assert details == ["17,000,001 bytes, over 17,000,000", "training took 702.0 s, over 700 s"]


def test_no_text_spells_out_a_number_of_the_contest() -> None:
    spelled_out = {
        f"{path.relative_to(ROOT)}: {text[:60]!r}"
        for package in ("golf", "jobs", "cluster", "sweeps")
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".j2")
        for text in texts_of(path)
        if NUMBERS.search(text)
    }
    assert spelled_out == set()


def texts_of(path: Path) -> Iterator[str]:
    """Every text that a user may see: a template, or a module's strings; of docstrings only those of commands."""
    if path.suffix == ".j2":
        yield path.read_text()
        return
    tree = ast.parse(path.read_text())
    silent = (
        {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)} if "cli" not in path.parts else set()
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def test_a_new_rule_is_one_line_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text and its p-values are there without another change."""
    name = "stricter"
    rule = MarginRule(title="stricter rule", margin_nats=0.01, level=0.001, p_column="p_stricter")
    monkeypatch.setitem(MARGIN_RULES, name, rule)
    assert "by the stricter rule (lower by 0.01 nats per token, p < 0.001)" in table.explain_columns()
    tables: list[Table] = []
    board = open_board(profile="accepted")
    monkeypatch.setattr("sweeps.board.board.Table", lambda **fields: tables.append(Table(**fields)) or tables[-1])
    board.add([*runs_of("base", BASE), *runs_of("late", BETTER, stage=(5.0, 1))])
    board.frame()
    [late] = [n for n, entry in enumerate(tables[0].entries) if entry.name == "late"]
    assert tables[0].p_rules[name][late] > tables[0].p_rules["written_rule"][late]


def test_every_profile_decides_by_a_rule_of_the_table() -> None:
    assert set(PROFILE_RULES.values()) <= set(MARGIN_RULES)
    assert {rule.p_column for rule in MARGIN_RULES.values()} | set(MARGIN_RULES) <= set(COLUMNS)
