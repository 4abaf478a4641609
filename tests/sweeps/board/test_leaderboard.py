"""Entries: ranked and tested within their track, and nothing guessed."""

from typing import Any

import numpy as np
import pytest
from rich.console import Console

from golf.limits import LIMIT_BYTES
from golf.score import LN2
from sweeps.board.frontier import find_incumbents
from sweeps.board.leaderboard import COLUMNS, INTERFACE, Published, leaderboard, open_board, to_json
from sweeps.board.public_order import PublicOrder
from sweeps.board.rules import MARGIN_NATS, Measurements, RuleFinding, choose_track, judge_measurements
from sweeps.statistics import holm, one_sample_test, paired_test, published_test, welch_test
from sweeps.views.entry_facts import describe_evidence
from sweeps.views.terminal.table import render
from tests.sweeps.evaluations import (
    BASE,
    BETTER,
    BYTES,
    LEAK,
    LEAKS,
    PR_1493,
    PR_1514,
    TOKENS,
    clocks,
    documents,
    entries,
    evaluation,
    record,
    runs_of,
    scores,
    text,
)


def test_scripts_on_other_machine_classes_are_neither_ranked_nor_tested_together() -> None:
    first = [*runs_of("a", BETTER, machine_class="torch 2.8"), *runs_of("b", BASE, machine_class="torch 2.8")]
    second = [*runs_of("c", BETTER, machine_class="torch 2.9"), *runs_of("d", BASE, machine_class="torch 2.9")]
    mixed = [*runs_of("e", BASE, machine_class="torch 2.8")[:1], *runs_of("e", BASE, machine_class="torch 2.9")[1:]]
    rows = entries([*first, *second, *mixed], baseline="b")
    assert {name: row["rank"] for name, row in rows.items()} == {"a": 1, "b": 2, "c": 1, "d": 2, "e": 1}
    alone = entries(first, baseline="b")
    assert rows["a"]["p_value"] == alone["a"]["p_value"] is not None
    assert [rows[name]["p_value"] for name in "cde"] == [None, None, None]
    own = entries([*first, *runs_of("own", BASE)], baseline="b")
    assert [own[name]["rank"] for name in ("a", "b", "own")] == [1, 2, 3]  # what has no class counts for all


def test_a_flagged_entry_is_ranked_and_tested_with_nobody_legal() -> None:
    rows = entries([*runs_of("leak", LEAK, **LEAKS), *runs_of("base", BASE), *runs_of("better", BETTER)])
    assert list(rows) == ["better", "base", "leak"]
    assert [(row["track"], row["rank"]) for row in rows.values()] == [("legal", 1), ("legal", 2), ("flagged", 1)]
    assert [rows["leak"][name] for name in ("p_value", "p_adjusted", "p_incumbent", "p_paired")] == [None] * 4
    assert rows["leak"]["findings"] == [{"code": "C3", "detail": "trains on what it scores"}]


def test_p_values_are_welchs_with_the_margin_in_the_sets_own_unit() -> None:
    rows = entries([*runs_of("base", BASE), *runs_of("better", BETTER, stage=(0.0, 1)), *runs_of("worse", [1.3, 1.31])])
    margin = MARGIN_NATS / LN2 * TOKENS / BYTES
    expected = {
        name: welch_test(scores, BASE, margin).p_value for name, scores in (("better", BETTER), ("worse", [1.3, 1.31]))
    }
    assert {name: rows[name]["p_value"] for name in expected} == pytest.approx(expected)
    adjusted = dict(zip(expected, holm(list(expected.values())), strict=True))
    assert {name: rows[name]["p_adjusted"] for name in adjusted} == pytest.approx(adjusted)
    assert rows["base"]["p_value"] is None
    assert rows["better"]["p_incumbent"] == pytest.approx(welch_test(BETTER, BASE).p_value)
    assert rows["base"]["p_incumbent"] is None


def test_the_incumbent_is_the_best_of_an_earlier_stage_or_sweep() -> None:
    early, late = runs_of("early", BETTER, stage=(0.0, 1)), runs_of("late", [1.14, 1.15, 1.16], stage=(5.0, 0))
    rows = entries([*runs_of("base", BASE), *early, *late, *runs_of("peer", LEAK, stage=(5.0, 0))])
    assert rows["late"]["p_incumbent"] == pytest.approx(welch_test([1.14, 1.15, 1.16], BETTER).p_value)


