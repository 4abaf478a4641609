"""Whether a node is too slow for a training that the clock bounds, whose score would suffer.

Jobs that differ by their seed alone take steps at the same rate on equal nodes. A training that is bounded by seconds
and takes 15 % fewer steps loses about 0.005 bits per byte, as much as a record gains; seeds alone differ by 0.0005.
"""

from collections.abc import Sequence
from statistics import median

SLOWEST_SHARE = 0.95
"""Of the usual rate: slower, a training loses about 0.0017 bits per byte, more than three deviations of its seeds."""
LEAST_SHOWN = 2
"""Rates of such jobs on other nodes that must be known."""


def is_slow(rate: float, others: Sequence[float]) -> bool:
    """Whether a node's rate is too low.

    Args:
        rate: steps per second of a job on the node.
        others: the rates of jobs that differ by their seed alone, on other nodes.
    """
    return len(others) >= LEAST_SHOWN and rate < SLOWEST_SHARE * median(others)
