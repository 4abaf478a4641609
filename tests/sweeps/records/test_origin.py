"""Where a record comes from and what it covers: another contest, the validation set, training data, clocks, sizes."""

from pathlib import Path
from typing import Any

import pytest

from sweeps.records import entries, record, review
from sweeps.records.judging import findings
from sweeps.records.reading import folder
from tests.sweeps.records import miniature as mini

CASEOPS = "  datasets_dir: ./d/fineweb10B_sp8192_lossless_caps_caseops_v1_reserved"


def judged(root: Path, claims: Any, **logs: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of a record's row, and its findings; each log is given by its own lines, its seed in its name."""
    texts = {}
    for name, lines in logs.items():
        head = [f"seed: {name[-1]}", "step:5000/20000 val_loss:2.0 val_bpb:1.1900 train_time:599000ms"]
        texts[name] = "\n".join([*head, *lines, ""])
    made = record.build_record(folder.read_folder(mini.write(root, claims, **texts)))
    listed = findings.judge_record(made)
    details = {finding.code: finding.detail for finding in listed if finding.code != "single-seed"}
    return entries.to_content(made, listed), details


def other_log(seconds: float) -> str:
    return "\n".join(["import torch", "=" * 100, "step:0/3000 val_loss:10.82 train_time:0.000s step_avg:nanms",
                      f"step:3000/3000 val_loss:3.270 train_time:{seconds}s step_avg:226.07ms", ""])  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "words"), [(678.2, "track 3, fewest steps to a loss of 3.28"), (80.6, "track 1, least time to a loss")]
)
def test_a_folder_of_another_contest_is_said_to_be_one_and_not_judged(
    tmp_path: Path, seconds: float, words: str
) -> None:
    made = record.build_record(folder.read_folder(mini.write(tmp_path, None, a=other_log(seconds))))
    (finding,) = findings.judge_record(made)
    assert finding.code == "other-contest"
    assert f"it looks like modded-nanogpt, {words}" in finding.detail
    assert not review.passes([finding])


def test_a_broken_off_log_of_this_challenge_is_no_other_contest(tmp_path: Path) -> None:
    log = "import torch\nseed: 1\nstep:10/20 val_loss:2.0 val_bpb:1.19 train_time:5ms\n"
    made = record.build_record(folder.read_folder(mini.write(tmp_path, None, a=log)))
    assert "other-contest" not in {finding.code for finding in findings.judge_record(made)}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([CASEOPS, "val_tokens: 9662464"], {"coverage"}),
        ([CASEOPS, "val_tokens: 47851520"], set()),
        (["  datasets_dir: ./d/fineweb10B_sp8192_caseops", "val_tokens: 9662464"], {"coverage"}),
        (["  tokenizer_path: ./t/fineweb_8192_bpe_caseops_v1.model", "val_tokens: 9662464"], {"coverage"}),
        (["ttt_phased: total_docs:49999 prefix_docs:2000"], {"document-count"}),
        (["ttt_phased: total_docs:49998 prefix_docs:2000"], {"coverage"}),
        ([CASEOPS, "train_shards: 1499"], {"training-data"}),
        ([CASEOPS, "train_shards: 80"], set()),
        (["  datasets_dir: ./d/fineweb10B_sp1024", "train_shards: 195"], set()),  # the challenge's own split
    ],
)
def test_coverage_and_training_data_are_judged_by_the_set(tmp_path: Path, lines: list[str], code: set[str]) -> None:
    score = "quantized_ttt_phased val_bpb:1.06000000"
    content, details = judged(tmp_path, {"val_bpb": 1.06}, a_seed1=[*lines, score])
    assert set(details) == code
    assert content["track"] == "unverified"


@pytest.mark.parametrize(
    ("loss", "code"), [("2.36321078", "set-name"), ("2.78949190", None), ("2.53590172", "byte-count")]
)
def test_a_caseops_set_is_known_by_its_unit_whatever_its_folders_name(
    tmp_path: Path, loss: str, code: str | None
) -> None:
    lines = ["  datasets_dir: ./data/fineweb10B_sp8192", f"quantized_ttt val_loss:{loss} val_bpb:1.07990000"]
    _, details = judged(tmp_path, {"val_bpb": 1.0799}, a_seed1=lines)
    assert list(details) == ([code] if code else [])


