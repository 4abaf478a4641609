"""A tiny model with every part of the real one, and random documents for it."""

from typing import Any

import numpy as np
import torch

from golf.model.gpt import GPT, ModelConfig

TINY = ModelConfig(
    num_layers=3, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, vocab_size=48,
    bigram_buckets=32, bigram_dim=8, rope_length=24,
)  # fmt: skip


def tiny_model(config: ModelConfig = TINY) -> GPT:
    """A model whose every scalar and zero-initialized matrix is moved away from its initial value."""
    generator = torch.Generator().manual_seed(3)
    model = GPT(config)
    model.initialize(generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.requires_grad_(False)


def documents_of(
    lengths: list[int], seed: int = 0, config: ModelConfig = TINY
) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """Random documents of these lengths in tokens, BOS included."""
    random = np.random.default_rng(seed)
    return [np.concatenate([[1], random.integers(2, config.vocab_size, length - 1)]) for length in lengths]
