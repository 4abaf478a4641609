"""The reader of logs that a contest's file describes by patterns."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sweeps.contests.catalog import contest_named
from sweeps.contests.log import TrainingLog
from sweeps.contests.readers.step_lines import read

RULER = "=" * 100
TRACK_3, TRACK_1 = (contest_named(name).log for name in ("modded-nanogpt-3", "modded-nanogpt-1"))
assert TRACK_3 is not None and TRACK_1 is not None


def read_text(text: str) -> TrainingLog:
    assert TRACK_3 is not None
    return read(TRACK_3, text.encode().splitlines(keepends=True))


def test_what_stands_before_the_first_ruler_is_source() -> None:
    log = read_text(f"step:5/9 val_loss:1.5 train_time:1s\n{RULER}\nstep:9/9 val_loss:3.2781 train_time:2s\n{RULER}\n")
    assert {step: validation.scores for step, validation in log.validations.items()} == {
        9: {"val_loss": Decimal("3.2781")}
    }


def test_scores_clock_and_machine_are_read() -> None:
    log = read_text(
        f"source\n{RULER}\nRunning on device_name=NVIDIA A40 with world_size=2\n{RULER}\n"
        "step:1/9 train_time:7s step_avg:7ms\n"
        "step:9/9 val_loss:3.28208 val_avg_loss:3.28207 val_ema_loss:3.27795 train_time:10.500s step_avg:3ms\n"
    )
    assert (log.gpu, log.gpus, log.planned_steps, log.trainings) == ("NVIDIA A40", 2, 9, 1)
    assert log.validations[9].scores == {
        "val_loss": Decimal("3.28208"),
        "val_avg_loss": Decimal("3.28207"),
        "val_ema_loss": Decimal("3.27795"),
    }
    assert log.validations[9].seconds == 10.5


def test_gpus_of_a_driver_table_are_counted_and_their_addresses_kept() -> None:
    assert TRACK_1 is not None
    rows = [
        f"|   {i}  NVIDIA H100 80GB HBM3          On  |   00000000:8{i}:00.0 Off |                    0 |\n"
        for i in range(2)
    ]
    text = f"source\n{RULER}\n{''.join(rows)}{RULER}\nstep:9/9 val_loss:3.2775 train_time:79532ms step_avg:57.22ms\n"
    log = read(TRACK_1, text.encode().splitlines(keepends=True))
    assert (log.gpu, log.gpus) == ("NVIDIA H100 80GB HBM3", 2)
    assert log.hosts == {"00000000:80:00.0", "00000000:81:00.0"}
    assert log.validations[9].seconds == 79.532


def test_steps_that_start_again_or_change_are_another_training() -> None:
    line = "step:{}/9 val_loss:{} train_time:1s\n"
    once = read_text(f"{RULER}\n" + line.format(5, "4.0") + line.format(9, "3.0") + line.format(9, "3.0"))
    again = read_text(f"{RULER}\n" + line.format(9, "3.0") + line.format(5, "3.1"))
    changed = read_text(f"{RULER}\n" + line.format(9, "3.0") + line.format(9, "3.1"))
    assert (once.trainings, again.trainings, changed.trainings) == (1, 2, 2)


def test_a_log_that_ends_within_a_score_does_not_give_it() -> None:
    assert read_text(f"{RULER}\nstep:9/9 val_loss:3.27").validations == {}
    assert read_text(f"{RULER}\nstep:9/9 val_loss:3.2781 train_time:2s").validations[9].scores


@given(st.lists(st.tuples(st.integers(0, 10**6), st.decimals(0, 12, places=5)), unique_by=lambda pair: pair[0]))
def test_every_validation_in_ascending_order_is_read_as_printed(pairs: list[tuple[int, Decimal]]) -> None:
    ordered = sorted(pairs)
    log = read_text(f"{RULER}\n" + "".join(f"step:{step}/9 val_loss:{loss} train_time:1s\n" for step, loss in ordered))
    assert [(step, validation.scores["val_loss"]) for step, validation in log.validations.items()] == ordered
    assert log.trainings == (1 if pairs else 0)


@given(
    st.lists(
        st.binary(max_size=80) | st.sampled_from([b"step:9/9 val_loss:3.2 train_time:1s\n", b"=" * 100]), max_size=20
    )
)
def test_any_bytes_give_a_log(lines: list[bytes]) -> None:
    assert TRACK_3 is not None
    log = read(TRACK_3, lines)
    assert all(validation.scores for validation in log.validations.values())
