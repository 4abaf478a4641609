"""The model family of PR 596 → 611 → 614: a U-Net transformer with hashed bigrams and a smear gate.

Letters of tensor shapes: B batch, T positions, D model dimension, V vocabulary, R rank, E head dimension, C positions
with a loss.

Parameter names are those of the public entries, so that their state dicts load unchanged.
"""

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf.model.attention import choose_kernel
from golf.model.config import ModelConfig
from golf.model.elementwise import rms_norm
from golf.model.head import head_loss
from golf.model.kernels import Attend
from golf.model.layers import BigramEmbedding, Block, LayerAdapters, SmearGate, rotary_table

__all__ = ["GPT", "ModelConfig"]

MIN_ORTHOGONAL = 64
"""Matrices with both sides at least this long are initialized orthogonal (PR 611)."""
TOKEN_EMBEDDING_STD = 0.005
"""Standard deviation of the initial token embedding (PR 611)."""


class Cache(Protocol):
    """Keys and values of earlier positions, to continue token by token; implemented in golf.proof.cache."""

    @property
    def length(self) -> int:
        """Positions in the cache."""
        ...

    def layer(self, index: int, attend: Attend) -> Attend:
        """Attention for one block that appends new keys and values and attends to all positions in the cache."""
        ...


class Adapters(Protocol):
    """The adapters of a whole model for one batch of documents."""

    def layer(self, index: int) -> LayerAdapters:
        """The adapters of one block."""
        ...

    def head(self) -> tuple[Tensor, Tensor] | None:
        """A [B, R, D] and B [B, V, R] of the head's adapters; None if it has none."""
        ...


class GPT(nn.Module):
    """The whole model: `hidden` computes states from tokens, `loss` and `logits` read states."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.tok_emb = nn.Embedding(config.vocab_size, config.model_dim)
        self.bigram = BigramEmbedding(config)
        self.smear = SmearGate(config)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.num_layers))
        self.skip_weights = nn.Parameter(torch.ones(config.num_layers // 2, config.model_dim))

    def __repr__(self) -> str:
        config, weights = self.config, sum(parameter.numel() for parameter in self.parameters())
        shape = f"{config.num_layers} layers, {config.model_dim} wide, vocabulary of {config.vocab_size:,}"
        return f"GPT({shape}, {weights:,} weights)"

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Initialize the weights in the order of their names from one CPU generator.

        Output projections, gate and bigram table are zero. Other matrices with both sides ≥ 64 are orthogonal (the
        bigram projection × 1/√(2L)), smaller ones uniform in ±1/√inputs. The token embedding is N(0, 0.005²). Source:
        PR 611.
        """
        for name, weight in sorted(self.named_parameters()):
            if name == "tok_emb.weight":
                nn.init.normal_(weight, std=TOKEN_EMBEDDING_STD, generator=generator)
            elif name == "bigram.embed.weight" or name.endswith((".attn.proj.weight", ".mlp.proj.weight")):
                nn.init.zeros_(weight)
            elif name.endswith(".weight"):
                if min(weight.shape) >= MIN_ORTHOGONAL:
                    gain = 1.0 / math.sqrt(2 * self.config.num_layers) if name == "bigram.proj.weight" else 1.0
                    nn.init.orthogonal_(weight, gain=gain, generator=generator)
                else:
                    bound = 1.0 / math.sqrt(weight.shape[1])
                    nn.init.uniform_(weight, -bound, bound, generator=generator)

    def rotary(self, length: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines [length, E/2] for one window of `length` positions, on the model's device."""
        c = self.config
        return rotary_table(length, c.head_dim, c.rope_base, c.rope_length, self.tok_emb.weight.device)

    def hidden(
        self,
        tokens_BT: Tensor,
        *,
        dtype: torch.dtype = torch.float32,
        rotary: tuple[Tensor, Tensor] | None = None,
        adapters: Adapters | None = None,
        last: int | None = None,
        attend: Attend | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Normalized states after the last block, [B, T, D], or of the `last` positions only, [B, last, D].

        Args:
            tokens_BT: int64; each row is a window with its own positions, bigrams and smear.
            dtype: of the computation and the result.
            rotary: tables of `rotary`; for T positions by default.
            adapters: test-time adapters of each row's document.
            last: how many positions need states; all by default.
            attend: the attention kernel; the device's best one by default.
            cache: keys and values of the first positions of the rows. Only the others, at least one, are computed, and
                are appended to the cache.
        """
        attend = attend or choose_kernel("auto", tokens_BT.device, dtype, head_dim=self.config.head_dim).attend
        positions, known = tokens_BT.shape[1], 0 if cache is None else cache.length
        cos, sin = (table[..., known:positions, :].to(dtype) for table in (rotary or self.rotary(positions)))
        x = x0 = self._embed(tokens_BT, known, dtype)
        skips: list[Tensor] = []
        half = len(self.blocks) // 2
        for layer, block in enumerate(self.blocks):
            if half <= layer < 2 * half:
                x = x + self.skip_weights[layer - half].to(dtype) * skips.pop()
            needed = last if last is not None and layer == len(self.blocks) - 1 else x.shape[1]
            adapted = None if adapters is None else adapters.layer(layer)
            read = attend if cache is None else cache.layer(layer, attend)
            x = block(x, x0, (cos, sin), adapted, needed, read)
            if layer < half:
                skips.append(x)
        return rms_norm(x)

    def _embed(self, tokens_BT: Tensor, known: int, dtype: torch.dtype) -> Tensor:
        """The input of the first block, from position `known` on, [B, T − known, D]."""
        # The smear gate needs the previous position, whose bigram needs the token before it.
        context = min(known, 2)
        tokens = tokens_BT[:, known - context :]
        x = self.tok_emb(tokens).to(dtype) + self.bigram(tokens, dtype)
        smeared: Tensor = self.smear(rms_norm(x))
        return smeared[:, context:]

    def loss(
        self, hidden_BCD: Tensor, targets_BC: Tensor, *, adapters: Adapters | None = None, scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """The differentiable `scale` · Σ nll, and the nll in nats, fp32 [B, C], of states from `hidden`."""
        return head_loss(
            hidden_BCD,
            self.tok_emb.weight,
            targets_BC,
            softcap=self.config.softcap,
            scale=scale,
            low_rank=None if adapters is None else adapters.head(),
        )

    def logits(self, hidden_BTD: Tensor, adapters: Adapters | None = None) -> Tensor:
        """Soft-capped logits cap·tanh(z / cap), fp32 [B, T, V], of states from `hidden`; tied embedding."""
        z = F.linear(hidden_BTD, self.tok_emb.weight.to(hidden_BTD.dtype))
        if adapters is not None and (low_rank := adapters.head()) is not None:
            a_BRD, b_BVR = low_rank
            z = torch.baddbmm(z, torch.bmm(hidden_BTD, a_BRD.mT), b_BVR.mT)
        cap = self.config.softcap
        return cap * torch.tanh(z.float() / cap)
