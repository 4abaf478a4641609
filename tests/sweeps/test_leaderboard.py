"""Rows: ranked and tested within their track, and nothing guessed."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from golf.artifact import LIMIT_BYTES
from golf.score import LN2
from sweeps.leaderboard import COLUMNS, Evaluation, Published, leaderboard, to_json
from sweeps.rules import MARGIN_NATS, Facts, Finding, measured_findings, track
from sweeps.statistics import holm, one_sample_test, paired_test, published_test, welch_test
from sweeps.table import render

BYTES, TOKENS = 3000, 1000


def evaluation(row: str, seed: int, bpb: float, **changes: Any) -> Evaluation:
    """An evaluation of three documents that come to this many bits per byte."""
    share = np.array([0.2, 0.3, 0.5])
    documents = pd.DataFrame({
        "document": range(3), "nll": bpb * BYTES * LN2 * share,
        "tokens": (TOKENS * share).astype(int), "bytes": (BYTES * share).astype(int),
    })  # fmt: skip
    facts: dict[str, Any] = {
        "row": row, "seed": seed, "documents": documents, "data": "val", "artifact": f"{row}-{seed}",
        "model_bytes": 500, "code_bytes": 50, "train_seconds": 10.0, "eval_seconds": 2.0, "max_train_seconds": None,
        "max_eval_seconds": None, "clocks": {"train.train_seconds": 10.0}, "cost": 0.5, "stage": (0.0, 0),
        "whole_set": True, "fresh_seed": True,
    }  # fmt: skip
    return Evaluation(**facts | changes)


def row_of(name: str, scores: list[float], **changes: Any) -> list[Evaluation]:
    return [evaluation(name, seed, bpb, **changes) for seed, bpb in enumerate(scores)]


def rows(evaluations: list[Evaluation], **settings: Any) -> dict[str, dict[str, Any]]:
    frame = leaderboard(evaluations, **{"profile": "accepted", "baseline": "base"} | settings)
    found = to_json(frame)["rows"]
    json.dumps(found, allow_nan=False)
    assert all(tuple(row) == COLUMNS for row in found)
    return {row["name"]: row for row in found}


BASE, BETTER, LEAK = [1.20, 1.21, 1.22], [1.15, 1.16, 1.165], [0.5, 0.51, 0.52]
LEAKS = {"findings": (Finding(code="C3", detail="trains on what it scores"),)}


def test_a_flagged_row_is_ranked_and_tested_with_nobody_legal() -> None:
    found = rows([*row_of("leak", LEAK, **LEAKS), *row_of("base", BASE), *row_of("better", BETTER)])
    assert list(found) == ["better", "base", "leak"]
    assert [(row["track"], row["rank"]) for row in found.values()] == [("legal", 1), ("legal", 2), ("flagged", 1)]
    assert [found["leak"][name] for name in ("p_value", "p_adjusted", "p_incumbent", "p_paired")] == [None] * 4
    assert found["leak"]["findings"] == [{"code": "C3", "detail": "trains on what it scores"}]


def test_p_values_are_welchs_with_the_margin_in_the_sets_own_unit() -> None:
    found = rows([*row_of("base", BASE), *row_of("better", BETTER, stage=(0.0, 1)), *row_of("worse", [1.3, 1.31])])
    margin = MARGIN_NATS / LN2 * TOKENS / BYTES
    expected = {
        name: welch_test(scores, BASE, margin).p_value for name, scores in (("better", BETTER), ("worse", [1.3, 1.31]))
    }
    assert {name: found[name]["p_value"] for name in expected} == pytest.approx(expected)
    adjusted = dict(zip(expected, holm(list(expected.values())), strict=True))
    assert {name: found[name]["p_adjusted"] for name in adjusted} == pytest.approx(adjusted)
    assert found["base"]["p_value"] is None
    assert found["better"]["p_incumbent"] == pytest.approx(welch_test(BETTER, BASE).p_value)
    assert found["base"]["p_incumbent"] is None


def test_the_incumbent_is_the_best_of_an_earlier_stage_or_sweep() -> None:
    early, late = row_of("early", BETTER, stage=(0.0, 1)), row_of("late", [1.14, 1.15, 1.16], stage=(5.0, 0))
    found = rows([*row_of("base", BASE), *early, *late, *row_of("peer", LEAK, stage=(5.0, 0))])
    assert found["late"]["p_incumbent"] == pytest.approx(welch_test([1.14, 1.15, 1.16], BETTER).p_value)


def test_a_published_record_can_be_the_baseline() -> None:
    margin = MARGIN_NATS / LN2 * TOKENS / BYTES
    known = rows(row_of("better", BETTER), baseline=Published(mean=1.21, std=0.01, n=3))
    assert known["better"]["p_value"] == pytest.approx(published_test(BETTER, 1.21, 0.01, 3, margin).p_value)
    mean_only = rows(row_of("better", BETTER), baseline=Published(mean=1.21))
    assert mean_only["better"]["p_value"] == pytest.approx(one_sample_test(BETTER, 1.21 - margin).p_value)


def test_other_texts_are_never_compared() -> None:
    found = rows([*row_of("base", BASE), *row_of("better", BETTER, data="other text", stage=(0.0, 1))])
    assert found["better"]["p_value"] is None


def test_pairs_are_documents_of_shared_artifacts() -> None:
    base, better = (
        [evaluation(name, seed, bpb, artifact=str(seed)) for seed, bpb in enumerate(scores)]
        for name, scores in (("base", BASE), ("better", BETTER))
    )
    mean = [evaluation("m", 0, float(np.mean(scores))).documents for scores in (BETTER, BASE)]
    assert rows([*base, *better])["better"]["p_paired"] == pytest.approx(paired_test(*mean).p_value)
    assert rows([*row_of("base", BASE), *row_of("better", BETTER)])["better"]["p_paired"] is None


def test_the_worst_of_the_seeds_decides_and_what_is_not_known_is_null() -> None:
    runs = [
        evaluation("one", 1, 1.1, model_bytes=700, train_seconds=3.0),
        evaluation("one", 2, 1.2, train_seconds=30.0, eval_seconds=9.0, cost=None),
    ]
    found = rows(runs)["one"]
    assert (found["bytes_total"], found["train_seconds"], found["eval_seconds"]) == (750, 30.0, 9.0)
    assert found["cost"] is None
    assert found["seeds"] == pytest.approx({"1": 1.1, "2": 1.2})
    lone = rows([evaluation("lone", 1, 1.1)])["lone"]
    assert [lone[name] for name in ("val_bpb_std", "val_bpb_ci95", "p_value")] == [None] * 3


FACTS: dict[str, Any] = {
    "total_bytes": 1, "train_seconds": 1.0, "eval_seconds": 1.0, "max_train_seconds": None, "max_eval_seconds": None,
    "whole_set": True, "fresh_seeds": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"total_bytes": LIMIT_BYTES + 1}, "size"),
        ({"train_seconds": 601.0, "max_train_seconds": 600.0}, "time"),
        ({"eval_seconds": 601.0, "max_eval_seconds": 600.0}, "time"),
        ({"whole_set": False}, "coverage"),
        ({"fresh_seeds": False}, "seeds"),
    ],
)
def test_what_is_measured_against_the_rules_flags(changed: dict[str, Any], code: str) -> None:
    assert measured_findings(Facts(**FACTS)) == []
    [finding] = measured_findings(Facts(**FACTS | changed))
    assert finding.code == code
    assert track([finding], "accepted") == "flagged"


def test_length_is_a_note_unless_the_rules_are_strict() -> None:
    length = [Finding(code="length", detail="x")]
    assert (track(length, "accepted"), track(length, "strict")) == ("legal", "flagged")


def test_the_table_fits_a_terminal_of_80_columns_and_shows_reasons() -> None:
    console = Console(width=80, record=True, file=None, force_terminal=False)
    long = [1.123456] * 2 + [1.2]
    wide = {"model_bytes": 15_999_000, "train_seconds": 600.0, "eval_seconds": 599.0, "cost": 12.5}
    frame = leaderboard(
        [*row_of("klora-minnll-614", long, **wide), *row_of("[red]leak", LEAK, **LEAKS | wide)], profile="accepted"
    )
    with console.capture() as captured:
        console.print(render(frame))
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
    elsewhere = row_of("elsewhere", [0.9, 0.91, 0.92], data="other text")
    found = rows([*row_of("base", BASE), *elsewhere, *row_of("late", BETTER, stage=(5.0, 0))])
    assert found["late"]["p_incumbent"] == pytest.approx(welch_test(BETTER, BASE).p_value)


def test_a_flagged_row_is_nobodys_incumbent_and_no_legal_rows_baseline() -> None:
    found = rows([*row_of("base", BASE, **LEAKS), *row_of("late", BETTER, stage=(5.0, 0))])
    assert [found["late"][name] for name in ("p_value", "p_adjusted", "p_incumbent", "p_paired")] == [None] * 4
    shared = [evaluation("late", seed, bpb, artifact=f"base-{seed}") for seed, bpb in enumerate(BETTER)]
    assert rows([*row_of("base", BASE, **LEAKS), *shared])["late"]["p_paired"] is None


def test_a_flagged_rows_claim_does_not_weigh_on_those_of_legal_rows() -> None:
    legal = [*row_of("base", BASE), *row_of("better", BETTER), *row_of("worse", [1.3, 1.31])]
    alone, beside = rows(legal), rows([*legal, *row_of("leak", LEAK, **LEAKS)])
    assert {name: beside[name]["p_adjusted"] for name in alone} == {name: alone[name]["p_adjusted"] for name in alone}


def test_one_bad_seed_flags_the_whole_row() -> None:
    over = {"model_bytes": LIMIT_BYTES}
    runs = [evaluation("one", 1, 1.1), evaluation("one", 2, 1.1, **over)]
    assert rows(runs)["one"]["track"] == "flagged"
    assert rows([evaluation("one", 1, 1.1), evaluation("one", 2, 1.1, fresh_seed=False)])["one"]["track"] == "flagged"
    assert rows([evaluation("one", 1, 1.1), evaluation("one", 2, 1.1, whole_set=False)])["one"]["track"] == "flagged"
    late = {"max_eval_seconds": 5.0}
    found = rows([evaluation("one", 1, 1.1, **late), evaluation("one", 2, 1.1, eval_seconds=5.1, **late)])["one"]
    assert found["findings"] == [{"code": "time", "detail": "evaluation took 5.1 s, over 5 s"}]


def test_a_better_flagged_row_does_not_stand_before_the_incumbent() -> None:
    found = rows([*row_of("base", BASE), *row_of("leak", LEAK, **LEAKS), *row_of("late", BETTER, stage=(5.0, 0))])
    assert found["late"]["p_incumbent"] == pytest.approx(welch_test(BETTER, BASE).p_value)


def test_rank_does_not_depend_on_the_order_of_evaluations() -> None:
    runs = [*row_of("base", BASE), *row_of("better", BETTER, stage=(0.0, 1)), *row_of("a tie", BETTER)]
    found = rows(runs)
    assert [(name, row["rank"]) for name, row in found.items()] == [("a tie", 1), ("better", 2), ("base", 3)]
    again = rows(list(reversed(runs)))
    assert [(name, row["rank"]) for name, row in again.items()] == [(name, row["rank"]) for name, row in found.items()]


def test_the_columns_are_those_of_the_interface() -> None:
    names = (
        "name track rank val_bpb_mean val_bpb_std val_bpb_ci95 seeds p_value p_adjusted p_incumbent p_paired "
        "bytes_total train_seconds eval_seconds clocks bytes cost findings source"
    )
    assert names.split() == list(COLUMNS)
    assert to_json(leaderboard([], profile="accepted")) == {"rows": []}