def test_a_published_record_can_be_the_baseline() -> None:
    margin = MARGIN_NATS / LN2 * TOKENS / BYTES
    known = entries(runs_of("better", BETTER), baseline=Published(mean=1.21, std=0.01, n=3))
    assert known["better"]["p_value"] == pytest.approx(published_test(BETTER, 1.21, 0.01, 3, margin).p_value)
    mean_only = entries(runs_of("better", BETTER), baseline=Published(mean=1.21))
    assert mean_only["better"]["p_value"] == pytest.approx(one_sample_test(BETTER, 1.21 - margin).p_value)
    words = "noise of the baseline, of which only a mean is published"
    assert words in mean_only["better"]["unchecked"]
    assert words not in known["better"]["unchecked"]


def test_other_texts_are_never_compared() -> None:
    rows = entries([*runs_of("base", BASE), *runs_of("better", BETTER, text=text("other text"), stage=(0.0, 1))])
    assert rows["better"]["p_value"] is None


def test_pairs_are_documents_of_shared_artifacts() -> None:
    base, better = (
        [evaluation(name, seed, bpb, artifact=str(seed)) for seed, bpb in enumerate(scores)]
        for name, scores in (("base", BASE), ("better", BETTER))
    )
    mean = [documents(float(np.mean(values))) for values in (BETTER, BASE)]
    assert entries([*base, *better])["better"]["p_paired"] == pytest.approx(paired_test(*mean).p_value)
    assert entries([*runs_of("base", BASE), *runs_of("better", BETTER)])["better"]["p_paired"] is None


def test_the_worst_of_the_seeds_decides_and_what_is_not_known_is_null() -> None:
    runs = [
        evaluation("one", 1, 1.1, model_bytes=700, clocks=clocks(3.0)),
        evaluation("one", 2, 1.2, clocks=clocks(30.0, 9.0), cost=None),
    ]
    row = entries(runs)["one"]
    assert (row["bytes_total"], row["train_seconds"], row["eval_seconds"]) == (750, 30.0, 9.0)
    assert row["cost"] is None
    assert row["seeds"] == pytest.approx({"1": 1.1, "2": 1.2})
    lone = entries([evaluation("lone", 1, 1.1)])["lone"]
    assert [lone[name] for name in ("val_bpb_std", "val_bpb_ci95", "p_value")] == [None] * 3


FACTS: dict[str, Any] = {
    "total_bytes": 1, "train_seconds": 1.0, "eval_seconds": 1.0, "whole_set": True, "fresh_seeds": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"total_bytes": LIMIT_BYTES + 1}, "size"),
        ({"train_seconds": 602.0}, "time"),
        ({"eval_seconds": 601.0}, "time"),
        ({"whole_set": False}, "coverage"),
        ({"fresh_seeds": False}, "seeds"),
    ],
)
def test_what_is_measured_against_the_rules_flags(changed: dict[str, Any], code: str) -> None:
    assert judge_measurements(Measurements(**FACTS)) == []
    [finding] = judge_measurements(Measurements(**FACTS | changed))
    assert finding.code == code
    assert choose_track([finding], "accepted") == "flagged"


def test_length_is_a_note_unless_the_rules_are_strict() -> None:
    length = [RuleFinding(code="length", detail="x")]
    assert (choose_track(length, "accepted"), choose_track(length, "strict")) == ("legal", "flagged")


def test_the_table_fits_a_terminal_of_80_columns_and_shows_reasons() -> None:
    console = Console(width=80, record=True, file=None, force_terminal=False)
    long = [1.123456] * 2 + [1.2]
    wide = {"model_bytes": 15_999_000, "clocks": clocks(600.0, 599.0), "cost": 12.5}
    frame = leaderboard(
        [*runs_of("klora-minnll-614", long, **wide), *runs_of("[red]leak", LEAK, **LEAKS | wide)], profile="accepted"
    )
    with console.capture() as captured:
        console.print(render(to_json(frame)["rows"]))
    text = captured.get()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    for word in (
        "1.1490",
        "0: 1.1235",
        "15,999,050",
        "$37.50",
        "10:00 min",
        "[red]leak",
        "C3: trains on",
    ):
        assert word in text


