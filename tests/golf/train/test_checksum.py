"""The checksum of weights: exact in any order, changed by any bit, and compared by rank."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golf.errors import RanksDiffer
from golf.train.checksum import COLUMNS, PRIME, WeightsChecksum, require_equal


def weights() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(shape, generator=generator) for shape in ((130, 64), (COLUMNS,), (), (5, 3))]


def plain(tensors: list[torch.Tensor]) -> int:
    """The same sum with Python's integers, which have no limit."""
    columns = [0] * COLUMNS
    bits = torch.cat([tensor.flatten() for tensor in tensors]).view(torch.int32).tolist()
    for place, value in enumerate(bits):
        columns[place % COLUMNS] += value
    wrapped = [(column + 2**31) % 2**32 - 2**31 for column in columns]
    return sum((place + 1) * column for place, column in enumerate(wrapped)) % PRIME


def test_it_is_the_sum_that_the_docstring_describes_and_fp32_holds_it() -> None:
    checksum = WeightsChecksum(weights()).compute()
    assert int(checksum) == plain(weights())
    assert int(checksum.float()) == int(checksum)


@given(tensor=st.integers(0, 3), place=st.integers(0, 10**6), bit=st.integers(0, 31))
def test_one_bit_of_one_weight_changes_it(tensor: int, place: int, bit: int) -> None:
    changed = weights()
    bits = changed[tensor].view(-1).view(torch.int32)
    bits[place % len(bits)] ^= torch.tensor(2**bit if bit < 31 else -(2**31), dtype=torch.int32)
    assert int(WeightsChecksum(changed).compute()) != int(WeightsChecksum(weights()).compute())


def test_opposite_changes_of_two_weights_do_not_cancel() -> None:
    changed = weights()
    bits = changed[0].view(-1).view(torch.int32)
    bits[0] += 1
    bits[1] -= 1
    assert int(WeightsChecksum(changed).compute()) != int(WeightsChecksum(weights()).compute())


def test_it_follows_the_weights_that_it_was_given() -> None:
    watched = weights()
    checksum = WeightsChecksum(watched)
    first = int(checksum.compute())
    watched[1][7] += 1
    assert int(checksum.compute()) != first


@pytest.mark.parametrize("checksums", [[], [5.0], [5.0, 5.0, 5.0]])
def test_equal_ranks_pass(checksums: list[float]) -> None:
    require_equal(checksums, 3)


def test_the_error_names_step_and_ranks() -> None:
    with pytest.raises(RanksDiffer) as caught:
        require_equal([5.0, 5.0, 7.0, 5.0], 16)
    assert str(caught.value) == (
        "training: after 16 steps the weights of rank 2 differ from those of rank 0, 1, 3; "
        "train again, and on other GPUs if that repeats"
    )
