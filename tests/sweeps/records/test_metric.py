"""Which metric and which seeds make a record's score: those that it claims."""

from pathlib import Path
from typing import Any

import pytest

from sweeps.records import entries, record
from sweeps.records.judging import findings
from sweeps.records.reading import folder
from tests.sweeps.records import miniature as mini


def judged(root: Path) -> tuple[dict[str, Any], dict[str, str], list[str | None]]:
    """The content of a record's row, its findings, and the names of the metrics that count."""
    made = record.build_record(folder.read_folder(root))
    listed = findings.judge_record(made)
    lines = [made.score_of(seed) for seed in made.counted]
    details = {finding.code: finding.detail for finding in listed}
    return entries.to_content(made, listed), details, [line and line.name for line in lines]


def log_of(seed: int, *scores: str) -> str:
    return "\n".join([f"seed: {seed}", "step:5000/20000 val_loss:2 val_bpb:1.1900 train_time:599000ms", *scores, ""])


TTT = "legal_ttt_exact val_loss:1.85 val_bpb:{}"
MIX = "ngram_two_pass_exact val_loss:0.4 val_bpb:{}"
TWO = {
    "s_seed1": log_of(1, TTT.format("1.10010000"), MIX.format("0.21000000")),
    "s_seed2": log_of(2, TTT.format("1.10030000"), MIX.format("0.22000000")),
}


@pytest.mark.parametrize(
    ("headline", "name", "seeds"),
    [
        (1.1002, "legal_ttt", {"1": 1.1001, "2": 1.1003}),
        (0.215, "ngram_two_pass", {"1": 0.21, "2": 0.22}),
        (1.1011, "legal_ttt", {"1": 1.1001, "2": 1.1003}),  # of none, nearest to this one
        (None, "ngram_two_pass", {"1": 0.21, "2": 0.22}),  # nothing is claimed: the last one
    ],
)
def test_of_two_metrics_of_one_stage_the_claimed_one_counts(
    tmp_path: Path, headline: float | None, name: str, seeds: dict[str, float]
) -> None:
    content, _, names = judged(mini.write(tmp_path, {"val_bpb": headline}, **TWO))
    assert (content["seeds"], names) == (seeds, [name, name])


def test_that_a_lower_score_was_printed_is_a_remark_and_no_leak(tmp_path: Path) -> None:
    _, details, _ = judged(mini.write(tmp_path, {"val_bpb": 1.1002}, **TWO))
    assert set(details) == {"other-protocol"}
    assert details["other-protocol"] == "s_seed2.log also gives ngram_two_pass 0.22000000, by another protocol"


@pytest.mark.parametrize(
    ("line", "claim", "name"),
    [
        ("final_sliding_window_exact sliding_bpb:1.14 val_bpb:0.94000000", 0.94, "final_sliding_window val_bpb"),
        ("ppm_mix bytes=27000000 mix_bpb=0.901500 ppm_only=2.08", 0.9015, "ppm_mix mix_bpb"),
    ],
)
def test_a_claim_of_a_score_under_its_own_name_is_shown_under_it(
    tmp_path: Path, line: str, claim: float, name: str
) -> None:
    root = mini.write(tmp_path, {"val_bpb": claim}, s_seed1=log_of(1, TTT.format("1.10010000"), line))
    content, details, names = judged(root)
    assert (content["seeds"], names) == ({"1": claim}, [name])
    assert set(details) == {"mixture", "own-metric", "implausible-gain", "single-seed"}
    assert name in details["own-metric"]


def test_a_headline_may_be_named_after_its_number_of_seeds(tmp_path: Path) -> None:
    logs = {
        f"s_seed{seed}": log_of(seed, f"ppm_mixer val_bpb:{bpb} eval_time:480934ms order=5",
                                f"quantized_sliding_window val_loss:2.84 val_bpb:1.1{seed}000000 eval_time:625887ms")
        for seed, bpb in {1: "0.94280000", 2: "0.94300000"}.items()
    }  # fmt: skip
    claims = {"val_bpb_2seed_mean": 0.9429, "val_bpb_2seed_std": 0.000141, "seeds": [1, 2]}
    content, details, names = judged(mini.write(tmp_path, claims, **logs))
    assert (content["seeds"], names) == ({"1": 0.9428, "2": 0.943}, ["ppm_mixer val_bpb"] * 2)
    assert (content["eval_seconds"], set(details)) == (480.934, {"mixture", "own-metric", "implausible-gain"})


def test_a_usual_metric_that_fits_comes_before_one_of_its_own(tmp_path: Path) -> None:
    log = log_of(1, TTT.format("1.10010000"), "progress running_bpb=1.1001")
    content, details, names = judged(mini.write(tmp_path, {"val_bpb": 1.1001}, s_seed1=log))
    assert (content["seeds"], names, set(details)) == ({"1": 1.1001}, ["legal_ttt"], {"single-seed"})


THREE = {f"s_seed{seed}": log_of(seed, TTT.format(bpb)) for seed, bpb in
         {1: "1.10006000", 2: "1.10056000", 3: "1.10036000"}.items()}  # fmt: skip


@pytest.mark.parametrize("headline", [1.1004, 1.10032667, 1.1003, 1.10032])
def test_a_headline_is_the_mean_of_scores_or_of_rounded_ones_rounded_or_cut(tmp_path: Path, headline: float) -> None:
    _, details, _ = judged(mini.write(tmp_path, {"val_bpb": headline, "seeds": [1, 2, 3]}, **THREE))
    assert details == {}