def test_the_incumbent_is_the_best_on_the_same_text() -> None:
    elsewhere = runs_of("elsewhere", [0.9, 0.91, 0.92], text=text("other text"))
    rows = entries([*runs_of("base", BASE), *elsewhere, *runs_of("late", BETTER, stage=(5.0, 0))])
    assert rows["late"]["p_incumbent"] == pytest.approx(welch_test(BETTER, BASE).p_value)


def test_a_flagged_entry_is_nobodys_incumbent_and_no_legal_entries_baseline() -> None:
    rows = entries([*runs_of("base", BASE, **LEAKS), *runs_of("late", BETTER, stage=(5.0, 0))])
    assert [rows["late"][name] for name in ("p_value", "p_adjusted", "p_incumbent", "p_paired")] == [None] * 4
    shared = [evaluation("late", seed, bpb, artifact=f"base-{seed}") for seed, bpb in enumerate(BETTER)]
    assert entries([*runs_of("base", BASE, **LEAKS), *shared])["late"]["p_paired"] is None


def test_a_flagged_entries_claim_does_not_weigh_on_those_of_legal_entries() -> None:
    legal = [*runs_of("base", BASE), *runs_of("better", BETTER), *runs_of("worse", [1.3, 1.31])]
    alone, beside = entries(legal), entries([*legal, *runs_of("leak", LEAK, **LEAKS)])
    assert {name: beside[name]["p_adjusted"] for name in alone} == {name: alone[name]["p_adjusted"] for name in alone}


def test_one_bad_seed_flags_the_whole_entry() -> None:
    over = {"model_bytes": LIMIT_BYTES}
    runs = [evaluation("one", 1, 1.1), evaluation("one", 2, 1.1, **over)]
    assert entries(runs)["one"]["track"] == "flagged"
    assert (
        entries([evaluation("one", 1, 1.1), evaluation("one", 2, 1.1, fresh_seed=False)])["one"]["track"] == "flagged"
    )
    assert entries([evaluation("one", 1, 1.1), evaluation("one", 2, 1.1, whole_set=False)])["one"]["track"] == "flagged"
    row = entries([evaluation("one", 1, 1.1), evaluation("one", 2, 1.1, clocks=clocks(evaluation=600.1))])["one"]
    assert row["findings"] == [{"code": "time", "detail": "evaluation took 600.1 s, over 600 s"}]


def test_a_better_flagged_entry_does_not_stand_before_the_incumbent() -> None:
    rows = entries([*runs_of("base", BASE), *runs_of("leak", LEAK, **LEAKS), *runs_of("late", BETTER, stage=(5.0, 0))])
    assert rows["late"]["p_incumbent"] == pytest.approx(welch_test(BETTER, BASE).p_value)


def test_rank_does_not_depend_on_the_order_of_evaluations() -> None:
    runs = [*runs_of("base", BASE), *runs_of("better", BETTER, stage=(0.0, 1)), *runs_of("a tie", BETTER)]
    rows = entries(runs)
    assert [(name, row["rank"]) for name, row in rows.items()] == [("a tie", 1), ("better", 2), ("base", 3)]
    reversed_rows = entries(list(reversed(runs)))
    assert [(name, row["rank"]) for name, row in reversed_rows.items()] == [
        (name, row["rank"]) for name, row in rows.items()
    ]


def test_the_columns_are_those_of_the_interface() -> None:
    names = (
        "name track rank val_bpb_mean val_bpb_std val_bpb_ci95 seeds p_value p_adjusted p_incumbent p_paired "
        "bytes_total train_seconds eval_seconds clocks bytes cost findings source"
    )
    assert names.split() == list(INTERFACE) == list(COLUMNS[: len(INTERFACE)])
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert to_json(leaderboard([], profile="accepted")) == {"rows": []}


# Incumbents in order of time


