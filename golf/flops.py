"""Floating-point operations of training and evaluation, for rates, shares of a machine's peak, and cuts of equal work.

A product of [m, k] and [k, n] counts 2·m·k·n. Only what scales with the model is counted: the blocks' matrices, the
attention over what a position may see, and the head; low-rank adapters, norms and rotations are a few per cent beside.
"""

import math

from golf.model.gpt import ModelConfig
from golf.ttt.config import EvalConfig


def block_weights(model: ModelConfig) -> int:
    """Weights of the matrices of one block."""
    kv_dim = model.num_kv_heads * model.head_dim
    return 2 * model.model_dim * (model.model_dim + kv_dim) + 2 * model.model_dim * model.mlp_hidden


def training_flops(model: ModelConfig, seq_len: int) -> float:
    """Operations a token of a training step: 6 a weight, and attention's forward and twofold backward pass.

    26.3 M matrix weights and windows of 1,024 give 194 M a token, as PR 611's shape should.
    """
    head = model.vocab_size * model.model_dim
    attention = 6 * model.model_dim * seq_len  # 12·D a pair of positions, of which a position sees half of the window
    return 6.0 * (model.num_layers * block_weights(model) + head) + model.num_layers * attention


def document_flops(length: int, config: EvalConfig, model: ModelConfig) -> float:
    """Operations to score a document of `length` predictions and adapt to it.

    Scoring costs 2 a weight and 4·D a pair of positions; the gradient with respect to activations, which is all that
    adapters need, 2 a weight and 8·D a pair more.
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
    """The blocks over a window, of whose last one only the scored positions go on behind keys and values."""
    pairs = window * window / 2
    last = 1 - scored / window if window > scored else 0.0
    weights = (model.num_layers - last) * block_weights(model)
    return 2.0 * window * weights + 4.0 * model.model_dim * (model.num_layers - last) * pairs


def _backward(window: int, scored: int, model: ModelConfig) -> float:
    head = model.vocab_size * model.model_dim
    pairs = window * window / 2
    weights = model.num_layers * block_weights(model)
    return 2.0 * window * weights + 8.0 * model.model_dim * model.num_layers * pairs + 2.0 * scored * head