@pytest.mark.parametrize(
    ("headline", "seed_2", "codes"),
    [
        (1.1023, 1.1004, {"headline-metric"}),  # digits of the seeds' claims are cut off
        (1.1023, 1.1014, {"seed-differs", "mean-differs"}),
        (1.1033, 1.1004, {"mean-differs"}),  # of no line
    ],
)
def test_a_higher_headline_of_another_line_than_its_seeds_is_a_note(
    tmp_path: Path, headline: float, seed_2: float, codes: set[str]
) -> None:
    sliding = "quantized_sliding_window val_loss:1.9 val_bpb:{}"
    texts = {1: ("1.10220000", "1.10026000"), 2: ("1.10240000", "1.10047000")}
    logs = {f"s_seed{seed}": log_of(seed, sliding.format(a), TTT.format(b)) for seed, (a, b) in texts.items()}
    claims = {"1": {"val_bpb": 1.1002}, "2": {"val_bpb": seed_2}}
    content, details, names = judged(mini.write(tmp_path, {"val_bpb": headline, "seed_results": claims}, **logs))
    assert (content["seeds"], names) == ({"1": 1.10026, "2": 1.10047}, ["legal_ttt"] * 2)
    assert set(details) == codes
    if "headline-metric" in codes:
        assert details["headline-metric"] == (
            "headline 1.1023 is the mean of quantized_sliding_window; its seeds claim legal_ttt, and the logs' "
            "mean is 1.10036500 over 2 seeds"
        )


def test_last_digits_of_a_mean_are_a_note(tmp_path: Path) -> None:
    _, details, _ = judged(mini.write(tmp_path, {"val_bpb": 1.10032750, "seeds": [1, 2, 3]}, **THREE))
    assert set(details) == {"mean-digits"}
    assert findings.list_unsupported(findings.judge_record(record.build_record(folder.read_folder(tmp_path)))) == []


@pytest.mark.parametrize(
    "claims",
    [
        {"val_bpb": 1.10031, "seeds": [1, 2]},
        {"val_bpb": 1.10031, "seed_results": {"1": 1.10006, "2": 1.10056}},
        {"val_bpb": 1.10031, "n_seeds": 2},  # the only two of the three with this mean
    ],
)
def test_claimed_seeds_make_the_score_and_another_log_is_a_finding(tmp_path: Path, claims: dict[str, Any]) -> None:
    content, details, _ = judged(mini.write(tmp_path, claims, **THREE))
    assert content["seeds"] == {"1": 1.10006, "2": 1.10056}
    assert details == {"extra-log": "s_seed3.log: seed 3 is not claimed, so it does not count (1.10036000)"}


def test_all_seeds_count_if_the_headline_is_their_mean(tmp_path: Path) -> None:
    content, details, _ = judged(mini.write(tmp_path, {"val_bpb": 1.10032667, "seed": 1}, **THREE))
    assert len(content["seeds"]) == 3
    assert set(details) == {"seed-count"}


def test_a_claim_of_more_digits_than_arithmetic_keeps_is_judged_all_the_same(tmp_path: Path) -> None:
    text = '{"val_bpb": 1.2' + "0" * 60 + '1, "seeds": [1, 2, 3]}'
    _, details, _ = judged(mini.write(tmp_path, text, **THREE))
    assert set(details) == {"mean-differs"}


TRAINING = "\n".join(["seed: 9", "step:5000/20000 val_loss:2.0 val_bpb:1.1900 train_time:599000ms",
                      "Serialized model int6+brotli: 15000000 bytes",
                      "Total submission size int6+brotli: 15050000 bytes", ""])  # fmt: skip
EVALUATION = "final_int6_sliding_window val_loss:1.9 val_bpb:1.10000000 eval_time:9000ms\n"


@pytest.mark.parametrize("seed", ["seed: 9\n", ""])
def test_a_training_and_its_evaluation_in_two_logs_are_one_run(tmp_path: Path, seed: str) -> None:
    root = mini.write(tmp_path, {"val_bpb": 1.1, "seeds": [9]}, eval=seed + EVALUATION, train=TRAINING)
    content, details, _ = judged(root)
    assert (content["seeds"], content["train_seconds"], content["eval_seconds"]) == ({"9": 1.1}, 599.0, 9.0)
    assert (content["total_bytes"], set(details)) == (15_050_000, {"single-seed"})


def test_two_evaluations_that_differ_are_no_parts_of_one_run(tmp_path: Path) -> None:
    other = EVALUATION.replace("1.10000000", "1.20000000")
    root = mini.write(tmp_path, {"val_bpb": 1.1}, a="seed: 9\n" + EVALUATION, b="seed: 9\n" + other, train=TRAINING)
    _, details, _ = judged(root)
    assert "duplicate-seed" in details


def test_logs_of_unknown_seed_stay_apart_where_several_seeds_are_claimed(tmp_path: Path) -> None:
    root = mini.write(tmp_path, {"val_bpb": 1.1, "seeds": [8, 9]}, eval=EVALUATION, train=TRAINING)
    made = record.build_record(folder.read_folder(root))
    assert [run.path for run in made.runs] == ["eval.log", "train.log"]


def test_long_names_of_logs_are_short_in_tables_and_whole_in_findings(tmp_path: Path) -> None:
    names = [f"0{number}527c136-3141-4b73-a460-167696b3e22{number}" for number in range(2)]
    root = mini.write(tmp_path, None, **{name: EVALUATION for name in names})
    (tmp_path / f"{names[1]}.log").write_text(EVALUATION.replace("1.10000000", "1.10010000"))
    content, details, _ = judged(root)
    assert set(content["seeds"]) == {"? 00527c136-31…96b3e220.log", "? 01527c136-31…96b3e221.log"}
    assert names[1] in details["seed-unknown"]