def test_the_written_rule_and_the_precedent_against_the_record_of_the_date() -> None:
    row = entries([*runs_of("base", BASE), *runs_of("late", [1.19, 1.20, 1.21], stage=(5.0, 0))])["late"]
    margin = MARGIN_NATS / LN2 * TOKENS / BYTES
    assert row["p_written_rule"] == pytest.approx(welch_test([1.19, 1.20, 1.21], BASE, margin).p_value)
    assert (row["incumbent"], row["written_rule"], row["precedent"]) == ("base", False, True)
    assert row["difference_mbpb"] == pytest.approx(-10)
    assert row["difference_nats"] == pytest.approx(-0.010 * LN2 * BYTES / TOKENS)
    assert (row["difference_seeds"], row["tokenizer"]) == (3, "1024.model")


def test_a_difference_is_paired_on_the_seeds_that_both_have() -> None:
    late = [evaluation("late", seed, bpb, stage=(5.0, 0)) for seed, bpb in ((1, 1.2), (2, 1.2), (9, 5.0))]
    row = entries([*runs_of("base", BASE), *late])["late"]
    assert row["difference_seeds"] == 2
    assert row["difference_mbpb"] == pytest.approx(1000 * (1.2 - (1.21 + 1.22) / 2))
    assert row["difference_means_mbpb"] == pytest.approx(1000 * (7.4 / 3 - 1.21))  # what p_incumbent is about
    assert describe_evidence(row)["against the record"].endswith(
        "to base, over 2 common seeds; +1256.67 between the means of all seeds, as tested"
    )
    apart = entries([*runs_of("base", BASE), *[evaluation("late", s, 1.2 + s / 1e4, stage=(5.0, 0)) for s in (7, 8)]])[
        "late"
    ]
    assert apart["difference_seeds"] == 0
    assert apart["difference_mbpb"] == apart["difference_means_mbpb"] == pytest.approx(1000 * (1.20075 - 1.21))
    assert describe_evidence(apart)["against the record"].endswith("to base, no seed in common")


def test_other_sweeps_are_what_came_before_and_are_not_shown() -> None:
    before = runs_of("old", BETTER, sweep="spring", stage=(-5.0, 0))
    rows = entries(runs_of("base", BASE), history=before)
    assert list(rows) == ["base"]
    assert rows["base"]["incumbent"] == "spring/old"
    assert rows["base"]["p_incumbent"] == pytest.approx(welch_test(BASE, BETTER).p_value)
    assert rows["base"]["confirmations"] == 6


def test_who_held_the_record_when() -> None:
    board = open_board(profile="accepted")
    board.add([
        *runs_of("base", BASE), *runs_of("twin", [1.25, 1.26, 1.27]), *runs_of("better", BETTER, stage=(5.0, 0)),
        *runs_of("worse", [1.18, 1.19, 1.2], stage=(6.0, 0)), *runs_of("leak", LEAK, stage=(7.0, 0), **LEAKS),
        *runs_of("last", [1.0, 1.01], stage=(8e8, 1)),
    ])  # fmt: skip
    board.frame()
    changes = board.changes()
    assert [(change["name"], change["over"]) for change in changes] == [
        ("base", None),
        ("better", "base"),
        ("last", "better"),
    ]
    assert [change["date"] for change in changes] == ["1970-01-01", "1970-01-01", "1995-05-09"]
    assert changes[0]["p_value"] is None
    assert changes[1]["p_value"] == pytest.approx(welch_test(BETTER, BASE).p_value)
    assert changes[2]["difference_mbpb"] == pytest.approx(1000 * (1.005 - np.mean(BETTER[:2])))
    assert [change["difference_seeds"] for change in changes] == [None, 3, 2]
    assert changes[2]["difference_means_mbpb"] == pytest.approx(1000 * (1.005 - np.mean(BETTER)))  # as p_value is
    assert changes[0]["difference_means_mbpb"] is None


def no_records(entries: int) -> PublicOrder:
    none, unknown = np.zeros(entries, bool), np.full(entries, np.nan)
    return PublicOrder(is_record=none, barred=none, pull_request=unknown, evidence_time=unknown)


@pytest.mark.parametrize("seed", range(5))
def test_incumbents_are_those_of_a_plain_search(seed: int) -> None:
    generator = np.random.default_rng(seed)
    group, mean = generator.integers(-1, 3, 60), generator.integers(0, 9, 60).astype(float)
    mean[generator.integers(0, 60, 4)] = np.nan
    stage = generator.integers(0, 3, (60, 2)).astype(float)
    incumbents = find_incumbents(group, stage, mean, no_records(60))
    for row in range(60):
        before = [
            other for other in range(60)
            if group[other] == group[row] >= 0 and np.isfinite(mean[other]) and tuple(stage[other]) < tuple(stage[row])
        ]  # fmt: skip
        best = min((mean[other] for other in before), default=None)
        known = np.isfinite(mean[row]) and best is not None
        assert (incumbents[row] >= 0) == known
        if known:
            assert mean[incumbents[row]] == best
            assert incumbents[row] in before


