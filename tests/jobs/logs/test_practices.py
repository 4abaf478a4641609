"""Practices of evaluation that lines of a log name, and lines that only look like it."""

import pytest

from jobs.logs import Practice, merge_logs, parse
from tests.jobs.logs.samples import read_lines

SCORE = "final_int6_roundtrip_exact val_loss:1.98 val_bpb:1.17000000"


def named(*lines: str) -> dict[Practice, str]:
    practices = read_lines(*lines).practices
    return {practice: line for practice in practices.lines if (line := practices.named(practice))}


@pytest.mark.parametrize(
    ("practice", "line"),
    [
        ("slot", "slot_enabled: True"),
        ("slot", "slot: steps:24 lr:0.01"),
        ("slot", "causal_slot_quick:start max_iter=25 focal=128"),
        ("second pass", "ngram_two_pass: Pass 2 done val_bpb=0.10"),
        ("second pass", "rescoring done, 63 chunks"),
        ("second pass", "ngram_full_rescore=1"),
        ("training before quantization", "prequant_ttt: epoch 3/21 loss:2.1"),
        ("training before quantization", "post-prequant-ttt val_loss:2.2 val_bpb:1.00000000"),
        ("training before scoring", "ttt:epoch 1/3 loss:1.95 time:20.0s"),
        ("training before scoring", "ttt_epoch:1/3 train loss:1.95"),
        ("training before scoring", "ttt_adam:epoch 1/6 loss:1.93 time:18.8s"),
        ("training before scoring", "dttt:epoch 1/10 loss:1.93 time:18.9s"),
        ("training before scoring", "ttt epoch:1/30 loss:2.01 lr:0.001 steps:60"),
    ],
)
def test_a_line_names_a_practice(practice: Practice, line: str) -> None:
    assert named("seed: 1", line, SCORE) == {practice: line}


@pytest.mark.parametrize(
    "line",
    [
        "no_slot: true",
        "slots: 8",
        "ngram_two_pass: Pass 1 done val_bpb=1.09",
        "  prequant_ttt_epochs: 21",
        "ttt_chunk [3/1893] bpb=1.09 epoch 1",
        "ttt_sliding:start chunks=1238 ttt_lr=0.005 ttt_epochs=3",
        "epoch 1/3 loss:2.0",
    ],
)
def test_a_line_of_something_else_names_none(line: str) -> None:
    assert named("seed: 1", line, SCORE) == {}


def test_what_is_switched_off_is_not_named() -> None:
    assert named("ngram_two_pass_enabled: False", "two-pass rescoring done") == {}
    assert named("slot_enabled=0", "slot: steps:24 lr:0.01") == {}


def test_the_scripts_source_names_nothing() -> None:
    lines = ["import torch", "slot_enabled: True", "ttt:epoch 1/3 loss:1", "=" * 100]
    assert named(*lines, SCORE) == {}
    assert named(*lines, "slot_enabled: True") == {"slot": "slot_enabled: True"}


def test_epochs_that_are_counted_for_each_chunk_are_no_training_on_the_whole_set() -> None:
    epochs = ["ttt:epoch 1/2 loss:1.9", "ttt:epoch 2/2 loss:1.8"]
    assert set(named(*epochs)) == {"training before scoring"}
    assert named(*epochs, *epochs) == {}


def test_only_scores_after_it_can_come_from_a_practice() -> None:
    log = parse(
        line.encode() + b"\n" for line in (SCORE, "ttt:epoch 1/1 loss:1", "final_ttt val_loss:1 val_bpb:1.1000")
    )
    before, after = log.scores
    assert log.practices.epochs == {"training before scoring": 1}
    assert [log.prints_after(score, "training before scoring") for score in (before, after)] == [False, True]


def test_of_a_run_in_two_files_later_scores_still_come_later() -> None:
    training, evaluation = (
        parse(line.encode() + b"\n" for line in lines)
        for lines in (["step:5/5 val_loss:2 val_bpb:1.2 train_time:9ms", SCORE], ["ttt:epoch 1/4 loss:1", SCORE])
    )
    merged = merge_logs([training, evaluation])
    assert merged.practices.scores_before == {"training before scoring": 1}
    assert (merged.steps, len(merged.scores), merged.practices.epochs) == (5, 2, {"training before scoring": 4})
