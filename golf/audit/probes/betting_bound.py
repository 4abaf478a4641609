"""A lower confidence bound for a mean that assumes nothing but values ≥ 0 (betting, Waudby-Smith & Ramdas 2024)."""

import math

import numpy as np

from golf.audit.scorer.checked_scorer import Floats

ERROR_PROBABILITY = 1e-5
"""Probability that a mean is below its bound, for the few bounds of an audit that are chosen beforehand."""
RARE_ERROR_PROBABILITY = 1e-7
"""The same for bounds of which an audit computes many."""
STAKES = np.linspace(0.05, 0.95, 19)
"""Shares of the capital that are bet in parallel."""


def mean_lower_bound(draws: Floats, error_probability: float = ERROR_PROBABILITY) -> float:
    """A lower bound for the mean of a variable ≥ 0, from independent draws [n] of it.

    Betting a share λ of the capital on each draw being above m ends with Π (1 + λ(x/m − 1)) times the initial capital.
    If the mean is m or less, the expected end capital is at most the initial one, so by Markov's inequality it exceeds
    1/error_probability times that with at most the error probability. The bound is the largest m against which all
    stakes together win that much.
    """

    def log_capital(m: float) -> float:
        logs_L = np.log1p(STAKES[:, None] * (draws / m - 1)).sum(axis=1)
        return float(np.logaddexp.reduce(logs_L)) - math.log(STAKES.size)

    low, high = -60.0, math.log2(max(float(draws.mean()), 2.0**-60))
    for _ in range(60):
        middle = (low + high) / 2
        won = log_capital(2.0**middle) > math.log(1 / error_probability)
        low, high = (middle, high) if won else (low, middle)
    return float(2.0**low)
