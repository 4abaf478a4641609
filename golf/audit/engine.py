"""The project's own engine as a scorer like any other, so that it is judged through the same door."""

import numpy as np
from numpy.typing import NDArray

from golf.adapters import DrawA, uniform_a
from golf.audit.black_box import Scorer, Tokens
from golf.model import GPT
from golf.ttt import EvalConfig, evaluate


def engine_scorer(model: GPT, config: EvalConfig, seed: int = 0, draw: DrawA = uniform_a) -> Scorer:
    """What golf.ttt.evaluate gives for a model, its settings and the seed of the adapters' start."""

    def score(documents: list[Tokens]) -> list[NDArray[np.float32]]:
        return list(evaluate(model, documents, config, seed=seed, draw=draw).token_nll)

    return score
