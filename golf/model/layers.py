"""The layers of the model family.

Letters of tensor shapes: B batch, T positions, D model dimension, H query heads, G key/value heads, E head dimension,
M the last positions of a window, F hidden units of the MLP.

Parameter names are those of the public entries, so that their state dicts load unchanged.
"""

import math
from functools import lru_cache
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf.model.config import ModelConfig
from golf.model.elementwise import rms_norm, rotate, squared_relu
from golf.model.kernels import Attend

BIGRAM_SCALE = 0.05
"""Initial scale of the bigram embedding (PR 611)."""


class LayerAdapters(Protocol):
    """The adapters of one block for test-time training; implemented in golf.ttt.adapters."""

    def project(self, kind: str, x: Tensor, weight: Tensor) -> Tensor:
        """Multiply x by a matrix and its adapter of kind q, k, v, o, fc or proj."""
        ...

    def shift(self, x: Tensor) -> Tensor:
        """Add the bias adapter to the block's output."""
        ...


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # tables cached while scoring must also work in training
def rotary_table(
    length: int, head_dim: int, base: float, trained_length: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cosines and sines [length, head_dim / 2] in fp32 for a window of `length` positions.

    Beyond the trained length the base is multiplied by (length / trained)^(E / (E − 2)) (NTK-aware scaling, PR 611).
    """
    if length > trained_length:
        base = base * (length / trained_length) ** (head_dim / (head_dim - 2))
    frequency = 1.0 / (base ** (torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim))
    angle = torch.outer(torch.arange(length, dtype=torch.float32, device=device), frequency)
    return angle.cos(), angle.sin()


class Linear(nn.Module):
    """A linear layer without bias; its fp32 weight is cast to the input's dtype."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x: Tensor, adapters: "LayerAdapters | None" = None, kind: str = "") -> Tensor:
        """x·Wᵀ, plus the adapter of this kind if there are adapters."""
        if adapters is not None:
            return adapters.project(kind, x, self.weight)
        return F.linear(x, self.weight.to(x.dtype))


class Attention(nn.Module):
    """Grouped-query attention with RMS-normed and rotated queries and keys; queries are scaled by a gain per head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.num_heads, self.num_kv_heads, self.head_dim = config.num_heads, config.num_kv_heads, config.head_dim
        kv_dim = config.num_kv_heads * config.head_dim
        self.c_q = Linear(config.model_dim, config.model_dim)
        self.c_k = Linear(config.model_dim, kv_dim)
        self.c_v = Linear(config.model_dim, kv_dim)
        self.proj = Linear(config.model_dim, config.model_dim)
        self.q_gain = nn.Parameter(torch.full((config.num_heads,), config.q_gain))

    def forward(
        self, x_BTD: Tensor, rotary: tuple[Tensor, Tensor], adapters: LayerAdapters | None, last: int, attend: Attend
    ) -> Tensor:
        """Attention output of the last `last` of T positions, [B, last, D]."""
        B, T, _ = x_BTD.shape
        from_BMD = x_BTD[:, T - last :]
        q = self.c_q(from_BMD, adapters, "q")
        k, v = self.c_k(x_BTD, adapters, "k"), self.c_v(x_BTD, adapters, "v")
        cos, sin = rotary
        q_BMHE = rms_norm(q.view(B, last, self.num_heads, self.head_dim))
        k_BTGE = rms_norm(k.view(B, T, self.num_kv_heads, self.head_dim))
        q_BHME = rotate(q_BMHE.transpose(1, 2), cos[..., T - last :, :], sin[..., T - last :, :])
        k_BGTE = rotate(k_BTGE.transpose(1, 2), cos, sin)
        v_BGTE = v.view(B, T, self.num_kv_heads, self.head_dim).transpose(1, 2)
        q_BHME = q_BHME * self.q_gain.to(q.dtype)[:, None, None]
        read_BMD = attend(q_BHME, k_BGTE, v_BGTE).transpose(1, 2).reshape(B, last, -1)
        out_BMD: Tensor = self.proj(read_BMD, adapters, "o")
        return out_BMD


class MLP(nn.Module):
    """Two linear layers with relu² between them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.fc = Linear(config.model_dim, config.mlp_hidden)
        self.proj = Linear(config.mlp_hidden, config.model_dim)

    def forward(self, x_BTD: Tensor, adapters: LayerAdapters | None) -> Tensor:
        hidden_BTF = squared_relu(self.fc(x_BTD, adapters, "fc"))
        out_BTD: Tensor = self.proj(hidden_BTF, adapters, "proj")
        return out_BTD


class Block(nn.Module):
    """x ← mix0·x + mix1·x0; x += d·attn_scale·attn(norm x); x += d·mlp_scale·mlp(norm x); d = 1/√(layer + 1)."""

    depth_scale: Tensor

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.attn = Attention(config)
        self.mlp = MLP(config)
        self.attn_scale = nn.Parameter(torch.ones(config.model_dim))
        self.mlp_scale = nn.Parameter(torch.ones(config.model_dim))
        self.resid_mix = nn.Parameter(torch.stack((torch.ones(config.model_dim), torch.zeros(config.model_dim))))
        self.register_buffer("depth_scale", torch.tensor(1.0 / math.sqrt(layer + 1)))

    def forward(
        self,
        x: Tensor,
        x0: Tensor,
        rotary: tuple[Tensor, Tensor],
        adapters: LayerAdapters | None,
        last: int,
        attend: Attend,
    ) -> Tensor:
        """The block's output at the last `last` positions; the others are only attended to."""
        mix = self.resid_mix.to(x.dtype)
        d = self.depth_scale.to(x.dtype)
        x = torch.addcmul(mix[0] * x, mix[1], x0)
        read = self.attn(rms_norm(x), rotary, adapters, last, attend)
        x = torch.addcmul(x[:, x.shape[1] - last :], d * self.attn_scale.to(x.dtype), read)
        x = torch.addcmul(x, d * self.mlp_scale.to(x.dtype), self.mlp(rms_norm(x), adapters))
        return x if adapters is None else adapters.shift(x)


class BigramEmbedding(nn.Module):
    """A hashed embedding table of token pairs, projected to the model's dimension and scaled."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed = nn.Embedding(config.bigram_buckets, config.bigram_dim)
        self.proj = Linear(config.bigram_dim, config.model_dim)
        self.scale = nn.Parameter(torch.tensor(BIGRAM_SCALE))

    def bucket(self, tokens_BT: Tensor) -> Tensor:
        """Bucket of every position, int64 [B, T]: a hash of the last two tokens; the last one at a window's start."""
        t = tokens_BT.to(torch.int32)
        last = self.embed.num_embeddings - 1
        hashed = torch.bitwise_xor(36313 * t[:, 1:], 27191 * t[:, :-1]) % last
        return F.pad(hashed, (1, 0), value=last).long()

    def forward(self, tokens_BT: Tensor, dtype: torch.dtype) -> Tensor:
        pairs = self.embed(self.bucket(tokens_BT)).to(dtype)
        projected: Tensor = self.proj(pairs)
        return projected * self.scale.to(dtype)


class SmearGate(nn.Module):
    """x[i] ← (1 − g)·x[i] + g·x[i−1] with g = sigmoid(gate) per channel, and x[−1] = 0 at a window's start."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(config.model_dim))

    def forward(self, x_BTD: Tensor) -> Tensor:
        g = torch.sigmoid(self.gate).to(x_BTD.dtype)
        before = F.pad(x_BTD[:, :-1], (0, 0, 1, 0))
        return (1 - g) * x_BTD + g * before
