"""A training step on a GPU, without one: its whole work at full size, counted on the meta device."""

from typing import Any

import pytest
import torch

from golf.train.config import TrainConfig
from golf.train.learner import Learner
from golf.train.process_group import ProcessGroup
from tests.golf.device_mode import DeviceMode, MixedDtypes

CONFIG = TrainConfig(attention="sdpa")
ROWS = CONFIG.batch_tokens // CONFIG.gpus // CONFIG.seq_len
"""Windows of one rank of the contest's eight: one forward and backward pass."""


class Eight(ProcessGroup):
    """The first of eight ranks, whose all-reduce leaves its bucket as it is."""

    def sum_(self, tensor: torch.Tensor) -> None:
        """Check that it is one vector."""
        assert tensor.ndim == 1

    def share(self, content: bytes) -> bytes:
        """Rank 0 has the content already."""
        return content


def counted_step(rows: int = ROWS, dtype: torch.dtype | None = None, **watch: Any) -> DeviceMode:
    """The work of the second step, whose optimizers already have their state."""
    learner = Learner(CONFIG, Eight(0, 8, torch.device("meta")), torch.Generator(), dtype=dtype)
    batch = tuple(torch.zeros(rows, CONFIG.seq_len, dtype=torch.int64) for _ in range(2))
    for _ in range(2):
        with DeviceMode(**watch) as device:
            learner.step((batch[0], batch[1]), lr_scale=1.0, momentum=0.9, seconds=0.0)
    return device


def test_a_step_of_full_size_has_this_work() -> None:
    """Changes of these numbers are changes of a GPU's work: measure there what a larger one costs."""
    device = counted_step()
    # Eager: most are elementwise operations of eleven blocks, forward and backward, which the compiler fuses.
    assert device.launches == 2199
    assert device.kernels["mm"] == 203  # 6 matrices of 11 blocks and the bigram's, forward and twice backward, the head
    assert device.kernels["_scaled_dot_product_flash_attention_backward"] == 11
    assert device.kernels["baddbmm"] == 2 * 5 * 5  # two of each of 5 Newton–Schulz iterations for each of 5 shapes
    # Elementwise operations and casts move three quarters, the matrix products of the layers 17 %, attention 3 %.
    assert device.bytes == 304_172_992_840


def test_a_step_never_waits_for_the_device_but_for_one_readback() -> None:
    device = counted_step()
    assert (device.uploads, device.readbacks) == (2, 1)  # inputs, targets; the loss with its companions


def test_a_larger_share_of_the_batch_is_cut_into_passes_of_a_gpus_size() -> None:
    attention = "_scaled_dot_product_flash_attention"
    assert counted_step(2 * ROWS).kernels[attention] == 2 * counted_step(ROWS).kernels[attention]


def test_the_dtype_is_that_of_passes_and_optimizer() -> None:
    assert counted_step(dtype=torch.float32, dtypes=[torch.float32]).kernels["mm"] == 203
    with pytest.raises(MixedDtypes):
        counted_step(dtypes=[torch.float32])
