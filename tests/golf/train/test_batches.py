"""Batches are windows of one stream, for any number of processes, read one step ahead."""

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golf.data.stream import Stream
from golf.errors import InputError
from golf.model.gpt import ModelConfig
from golf.train.batches import Batches, check_stream, read_batch
from golf.train.config import TrainConfig
from golf.train.process_group import ProcessGroup

CONFIG = TrainConfig(steps=1, batch_tokens=12, seq_len=3, model=ModelConfig(vocab_size=100))
IDS = np.arange(31, dtype=np.uint16)
STREAM = Stream([IDS[:13], IDS[13:13], IDS[13:]])


def group(rank: int = 0, world: int = 1) -> ProcessGroup:
    return ProcessGroup(rank, world, torch.device("cpu"))


def test_a_step_reads_the_next_tokens_and_their_successors() -> None:
    inputs, targets = read_batch(STREAM, CONFIG, group(), 1)
    assert inputs.tolist() == [[12, 13, 14], [15, 16, 17], [18, 19, 20], [21, 22, 23]]
    assert torch.equal(targets, inputs + 1)
    assert inputs.dtype == targets.dtype == torch.int64


def test_the_stream_wraps_at_its_end() -> None:
    inputs, targets = read_batch(STREAM, CONFIG, group(), 2)
    assert inputs.flatten().tolist() == [24, 25, 26, 27, 28, 29, 30, 0, 1, 2, 3, 4]
    assert targets.flatten().tolist() == [25, 26, 27, 28, 29, 30, 0, 1, 2, 3, 4, 5]


@given(step=st.integers(0, 1000), world=st.sampled_from([1, 2, 4]))
def test_the_shares_of_all_ranks_are_the_batch_of_one(step: int, world: int) -> None:
    whole = read_batch(STREAM, CONFIG, group(), step)
    shares = [read_batch(STREAM, CONFIG, group(rank, world), step) for rank in range(world)]
    for side in (0, 1):
        assert torch.equal(torch.cat([share[side] for share in shares]), whole[side])


@pytest.mark.parametrize(
    ("tokens", "world", "message"),
    [
        (IDS[:1], 1, "1 tokens; expected at least 2"),
        (
            np.array([1, 100], dtype=np.uint16),
            1,
            "id 100 among the 13 from position 0 on; expected below train.model.vocab_size = 100",
        ),
        (np.array([1, -1]), 1, "id -1 among the 13 from position 0 on; expected at least 0"),
        (IDS, 3, "train.batch_tokens = 12: must be a multiple of seq_len × gpus = 3 × 3"),
    ],
)
def test_streams_and_batches_that_do_not_fit_are_input_errors(tokens: np.ndarray, world: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_stream(Stream([tokens]), CONFIG, group(0, world))
    assert message in str(caught.value)


def test_the_largest_id_of_the_vocabulary_is_accepted() -> None:
    check_stream(Stream([np.array([1, 99], dtype=np.uint16)]), CONFIG, group())


class Sparse(Stream):
    """A stream that remembers what was read of it."""

    def __init__(self) -> None:
        super().__init__([IDS])
        self.reads: list[tuple[int, int]] = []
        self.has_read_step_1 = threading.Event()

    def read(self, start: int, count: int) -> np.ndarray:
        self.reads.append((start, count))
        if start >= CONFIG.batch_tokens:
            self.has_read_step_1.set()
        return super().read(start, count)


def test_a_rank_reads_its_own_tokens_only() -> None:
    stream = Sparse()
    check_stream(stream, CONFIG, group(1, 2))
    with Batches(stream, CONFIG, group(1, 2), 0) as batches:
        for _ in range(2):
            batches.take()
    assert stream.reads[:3] == [(6, 7), (6, 7), (12 + 6, 7)]


def test_batches_are_those_of_consecutive_steps_from_any_step_on() -> None:
    with Batches(STREAM, CONFIG, group(), 3) as batches:
        for step in (3, 4, 5):
            for ours, expected in zip(batches.take(), read_batch(STREAM, CONFIG, group(), step), strict=True):
                assert torch.equal(ours, expected)


def test_the_next_batch_is_read_before_it_is_taken() -> None:
    stream = Sparse()
    with Batches(stream, CONFIG, group(), 0) as batches:
        batches.take()
        assert stream.has_read_step_1.wait(timeout=60)


def test_a_damaged_token_stops_the_step_that_would_train_on_it_and_leaves_no_thread() -> None:
    damaged = IDS.copy()
    damaged[20] = 100
    before = threading.active_count()
    with Batches(Stream([damaged]), CONFIG, group(), 0) as batches:
        batches.take()
        with pytest.raises(InputError, match="id 100 among the 13 from position 12 on"):
            batches.take()
    assert threading.active_count() == before
