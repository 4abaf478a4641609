"""What no legal adaptation explains: leaks that a log names, and gains that no legal entry has shown."""

from pathlib import Path
from typing import Any

import pytest

from sweeps.records import entries, record
from sweeps.records.judging import findings
from sweeps.records.reading import folder
from tests.sweeps.records import miniature as mini

ROUNDTRIP = "final_int6_roundtrip_exact val_loss:1.97 val_bpb:1.15000000"
ALIAS = "final_int8_zlib_roundtrip_exact val_loss:1.88 val_bpb:1.11780000"
SLIDING = "final_int6_sliding_window_exact val_loss:1.88 val_bpb:1.11780000"


def judged(root: Path, claim: float, *lines: str, train_ms: int = 599_000) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of a record of one log, and its findings."""
    head = ["seed: 1", f"step:5000/20000 val_loss:2.0 val_bpb:1.1900 train_time:{train_ms}ms"]
    log = "\n".join([*head, *lines, ""])
    made = record.build_record(folder.read_folder(mini.write(root, {"val_bpb": claim, "seeds": [1]}, train_seed1=log)))
    listed = findings.judge_record(made)
    details = {finding.code: finding.detail for finding in listed if finding.code != "single-seed"}
    return entries.to_content(made, listed), details


@pytest.mark.parametrize(
    ("lines", "bpb", "flagged"),
    [
        ([SLIDING, "legal_ttt_exact val_loss:1.8 val_bpb:{}"], 1.1048, False),
        ([SLIDING, "legal_ttt_exact val_loss:1.8 val_bpb:{}"], 1.1047, True),  # over 0.013 below the sliding windows
        ([ROUNDTRIP, "quantized_ttt_phased val_loss:1.8 val_bpb:{}"], 1.1010, False),
        ([ROUNDTRIP, "quantized_ttt_phased val_loss:1.8 val_bpb:{}"], 1.1009, True),  # over 0.036 + 0.013 below windows
        (
            [SLIDING, ALIAS, "legal_ttt_exact val_loss:1.8 val_bpb:{}"],
            1.1047,
            True,
        ),  # the plain name is the windows' here
        ([ROUNDTRIP, SLIDING, "quantized_ttt_phased val_loss:1.8 val_bpb:{}"], 1.1020, False),  # either may explain it
        (
            [ROUNDTRIP, "final_sliding_window_exact val_loss:1.8 val_bpb:{}"],
            1.0500,
            True,
        ),  # no metric is above suspicion
        (["quantized_ttt_phased val_loss:1.8 val_bpb:{}"], 1.0500, False),
        (["quantized_ttt_phased val_loss:1.8 val_bpb:{}"], 1.0499, True),  # lower than any accepted record
        ([f"{ROUNDTRIP.replace('1.15', '1.06')}", "quantized_ttt_phased val_loss:1.8 val_bpb:{}"], 1.0499, True),
    ],
)
def test_a_gain_that_nothing_legal_explains_is_a_remark(
    tmp_path: Path, lines: list[str], bpb: float, flagged: bool
) -> None:
    content, details = judged(tmp_path, bpb, *(line.format(f"{bpb:.8f}") for line in lines))
    assert set(details) == ({"implausible-gain"} if flagged else set())
    assert content["track"] == "unverified"
    if flagged:
        assert details["implausible-gain"].endswith("nothing in the log explains it")


def test_a_training_of_unlimited_compute_may_go_lower(tmp_path: Path) -> None:
    _, details = judged(tmp_path, 1.0, "final_int6_roundtrip val_loss:1.7 val_bpb:1.00000000", train_ms=14_400_000)
    assert set(details) == {"time"}


def test_a_low_claim_without_any_log_is_implausible_too(tmp_path: Path) -> None:
    made = record.build_record(folder.read_folder(mini.write(tmp_path, {"val_bpb": 0.0935})))
    details = {finding.code: finding.detail for finding in findings.judge_record(made)}
    assert details["implausible-gain"].startswith("0.0935 is claimed and no log gives it")


def test_slot_is_named_with_its_gain(tmp_path: Path) -> None:
    content, details = judged(tmp_path, 0.63, SLIDING, "slot_exact val_loss:1.07 val_bpb:0.63000000")
    assert set(details) == {"slot", "implausible-gain"}
    assert "0.4878 bits per byte below final_int6_sliding_window 1.11780000" in details["implausible-gain"]
    assert details["implausible-gain"].endswith("SLOT is in use")
    assert content["track"] == "unverified"


PREQUANT = [
    "pre-quantization post-ema val_loss:2.3 val_bpb:1.07000000",
    "prequant_ttt: epoch 21/21 loss:2.1",
    "post-prequant-ttt val_loss:2.2 val_bpb:1.00000000",
]


@pytest.mark.parametrize(
    ("claim", "lines", "code", "words"),
    [
        (1.06, [*PREQUANT, "quantized_sliding_window val_loss:2.2 val_bpb:1.06000000"], "C3", "21 epochs over the"),
        (1.11, ["ttt:epoch 1/3 loss:1.9", "ttt:epoch 2/3 loss:1.8", "ttt:epoch 3/3 loss:1.7", SLIDING.replace(
            "1.1178", "1.1100")], "C3", "3 epochs over the validation set before final_int6_sliding_window"),
        (0.82, [ROUNDTRIP, "final_eval_mode:ttt_lora rank:8 epochs:5 chunk:256",
                "final_ttt_exact val_loss:1.38 val_bpb:0.82000000"], "C3", "trains 5 epochs on what it scores"),
        (0.82, ["  ttt_epochs: 5", ROUNDTRIP, "final_ttt_exact val_loss:1.38 val_bpb:0.82000000"], "C3", "trains 5"),
        (0.10, ["ngram_two_pass: Pass 2 done val_bpb=0.10", "ngram_two_pass_exact val_loss:0.17 val_bpb:0.10000000"],
         "C4", 'second pass over tokens that were scored before ("ngram_two_pass: Pass 2 done'),
        (0.10, [ROUNDTRIP, "two-pass rescoring: 63 chunks done", "final_ngram_exact val_loss:0.17 val_bpb:0.10000000"],
         "C4", "final_ngram comes from a second pass"),
        (0.10, [ROUNDTRIP, "two-pass rescoring: 63 chunks done", "final_int8_roundtrip val_loss:0.1 val_bpb:0.1000"],
         "C4", "final_int8_roundtrip comes from a second pass"),  # whatever name the score has
    ],
)  # fmt: skip
def test_a_leak_that_its_own_log_names_flags_a_record(
    tmp_path: Path, claim: float, lines: list[str], code: str, words: str
) -> None:
    content, details = judged(tmp_path, claim, *lines)
    assert words in details[code]
    assert content["track"] == "flagged"


@pytest.mark.parametrize(
    "lines",
    [
        [SLIDING, "ttt:epoch 1/3 loss:1.9", "final_ttt_exact val_loss:1.8 val_bpb:1.11000000"],  # trained afterwards
        [SLIDING, "ngram_two_pass: Pass 2 done val_bpb=0.10", "final_ngram_exact val_loss:0.17 val_bpb:0.10000000"],
        ["  ttt_epochs: 3", "final_eval_mode:ttt_lora rank:8 epochs:3", SLIDING],  # as legal entries print
    ],
)
def test_what_does_not_concern_the_score_that_counts_is_held_against_nobody(tmp_path: Path, lines: list[str]) -> None:
    content, details = judged(tmp_path, 1.1178, *lines)
    assert set(details) - {"mixture"} <= {"other-protocol"}
    assert content["track"] == "unverified"


def test_a_mixture_is_named_where_it_counts(tmp_path: Path) -> None:
    _, details = judged(tmp_path, 1.11, SLIDING, "final_ngram_backoff_exact val_loss:1.8 val_bpb:1.11000000")
    assert set(details) == {"mixture"}
