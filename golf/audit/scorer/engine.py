"""This project's own engine as a scorer, so that it is audited like any other."""

import numpy as np
from numpy.typing import NDArray

from golf.audit.scorer.checked_scorer import Tokens
from golf.data.tokens import Tokenizer
from golf.flops import document_flops
from golf.model.gpt import GPT
from golf.ttt.adapters import DrawA, uniform_a
from golf.ttt.engine import EvalConfig, evaluate

NOMINAL_FLOPS = {"cpu": 4e10, "cuda": 2e13}
"""Operations per second of a nominal core or GPU in float32: a part of their peak (an H100's is 67e12)."""
CALL_SECONDS = {"cpu": 0.003, "cuda": 0.03}
"""Nominal overhead of a call; on a GPU that of starting a few thousand kernels."""


class EngineScorer:
    """Scores documents by golf.ttt.evaluate with a fixed model, settings and adapter seed."""

    def __init__(
        self,
        model: GPT,
        config: EvalConfig,
        *,
        seed: int = 0,
        draw: DrawA = uniform_a,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        """Wrap a model; with a tokenizer the scorer also declares its byte counts."""
        self._model, self._config, self._seed, self._draw = model, config, seed, draw
        if tokenizer is not None:
            self.byte_counts = tokenizer.byte_counts
        self._seconds = 0.0

    def __call__(self, documents: list[Tokens]) -> list[NDArray[np.float32]]:
        """The NLL at positions 1 … n − 1 of every document in nats, float32 [n − 1]."""
        work = sum(document_flops(document.size - 1, self._config, self._model.config) for document in documents)
        device = self._model.tok_emb.weight.device.type
        self._seconds += CALL_SECONDS[device] + work / NOMINAL_FLOPS[device]
        return list(evaluate(self._model, documents, self._config, seed=self._seed, draw=self._draw).token_nll)

    def clock(self) -> float:
        """Seconds that a nominal machine would have worked so far: the same on every machine."""
        return self._seconds
