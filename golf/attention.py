"""Causal attention behind one entry point.

Letters of tensor shapes: B batch, T positions, H query heads, G key/value heads, E head dimension.
"""

import torch.nn.functional as F
from torch import Tensor


def causal_attention(q_BHTE: Tensor, k_BGTE: Tensor, v_BGTE: Tensor) -> Tensor:
    """Causal softmax attention, scaled by 1/√E; query head h reads key/value head ⌊h / (H/G)⌋.

    Args:
        q_BHTE: queries, [batch, heads, positions, head_dim].
        k_BGTE: keys, [batch, kv_heads, positions, head_dim].
        v_BGTE: values, like the keys.

    Returns:
        [batch, heads, positions, head_dim].
    """
    grouped = q_BHTE.shape[1] != k_BGTE.shape[1]
    return F.scaled_dot_product_attention(q_BHTE, k_BGTE, v_BGTE, is_causal=True, enable_gqa=grouped)
