"""The model family of PR 596 → 611 → 614: a U-Net transformer with hashed bigrams and a smear gate.

Letters of tensor shapes: B batch, T positions, D model dimension, V vocabulary, H query heads, G key/value heads,
E head dimension, F hidden units of the MLP.

Parameter names are those of the public entries, so that their state dicts load unchanged.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from golf.errors import InputError
from golf.model.attention import Attend, choose_kernel
from golf.model.elementwise import rms_norm, rotate, squared_relu
from golf.model.head import head_loss

ORTHOGONAL_FROM = 64  # matrices with both sides at least this long start orthogonal
TOKEN_EMBEDDING_STD = 0.005
BIGRAM_SCALE = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Shape and constants of one model; the defaults are PR 611's."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    num_layers: int = 11
    model_dim: int = 512
    num_heads: int = 8
    num_kv_heads: int = 4
    mlp_hidden: int = 1536
    vocab_size: int = 1024
    bigram_buckets: int = 2048
    bigram_dim: int = 128
    rope_base: float = 50_000.0
    rope_length: int = 1024
    """Windows longer than this get a larger rotary base (NTK scaling)."""
    softcap: float = 30.0
    q_gain: float = 1.5

    def __post_init__(self) -> None:
        for name in ("num_layers", "model_dim", "num_heads", "num_kv_heads", "mlp_hidden", "bigram_dim", "rope_length"):
            if getattr(self, name) < 1:
                raise InputError(f"train.model.{name} = {getattr(self, name)}: must be at least 1")
        if self.vocab_size < 2 or self.bigram_buckets < 2:
            raise InputError("train.model: vocab_size and bigram_buckets must be at least 2")
        heads = f"num_heads = {self.num_heads}"
        if self.model_dim % self.num_heads or self.head_dim % 2 or self.head_dim < 4:  # the rotary base needs E > 2
            raise InputError(f"train.model.model_dim = {self.model_dim}: must be an even multiple of {heads}, ≥ 4")
        if self.num_heads % self.num_kv_heads:
            raise InputError(f"train.model.num_kv_heads = {self.num_kv_heads}: must divide {heads}")
        if min(self.rope_base, self.softcap) <= 0:
            raise InputError("train.model: rope_base and softcap must be above 0")

    @property
    def head_dim(self) -> int:
        return self.model_dim // self.num_heads


class LayerAdapters(Protocol):
    """What test-time training adds to one block; golf.ttt.adapters implements it."""

    def project(self, kind: str, x: Tensor, weight: Tensor) -> Tensor:
        """Project x by a matrix and its adapter, of kind q, k, v, o, fc or proj."""
        ...

    def shift(self, x: Tensor) -> Tensor:
        """Return the block's output plus the adapter's bias."""
        ...


class Cache(Protocol):
    """What a model keeps of the positions before, to go on token by token; golf.proof.cache implements it."""

    @property
    def length(self) -> int: ...

    def layer(self, index: int, attend: Attend) -> Attend:
        """Attention of one block that takes in new keys and values, and reads those before as well."""
        ...


class Adapters(Protocol):
    """Adapters of a whole model for one batch of documents."""

    def layer(self, index: int) -> LayerAdapters: ...

    def head(self) -> tuple[Tensor, Tensor] | None:
        """A [B, R, D] and B [B, V, R] of the head's adapters, if it has any."""
        ...


