"""How exact a scorer's numbers are, measured on the numbers themselves: what two equal scores may differ by."""

from dataclasses import dataclass

import numpy as np

from golf.audit.scorer.black_box import Floats

FP32_BITS = 24
"""Significant bits of a float32; a scorer that returns float64 has often computed in less."""
LEAST_BITS = 8
"""Of a bfloat16: nothing coarser is believed to be rounding."""
ROUNDINGS = 2**10
"""An fp32 score is taken to be exact to this many roundings: 6e-5 relative. The engine's own batches differ by 3e-6."""
COARSE = 2.0**-7
"""A unit in the last place of a bfloat16, relative: more than this is not the rounding of another order of sums."""
REPEATED = 2.0**-9
"""The same for two calls on the same documents: what sums in no fixed order leave of half precision on a GPU."""
ROUGH = 1e-3
"""Nats: noise above this is half precision somewhere inside, however exact the losses look."""
SHIFT = 1e-4
"""Nats per token; a mean shift below this moves no score's fourth digit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Precision:
    """The measured precision of one scorer."""

    bits: int
    """Significant bits that all of its losses fit in, 8 … 24."""
    coarse: bool
    """Whether its losses look computed in half precision, even where sums of them need more bits."""
    noise: float = 0.0
    """Largest difference in nats of equal scores in different calls that was judged to be rounding."""

    @property
    def rough(self) -> bool:
        """Whether sums of its probabilities scatter about 1 by the roundings of half precision."""
        return self.coarse or self.noise > ROUGH

    def tolerance(self, nll: Floats) -> Floats:
        """What a loss may differ by between two calls, in nats."""
        tolerance: Floats = rounding(nll) + 2 * half_spacing(nll, self.bits) + 2 * self.noise
        return tolerance

    def sum_tolerance(self, nll_V: Floats) -> float:
        """What the sum of exp(−nll) over a vocabulary may be off by.

        A loss that is off by δ carries exp(−nll)·δ into the sum; each may be off by half the spacing of floats at its
        own magnitude, all to the same side.
        """
        p_V = np.exp(-nll_V)
        return float((p_V * (rounding(nll_V) + 1.25 * half_spacing(nll_V, self.bits) + self.noise)).sum())


def measure(losses: list[Floats]) -> Precision:
    """Read the precision off some losses."""
    values = np.concatenate(losses)
    bits = significant_bits(values[values > 0])
    widest = int(bits.max(initial=LEAST_BITS))
    short = bool(bits.size) and float((bits <= 16).mean()) > 0.25
    return Precision(bits=min(max(widest, LEAST_BITS), FP32_BITS), coarse=short)


def significant_bits(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many significant bits each value needs, int64."""
    mantissa, _ = np.frexp(values)
    whole = (mantissa * 2.0**53).astype(np.int64)
    return 53 - np.log2((whole & -whole).astype(np.float64)).astype(np.int64)


def half_spacing(nll: Floats, bits: int) -> Floats:
    """Half the distance of neighboring floats of so many bits at each loss."""
    _, exponent = np.frexp(nll)
    spacing: Floats = np.where(nll > 0, np.ldexp(0.5, exponent - bits), 0.0)
    return spacing


def rounding(nll: Floats) -> Floats:
    """What fp32 arithmetic may be off by, in nats."""
    bound: Floats = ROUNDINGS * 2.0**-FP32_BITS * (1 + nll)
    return bound


def is_noise(difference: Floats, nll: Floats, limit: float = COARSE) -> bool:
    """Whether differences of scores that ought to be equal look like rounding in half precision.

    Small, on many tokens at once, and without a direction: batches that change the order of sums do this. A leak has a
    direction, or sits at few tokens.
    """
    if np.any(np.abs(difference) > limit * (1 + nll)) or np.mean(difference != 0) < 0.25:
        return False
    error = float(difference.std()) / np.sqrt(difference.size)
    return bool(abs(difference.mean()) <= max(4 * error, SHIFT))