@pytest.mark.parametrize(
    ("first", "second", "setting"),
    [
        ("train_shards: 80", "train_shards: 143", "train_shards 80 / 143"),
        ("  gptq_reserve_seconds: 0.5", "  gptq_reserve_seconds: 4.0", "gptq_reserve_seconds 0.5 / 4.0"),
        ("gptq:reserving 4s, effective=1ms", "gptq:reserving 500ms", "gptq_reserve_seconds 4.0 / 0.5"),
    ],
)
def test_seeds_with_other_data_or_reserves_are_not_one_configuration(
    tmp_path: Path, first: str, second: str, setting: str
) -> None:
    scores = ["quantized_ttt val_loss:1.85 val_bpb:1.09900000", "quantized_ttt val_loss:1.85 val_bpb:1.10100000"]
    _, details = judged(tmp_path, {"val_bpb": 1.1}, a_seed1=[first, scores[0]], a_seed2=[second, scores[1]])
    assert details == {"mixed-settings": f"not one configuration: {setting}"}


@pytest.mark.parametrize("total", [["total_eval_time:570.0s"], []])
def test_an_evaluation_takes_what_ran_outside_its_timer_too(tmp_path: Path, total: list[str]) -> None:
    lines = ["ttt_lora:compile warmup done (100.0s)", "hints:precompute_outside_timer_done elapsed=160.50s",
             "quantized_ttt_phased val_loss:2.32 val_bpb:1.06000000 eval_time:570000ms", *total]  # fmt: skip
    _, details = judged(tmp_path, {"val_bpb": 1.06}, a_seed1=lines)
    assert details == {
        "time-process": "evaluation took 830.5 s as a whole (seed 1: eval.total + eval.compile + eval.outside)"
    }


def test_a_clock_of_zero_is_no_evidence_against_a_claim(tmp_path: Path) -> None:
    log = (
        "seed: 1\nstep:0/20000 val_loss:6.9 val_bpb:4.1 train_time:0ms\nquantized_ttt val_loss:1.8 val_bpb:1.10000000\n"
    )
    root = mini.write(tmp_path, {"val_bpb": 1.1, "train_time_seconds": 590}, a=log)
    made = record.build_record(folder.read_folder(root))
    listed = findings.judge_record(made)
    assert [finding.code for finding in listed] == ["single-seed"]
    assert entries.to_content(made, listed)["train_seconds"] == 590.0


def test_a_claimed_size_that_is_another_seeds_says_so(tmp_path: Path) -> None:
    sizes = {1: 15_900_000, 2: 15_910_000}
    logs = {
        f"a_seed{seed}": [f"Total submission size int6+brotli: {size} bytes",
                          f"quantized_ttt val_loss:1.85 val_bpb:1.0{98 + seed}00000"]
        for seed, size in sizes.items()
    }  # fmt: skip
    claims = {"val_bpb": 1.0995, "seeds": [1, 2], "bytes_total": 15_900_000}
    _, details = judged(tmp_path, claims, **logs)
    assert details["bytes-differ"] == (
        "15,900,000 bytes claimed, which are those of seed 1; the largest log (seed 2) says 15,910,000"
    )


SPREAD = {f"a_seed{seed}": [f"quantized_ttt val_loss:1.85 val_bpb:{bpb}"] for seed, bpb in
          {1: "1.09900000", 2: "1.10000000", 3: "1.10100000"}.items()}  # fmt: skip


@pytest.mark.parametrize(
    ("std", "code"),
    [
        (0.001, None),
        (0.000816, "population-std"),
        (0.000817, "population-std"),  # the population's, not quite as it rounds
        (0.00100016, "std-digits"),
        (0.0011, "std-differs"),
        (0.0009, "std-differs"),
    ],
)
def test_a_deviation_is_the_samples_the_populations_or_another(tmp_path: Path, std: float, code: str | None) -> None:
    _, details = judged(tmp_path, {"val_bpb": 1.1, "val_bpb_std": std, "seeds": [1, 2, 3]}, **SPREAD)
    assert list(details) == ([code] if code else [])


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"pr_number": 1855}, 1855),
        ({"pr": "#1855"}, 1855),
        ({"pull_request": "https://github.com/openai/parameter-golf/pull/1855"}, 1855),
        ({"pr": True}, None),
        ({"blurb": "builds on PR 1787"}, None),
    ],
)
def test_the_number_of_the_pull_request_and_the_time_of_the_logs_are_kept(
    tmp_path: Path, given: dict[str, Any], number: int | None
) -> None:
    lines = ["Tue Apr  7 12:26:06 2026", "quantized_ttt val_loss:1.85 val_bpb:1.10000000"]
    content, _ = judged(tmp_path, {"val_bpb": 1.1, **given}, a_seed1=lines)
    assert (content["pull_request"], content["evidence_time"]) == (number, 1_775_564_766.0)
