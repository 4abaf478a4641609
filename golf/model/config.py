"""Shape and constants of a model."""

from dataclasses import dataclass
from typing import ClassVar

from golf.errors import InputError


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
