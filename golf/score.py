"""From nats to bits per byte, document by document."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LN2 = math.log(2.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    token_nll: tuple[NDArray[np.float32], ...]
    adapted: NDArray[np.bool_]

    @property
    def nll(self) -> NDArray[np.float64]:
        return np.array([float(one.sum(dtype=np.float64)) for one in self.token_nll])

    @property
    def tokens(self) -> NDArray[np.int64]:
        return np.array([one.size for one in self.token_nll], np.int64)

    @property
    def nll_per_token(self) -> float:
        return float(self.nll.sum() / self.tokens.sum())
