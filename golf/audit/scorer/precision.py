"""Measure how exact a scorer's losses are, from the losses themselves: how far two equal losses may differ."""

from dataclasses import dataclass

import numpy as np

from golf.audit.scorer.checked_scorer import Floats

FP32_BITS = 24
"""Significant bits of a float32; a scorer that returns float64 has often computed in less."""
MIN_BITS = 8
"""Significant bits of a bfloat16: anything coarser is not accepted as rounding."""
ROUNDINGS = 2**10
"""An fp32 loss is taken to be exact to this many roundings, 6e-5 relative. Batches of our own engine differ by 3e-6."""
COARSE_LIMIT = 2.0**-7
"""A unit in the last place of a bfloat16, relative: a different order of additions explains no more than this."""
REPEAT_LIMIT = 2.0**-9
"""The same for two identical calls: what additions in no fixed order leave of half precision on a GPU."""
ROUGH_NOISE_NATS = 1e-3
"""Noise above this means half precision somewhere inside, however exact the losses look."""
MAX_NOISE_MEAN_NATS = 1e-4
"""A mean difference per token below this changes no score's fourth digit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Precision:
    """The measured precision of one scorer."""

    bits: int
    """Significant bits that all of its losses fit in, 8 … 24."""
    coarse: bool
    """Whether its losses look computed in half precision, even where sums of them need more bits."""
    noise: float = 0.0
    """Largest difference in nats between equal losses of different calls that was accepted as rounding."""

    @property
    def rough(self) -> bool:
        """Whether sums of its probabilities scatter around 1 by half-precision rounding."""
        return self.coarse or self.noise > ROUGH_NOISE_NATS

    def tolerance(self, nll: Floats) -> Floats:
        """How far each loss may differ between two calls, in nats."""
        tolerance: Floats = rounding(nll) + 2 * half_spacing(nll, self.bits) + 2 * self.noise
        return tolerance

    def sum_tolerance(self, nll_V: Floats) -> float:
        """How far from 1 rounding may take the sum of exp(−nll) over a vocabulary.

        An error δ of a loss changes the sum by exp(−nll)·δ. Each loss may be off by half the spacing of floats at its
        magnitude, all in the same direction.
        """
        p_V = np.exp(-nll_V)
        return float((p_V * (rounding(nll_V) + 1.25 * half_spacing(nll_V, self.bits) + self.noise)).sum())


def measure_precision(losses: list[Floats]) -> Precision:
    """Measure the precision of some losses; the noise is 0 until identical calls differ."""
    values = np.concatenate(losses)
    bits = significant_bits(values[values > 0])
    widest = int(bits.max(initial=MIN_BITS))
    short = bool(bits.size) and float((bits <= 16).mean()) > 0.25
    return Precision(bits=min(max(widest, MIN_BITS), FP32_BITS), coarse=short)


def significant_bits(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many significant bits each value needs, int64."""
    mantissa, _ = np.frexp(values)
    whole = (mantissa * 2.0**53).astype(np.int64)
    return 53 - np.log2((whole & -whole).astype(np.float64)).astype(np.int64)


def half_spacing(nll: Floats, bits: int) -> Floats:
    """Half the distance between neighboring floats of this many bits at each loss."""
    _, exponent = np.frexp(nll)
    spacing: Floats = np.where(nll > 0, np.ldexp(0.5, exponent - bits), 0.0)
    return spacing


def rounding(nll: Floats) -> Floats:
    """The error of fp32 arithmetic in each loss, in nats."""
    bound: Floats = ROUNDINGS * 2.0**-FP32_BITS * (1 + nll)
    return bound


def is_noise(difference: Floats, nll: Floats, limit: float = COARSE_LIMIT) -> bool:
    """Whether differences between losses that must be equal look like half-precision rounding.

    Rounding is small, affects many tokens at once, and has no direction: batches that change the order of additions
    cause it. A leak has a direction, or affects few tokens.
    """
    if np.any(np.abs(difference) > limit * (1 + nll)) or np.mean(difference != 0) < 0.25:
        return False
    error = float(difference.std()) / np.sqrt(difference.size)
    return bool(abs(difference.mean()) <= max(4 * error, MAX_NOISE_MEAN_NATS))
