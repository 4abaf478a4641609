"""Keys and values of earlier positions, so that a model can continue token by token.

A cache is valid for one window and one state of the adapters.

Letters of tensor shapes: B windows, H query heads, G key/value heads, T positions, M new positions, E head dimension.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from golf.model.gpt import ModelConfig
from golf.model.kernels import Attend


class WindowCache:
    """Rotated keys and values of every block for a batch of windows, allocated for all positions; fp32, on the CPU."""

    def __init__(self, model: ModelConfig, rows: int, positions: int) -> None:
        shape = (rows, model.num_kv_heads, positions, model.head_dim)
        self._layers = [_LayerCache(torch.empty(shape), torch.empty(shape)) for _ in range(model.num_layers)]

    @property
    def length(self) -> int:
        """Positions in the cache."""
        return self._layers[0].length

    def layer(self, index: int, attend: Attend) -> Attend:
        """Attention for one block that appends new keys and values and attends to all positions in the cache."""
        layer = self._layers[index]

        def attend_to_all(q_BHME: Tensor, k_BGME: Tensor, v_BGME: Tensor) -> Tensor:
            return attend(q_BHME, *layer.extend(k_BGME, v_BGME))

        return attend_to_all


@dataclass(slots=True)
class _LayerCache:
    """Keys and values of one block; the first `length` positions are filled."""

    keys_BGTE: Tensor
    values_BGTE: Tensor
    length: int = 0

    def extend(self, k_BGME: Tensor, v_BGME: Tensor) -> tuple[Tensor, Tensor]:
        """Append new positions; returns keys and values of all positions so far, as views."""
        known, self.length = self.length, self.length + k_BGME.shape[2]
        self.keys_BGTE[:, :, known : self.length] = k_BGME
        self.values_BGTE[:, :, known : self.length] = v_BGME
        return self.keys_BGTE[:, :, : self.length], self.values_BGTE[:, :, : self.length]
