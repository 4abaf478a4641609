"""Shape and constants of a model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from golf.errors import InputError, ShortRepr
from golf.ranges import Range, outside

MAX_LAYERS = 256
"""Most layers that an artifact can have."""
MAX_CONSTANT = 1e9
"""Rotary base, softcap and rotary length must lie between 1/MAX_CONSTANT and MAX_CONSTANT."""
WIDTH = Range(1, 65_536)
RANGES: Mapping[str, Range] = {
    "num_layers": Range(1, MAX_LAYERS),
    "model_dim": WIDTH,
    "num_heads": WIDTH,
    "num_kv_heads": WIDTH,
    "mlp_hidden": Range(1, 2**26),
    "vocab_size": Range(2, 65_536),  # shards hold token ids of 16 bits
    "bigram_buckets": Range(2, 2**26),
    "bigram_dim": WIDTH,
    "rope_base": Range(1 / MAX_CONSTANT, MAX_CONSTANT),
    "rope_length": Range(1, MAX_CONSTANT),
    "softcap": Range(1 / MAX_CONSTANT, MAX_CONSTANT),
    "q_gain": Range(-MAX_CONSTANT, MAX_CONSTANT),
}
"""Range of each number; how many weights a model may have, `golf.artifact.container.check_model` says."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class ModelConfig(ShortRepr):
    """Shape and constants of one model; the defaults are PR 611's.

    Raises:
        InputError: a line for each value that is out of range or does not go with another.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    num_layers: int = 11
    """Transformer blocks."""
    model_dim: int = 512
    """Width of the model; an even multiple of the heads."""
    num_heads: int = 8
    """Query heads."""
    num_kv_heads: int = 4
    """Key and value heads; divides the query heads."""
    mlp_hidden: int = 1536
    """Hidden units of the MLP."""
    vocab_size: int = 1024
    """Token ids; must be the tokenizer's."""
    bigram_buckets: int = 2048
    """Rows of the hashed bigram table."""
    bigram_dim: int = 128
    """Width of that table."""
    rope_base: float = 50_000.0
    """Base of the rotary position encoding."""
    rope_length: int = 1024
    """Windows longer than this get a larger rotary base (NTK scaling)."""
    softcap: float = 30.0
    """Soft limit of the logits."""
    q_gain: float = 1.5
    """Initial gain of the queries."""

    def __post_init__(self) -> None:
        problems = [*outside(self, "train.model", RANGES)]
        if not problems:
            problems += self._conflicts()
        if problems:
            raise InputError(*problems)

    def _conflicts(self) -> Iterator[str]:
        """Settings that do not go together."""
        heads = f"num_heads = {self.num_heads}"
        if self.model_dim % self.num_heads or self.head_dim % 2 or self.head_dim < 4:  # the rotary base needs E > 2
            yield f"train.model.model_dim = {self.model_dim}: must be an even multiple of {heads}, ≥ 4"
        if self.num_heads % self.num_kv_heads:
            yield f"train.model.num_kv_heads = {self.num_kv_heads}: must divide {heads}"

    @property
    def head_dim(self) -> int:
        return self.model_dim // self.num_heads
