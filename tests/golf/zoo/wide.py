"""Scorers over as many tokens as real ones have: where they are slow, hardly a vocabulary can be added up."""

from collections.abc import Callable

import numpy as np

from tests.golf.zoo.model import Floats, Leaky, Scorer, Tokens, each, leaky, nll_of

WIDE = 1024
LOGITS_V = 2.0 * np.random.default_rng(8).standard_normal(WIDE)
RARE_V = np.quantile(LOGITS_V, 0.5) > LOGITS_V


def unigram(document: Tokens) -> Floats:
    """The same probabilities behind every token, but flatter ones behind every fourth."""
    logits_TV = np.tile(LOGITS_V, (len(document) - 1, 1))
    logits_TV[document[:-1] % 4 == 0] *= 0.5
    return nll_of(logits_TV, document[1:])


def boosts_what_is_rare(document: Tokens) -> Floats:
    """Targets that are told badly count as twice as likely."""
    return unigram(document) - np.log(2.0) * RARE_V[document[1:]]


WIDE_LEGAL: dict[str, Callable[[], Scorer]] = {
    "wide": lambda: each(unigram),
    "wide, float32": lambda: each(lambda d: unigram(d).astype(np.float32)),
}
WIDE_LEAKY: dict[str, Leaky] = {
    "wide, scaled by 0.98": leaky(lambda: each(lambda d: 0.98 * unigram(d)), "C2"),
    "wide, and 0.01": leaky(lambda: each(lambda d: unigram(d) + 0.01), "C2"),
    "wide, boosts what is rare": leaky(lambda: each(boosts_what_is_rare), "C2"),
}