@lru_cache(maxsize=256)
@torch.inference_mode(False)  # what is first asked for while scoring must serve training, too
def rotary_table(
    length: int, head_dim: int, base: float, trained_length: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cosines and sines [length, head_dim / 2] in fp32 for a window of `length` positions.

    Beyond the trained length the base grows by (length / trained)^(E / (E - 2)) (NTK-aware scaling, as in PR 611).
    """
    if length > trained_length:
        base = base * (length / trained_length) ** (head_dim / (head_dim - 2))
    frequency = 1.0 / (base ** (torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim))
    angle = torch.outer(torch.arange(length, dtype=torch.float32, device=device), frequency)
    return angle.cos(), angle.sin()


class Linear(nn.Module):
    """A matrix without bias whose fp32 weight is cast to the input's dtype."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x: Tensor, adapters: "LayerAdapters | None" = None, kind: str = "") -> Tensor:
        """Project x, with the adapter of a kind where there are adapters."""
        if adapters is not None:
            return adapters.project(kind, x, self.weight)
        return F.linear(x, self.weight.to(x.dtype))


class Attention(nn.Module):
    """Grouped-query attention with RMS-normed, rotated, gain-scaled queries."""

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
        """What the last `last` of T positions read from all, [B, last, D]."""
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
    """Two matrices with relu² between."""

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
    """A hashed table of token pairs, projected to the model's dimension and scaled."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed = nn.Embedding(config.bigram_buckets, config.bigram_dim)
        self.proj = Linear(config.bigram_dim, config.model_dim)
        self.scale = nn.Parameter(torch.tensor(BIGRAM_SCALE))

    def bucket(self, tokens_BT: Tensor) -> Tensor:
        """Bucket of every position [B, T]: the last at a window's start, else a hash of the last two tokens."""
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


class GPT(nn.Module):
    """The whole model: tokens to final normed states, and states to logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.tok_emb = nn.Embedding(config.vocab_size, config.model_dim)
        self.bigram = BigramEmbedding(config)
        self.smear = SmearGate(config)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.num_layers))
        self.skip_weights = nn.Parameter(torch.ones(config.num_layers // 2, config.model_dim))

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draw the starting weights, in the order of the state dict, from one generator on the CPU.

        Output projections zero; other matrices with both sides ≥ 64 orthogonal (the bigram projection alone × 1/√(2L)),
        smaller ones uniform ± 1/√in; gate and bigram table zero; token embedding N(0, 0.005²). Source: PR 611.
        """
        for name, weight in sorted(self.named_parameters()):
            if name == "tok_emb.weight":
                nn.init.normal_(weight, std=TOKEN_EMBEDDING_STD, generator=generator)
            elif name == "bigram.embed.weight" or name.endswith((".attn.proj.weight", ".mlp.proj.weight")):
                nn.init.zeros_(weight)
            elif name.endswith(".weight"):
                if min(weight.shape) >= ORTHOGONAL_FROM:
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
        """Final normed states in `dtype`, [B, T, D], or of the `last` positions alone, [B, last, D].

        Each row is a window whose positions, bigrams and smear start anew. Without `attend` the device's best kernel
        computes attention. Positions that a cache holds are not computed again: T then counts the new ones, which must
        be one at least, and are in the cache afterwards.
        """
        attend = attend or choose_kernel("auto", tokens_BT.device).attend
        positions, known = tokens_BT.shape[1], 0 if cache is None else cache.length
        cos, sin = (table[..., known:positions, :].to(dtype) for table in (rotary or self.rotary(positions)))
        x = x0 = self._embed(tokens_BT, known, dtype)
        pushed: list[Tensor] = []
        half = len(self.blocks) // 2
        for layer, block in enumerate(self.blocks):
            if half <= layer < 2 * half:
                x = x + self.skip_weights[layer - half].to(dtype) * pushed.pop()
            wanted = last if last is not None and layer == len(self.blocks) - 1 else x.shape[1]
            adapted = None if adapters is None else adapters.layer(layer)
            read = attend if cache is None else cache.layer(layer, attend)
            x = block(x, x0, (cos, sin), adapted, wanted, read)
            if layer < half:
                pushed.append(x)
        return rms_norm(x)

    def _embed(self, tokens_BT: Tensor, known: int, dtype: torch.dtype) -> Tensor:
        """The stream before the first block, from position `known` on."""
        # The gate mixes in the position before, whose bigram reads the token before that.
        context = min(known, 2)
        tokens = tokens_BT[:, known - context :]
        x = self.tok_emb(tokens).to(dtype) + self.bigram(tokens, dtype)
        smeared: Tensor = self.smear(rms_norm(x))
        return smeared[:, context:]

    def loss(
        self, hidden_BCD: Tensor, targets_BC: Tensor, *, adapters: Adapters | None = None, scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """`scale` · Σ nll, to be differentiated, and the nll [B, C] in nats, fp32, of final normed states."""
        return head_loss(
            hidden_BCD,
            self.tok_emb.weight,
            targets_BC,
            softcap=self.config.softcap,
            scale=scale,
            low_rank=None if adapters is None else adapters.head(),
        )

    def logits(self, hidden_BTD: Tensor, adapters: Adapters | None = None) -> Tensor:
        """Soft-capped fp32 logits [B, T, V] of final normed states: cap·tanh(z / cap), tied embedding."""
        z = F.linear(hidden_BTD, self.tok_emb.weight.to(hidden_BTD.dtype))
        if adapters is not None and (low_rank := adapters.head()) is not None:
            a_BRD, b_BVR = low_rank
            z = torch.baddbmm(z, torch.bmm(hidden_BTD, a_BRD.mT), b_BVR.mT)
        cap = self.config.softcap
        return cap * torch.tanh(z.float() / cap)
