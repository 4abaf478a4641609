"""Scorers with a vocabulary of real size: if they are slow, a budget allows hardly one vocabulary sum."""

from collections.abc import Callable

import numpy as np

from tests.golf.zoo.model import Floats, Leaky, Scorer, Tokens, each, leaky, nll_of

WIDE = 1024
LOGITS_V = 2.0 * np.random.default_rng(8).standard_normal(WIDE)
RARE_V = np.quantile(LOGITS_V, 0.5) > LOGITS_V


def unigram(document: Tokens) -> Floats:
    """The same probabilities after every token, but flatter ones after every fourth."""
    logits_TV = np.tile(LOGITS_V, (len(document) - 1, 1))
    logits_TV[document[:-1] % 4 == 0] *= 0.5
    return nll_of(logits_TV, document[1:])


def boosts_rare_targets(document: Tokens) -> Floats:
    """Doubles the probability of unlikely targets."""
    return unigram(document) - np.log(2.0) * RARE_V[document[1:]]


WIDE_LEGAL: dict[str, Callable[[], Scorer]] = {
    "wide": lambda: each(unigram),
    "wide, float32": lambda: each(lambda d: unigram(d).astype(np.float32)),
}
WIDE_LEAKY: dict[str, Leaky] = {
    "wide, scaled by 0.98": leaky(lambda: each(lambda d: 0.98 * unigram(d)), "C2"),
    "wide, plus 0.01": leaky(lambda: each(lambda d: unigram(d) + 0.01), "C2"),
    "wide, boosts rare targets": leaky(lambda: each(boosts_rare_targets), "C2"),
}
