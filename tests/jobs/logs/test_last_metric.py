"""A metric of which the last value counts, and lines of contests that print no bits per byte."""

import pytest

from golf.errors import InputError
from jobs.logs.live import LiveLog
from jobs.logs.metric import LAST, check_metric

STEP = LAST + r"^step:\d+/\d+ .*\bval_loss:(\d+\.\d+)"
LINES = b"step:0/50 val_loss:3.90 train_time:0s\nstep:25/50 val_loss:3.50 train_time:1s\n"


def test_the_last_value_of_a_line_that_is_printed_again_and_again_counts() -> None:
    live = LiveLog(STEP)
    live.feed("log.txt", LINES)
    assert live.metric().value == 3.5
    live.feed("log.txt", b"step:50/50 val_loss:3.27705 val_ema_loss:3.2 train_time:2s\nstep:50/50 train_time:2s\n")
    live.end()
    assert (live.metric().value, live.metric().name) == (3.27705, STEP)


def test_the_order_in_which_files_are_read_does_not_choose_the_value() -> None:
    whole, part = LINES + b"step:50/50 val_loss:3.27 train_time:2s\n", LINES
    for files in ([("log.txt", whole), ("own.txt", part)], [("own.txt", part), ("log.txt", whole)]):
        live, swapped = LiveLog(STEP), LiveLog(STEP)
        for (name, content), (other, _) in zip(files, reversed(files), strict=True):
            live.feed(name, content)
            swapped.feed(other, content)
        assert (live.metric().value, swapped.metric().value) == (3.27, 3.27)


def test_without_it_two_values_are_none() -> None:
    live = LiveLog(STEP.removeprefix(LAST))
    live.feed("log.txt", LINES)
    live.end()
    assert (live.metric().values, live.metric().value) == ((3.9, 3.5), None)


def test_what_follows_it_is_checked() -> None:
    check_metric(LAST + "legal_ttt_exact")
    with pytest.raises(InputError, match="2 groups"):
        check_metric(LAST + "(a)(b)")
