"""Whether a node is too slow."""

import pytest

from cluster.policy.speed import is_slow


@pytest.mark.parametrize(
    ("rate", "others", "slow"),
    [
        (8.5, [10.0, 10.1], True),
        (9.4, [10.0, 10.0, 3.0], True),
        (9.6, [10.0, 10.0], False),
        (10.0, [8.5, 8.4], False),
        (1.0, [10.0], False),  # a single other node may be the odd one
        (1.0, [], False),
    ],
)
def test_a_node_is_slow_against_what_others_have_shown(rate: float, others: list[float], slow: bool) -> None:
    assert is_slow(rate, others) is slow
