"""Scores under names of their own, clocks beside the script's own, and digits that were cut off."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs import agree, cut
from tests.jobs.logs.samples import read_lines as log_of


def test_bits_per_byte_in_any_field_are_read_under_the_lines_and_the_fields_name() -> None:
    log = log_of(
        "final_sliding_window_exact sliding_bpb:1.14800000 val_bpb:0.94000000",
        "ppm_mix bytes=27000000 mix_bpb=0.901500 ppm_only=2.08 time:90.5s",
        "ppm_mix bytes=27000000 mix_bpb=0.901600",
        "step:7/9 mix_bpb:0.5 train_time:1ms",
        "previous_best val_bpb:1.0",
    )
    assert {name: str(score.bpb) for name, score in log.own_scores.items()} == {
        "final_sliding_window sliding_bpb": "1.14800000",
        "final_sliding_window val_bpb": "0.94000000",
        "ppm_mix mix_bpb": "0.901600",
    }
    assert log.scores == []


def test_a_score_in_a_usual_form_is_none_of_its_own() -> None:
    log = log_of("quantized_ttt val_loss:2.3 val_bpb:1.0670 nn_bpb:1.0800")
    assert [score.name for score in log.scores] == ["quantized_ttt"]
    assert list(log.own_scores) == ["quantized_ttt nn_bpb"]


def test_work_outside_the_timer_is_a_clock_and_repeats_add_up() -> None:
    log = log_of("tilt:precompute_outside_timer_done elapsed=160.50s", "cache:outside_timer time:500ms")
    assert log.clocks == {"eval.outside": 161.0}


def test_a_clock_of_zero_says_nothing_of_the_training() -> None:
    log = log_of("step:0/20 val_loss:6.9 val_bpb:4.1 train_time:0ms step_avg:0.02ms")
    assert (log.train_seconds, log.trains, log.clocks) == (None, False, {})


def test_a_log_is_as_old_as_its_last_stamp_else_as_the_machines_clock() -> None:
    machine = "Tue Apr  7 12:26:06 2026       "
    assert log_of(machine).written == 1_775_564_766
    assert log_of(machine, "1776000000.125 seed: 1", "1776000060.125 seed: 1").written == 1_776_000_060.125
    assert log_of("Tue Apr 31 12:26:06 2026").written is None


def test_the_reserve_is_one_setting_in_two_forms() -> None:
    assert log_of("gptq:reserving 12s, effective=588000ms").settings == {"gptq_reserve_seconds": "12.0"}
    assert log_of("gptq:reserving 500ms from training budget").settings == {"gptq_reserve_seconds": "0.5"}


def test_a_loss_without_bits_per_byte_is_of_another_contest() -> None:
    log = log_of("step:3000/3000 val_loss:3.270 train_time:678.2s step_avg:226.07ms")
    assert (log.prints_loss_alone, log.prints_bpb) == (True, False)
    ours = log_of("step:5/20 val_loss:2.0 val_bpb:1.19 train_time:5ms", "step:5/20 train_loss:2.0 train_time:5ms")
    assert (ours.prints_loss_alone, ours.prints_bpb) == (False, True)


@pytest.mark.parametrize(
    ("claimed", "printed", "same"),
    [("1.1002", "1.10026", True), ("1.1003", "1.10026", True), ("1.1001", "1.10026", False), ("1.19", "1.199", False)],
)
def test_digits_may_be_rounded_or_cut_off_but_not_so_few_that_anything_agrees(
    claimed: str, printed: str, same: bool
) -> None:
    assert agree(Decimal(claimed), Decimal(printed)) is same
    assert agree(Decimal(printed), Decimal(claimed)) is same


@given(st.decimals(0, 16, places=8), st.integers(3, 8))
def test_a_number_agrees_with_itself_cut_off(number: Decimal, digits: int) -> None:
    assert agree(cut(number, digits), number)
