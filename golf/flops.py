"""Floating-point operations of training and evaluation, for rates, utilization, and shards of equal work.

A product of [m, k] and [k, n] counts 2·m·k·n. Counted are the blocks' matrices, causal attention, and the head.
Low-rank adapters, norms and rotations add a few percent and are left out.
"""

import math

from golf.model.gpt import ModelConfig
from golf.ttt.config import EvalConfig


def block_weights(model: ModelConfig) -> int:
    """Number of matrix weights of one block."""
    kv_dim = model.num_kv_heads * model.head_dim
    return 2 * model.model_dim * (model.model_dim + kv_dim) + 2 * model.model_dim * model.mlp_hidden


def training_flops(model: ModelConfig, seq_len: int) -> float:
    """Operations per token of a training step: 6 per matrix weight, plus attention forward and backward.

    PR 611's model has 26.3 M matrix weights; with windows of 1,024 positions that makes 194 M operations per token.
    """
    head = model.vocab_size * model.model_dim
    attention = (
        6 * model.model_dim * seq_len
    )  # 12·D per pair of positions; a position sees half of the window on average
    return 6.0 * (model.num_layers * block_weights(model) + head) + model.num_layers * attention


def document_flops(length: int, config: EvalConfig, model: ModelConfig) -> float:
    """Operations to score a document of `length` predictions and adapt to it.

    Scoring takes 2 per weight and 4·D per pair of positions. Adapters need only the gradients of activations, which
    take another 2 per weight and 8·D per pair.
    """
    head = model.vocab_size * model.model_dim
    if not config.adapts or length + 1 < config.min_document_tokens:
        return _forward(length, length, model) + 2.0 * length * head
    chunks = math.ceil(length / config.chunk)
    work = 0.0
    for chunk in range(chunks - 1):
        window = min((chunk + 1) * config.chunk, config.window)
        forward = _forward(window, config.chunk, model) + 2.0 * config.chunk * head
        backward = _backward(window, config.chunk, model) if config.adapters else 0.0
        work += config.steps_per_chunk * (forward + backward)
    scored = length - (chunks - 1) * config.chunk
    end = chunks * config.chunk if config.length_blind else length
    window = length - max(0, end - config.window)
    return config.passes * (work + _forward(window, window, model) + 2.0 * scored * head)


def _forward(window: int, scored: int, model: ModelConfig) -> float:
    """Forward pass of the blocks over a window; the last block computes only the scored positions after its keys and
    values."""
    pairs = window * window / 2
    last = 1 - scored / window if window > scored else 0.0
    weights = (model.num_layers - last) * block_weights(model)
    return 2.0 * window * weights + 4.0 * model.model_dim * (model.num_layers - last) * pairs


def _backward(window: int, scored: int, model: ModelConfig) -> float:
    """Gradients of the activations of blocks and head."""
    head = model.vocab_size * model.model_dim
    pairs = window * window / 2
    weights = model.num_layers * block_weights(model)
    return 2.0 * window * weights + 8.0 * model.model_dim * model.num_layers * pairs + 2.0 * scored * head