def test_a_board_that_grows_shows_what_one_made_at_once_does() -> None:
    runs = [*runs_of("base", BASE), *runs_of("better", BETTER, stage=(5.0, 0)), *runs_of("third", [1.3, 1.31, 1.32])]
    grown = open_board(profile="accepted", baseline="base", scores=scores)
    for run in (*runs[::2], *runs[1::2]):
        grown.add([run])
        grown.frame()
    grown.add([evaluation("base", 0, 1.0)])
    grown.add([runs[0]])  # a seed that is there already takes the older one's place
    whole = {
        row["name"]: row
        for row in to_json(leaderboard(runs, profile="accepted", baseline="base", scores=scores))["rows"]
    }
    for row in to_json(grown.frame())["rows"]:
        expected = whole[row["name"]]
        assert row["seeds"] == expected["seeds"]
        for name in ("val_bpb_mean", "p_value", "p_adjusted", "p_incumbent", "p_pooled", "difference_mbpb", "rank"):
            assert row[name] == pytest.approx(expected[name]), name


def test_public_records_stand_beside_and_are_tested_among_themselves() -> None:
    records = [record("PR 1493", 1.0, *PR_1493), record("PR 1514", 2.0, *PR_1514), record("no date", None, 1.0, 1.1)]
    rows = entries(runs_of("base", BASE), imported=records)
    assert [(row["name"], row["track"], row["rank"], row["source"]) for row in rows.values()] == [
        ("base", "legal", 1, "golfsweep"), ("no date", "unverified", 1, "import"),
        ("PR 1514", "unverified", 2, "import"), ("PR 1493", "unverified", 3, "import"),
    ]  # fmt: skip
    assert round(rows["PR 1514"]["p_incumbent"], 3) == 0.020
    assert (rows["PR 1514"]["precedent"], rows["PR 1514"]["written_rule"]) == (True, None)
    assert rows["PR 1514"]["difference_nats"] is None
    assert rows["no date"]["date"] is None
    assert rows["no date"]["incumbent"] is None
    assert rows["no date"]["order_unknown"] == ["PR 1514", "PR 1493"]
    for name in (
        "p_value",
        "p_adjusted",
        "p_paired",
        "bytes_total",
        "train_seconds",
        "cost",
        "validation_set",
        "headroom",
    ):
        assert rows["PR 1514"][name] is None


def test_the_written_rule_tests_a_record_in_the_unit_of_its_logs() -> None:
    older, unit = record("PR 1493", 1.0, *PR_1493), {"bpb_per_nat": 0.38713, "tokenizer": "8192.model"}
    row = entries([], imported=[older, record("PR 1514", 2.0, *PR_1514, **unit)])["PR 1514"]
    assert row["difference_nats"] == pytest.approx(row["difference_mbpb"] / 1000 / 0.38713)
    assert row["tokenizer"] == "8192.model"
    assert row["p_written_rule"] == pytest.approx(welch_test(PR_1514, PR_1493, margin=0.005 * 0.38713).p_value)
    assert (row["precedent"], row["written_rule"]) == (True, row["p_written_rule"] < 0.01)


def test_what_a_record_does_not_say_is_null() -> None:
    rows = entries([], imported=[record("lost", 1.0, None), record("half", 2.0, 1.1, None, total_bytes=5, steps=7)])
    assert [rows["lost"][name] for name in ("val_bpb_mean", "rank", "p_incumbent")] == [None] * 3
    assert rows["lost"]["seeds"] == {"0": None}
    assert rows["half"]["seeds"] == {"0": 1.1, "1": None}
    assert [rows["half"][name] for name in ("val_bpb_mean", "val_bpb_std", "bytes_total", "steps")] == [
        1.1,
        None,
        5,
        7,
    ]
    assert "noise of seeds" in rows["half"]["unchecked"]
