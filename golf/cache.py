"""Keys and values of positions already computed, so that a model can go on token by token.

A cache belongs to one window and one state of the adapters: when either changes, a new one is begun.

Letters of tensor shapes: B windows, G key/value heads, T positions, M new positions, E head dimension.
"""

import torch
from torch import Tensor

from golf.model import ModelConfig


class LayerCache:
    """Rotated keys and values of one block, fp32 [B, G, T, E], with room for a whole window."""

    def __init__(self, model: ModelConfig, rows: int, positions: int) -> None:
        shape = (2, rows, model.num_kv_heads, positions, model.head_dim)
        self._keys, self._values = torch.empty(shape).unbind()
        self.length = 0

    def extend(self, k_BGME: Tensor, v_BGME: Tensor) -> tuple[Tensor, Tensor]:
        """Append new positions; keys and values of all so far, as views."""
        known, self.length = self.length, self.length + k_BGME.shape[2]
        self._keys[:, :, known : self.length] = k_BGME
        self._values[:, :, known : self.length] = v_BGME
        return self._keys[:, :, : self.length], self._values[:, :, : self.length]


class WindowCache:
    """The caches of all blocks of a model for a batch of windows."""

    def __init__(self, model: ModelConfig, rows: int, positions: int) -> None:
        """Make room for `rows` windows of at most `positions` positions, on the CPU."""
        self._layers = [LayerCache(model, rows, positions) for _ in range(model.num_layers)]

    @property
    def length(self) -> int:
        """Positions that are known."""
        return self._layers[0].length

    def layer(self, index: int) -> LayerCache:
        return self._layers[index]
