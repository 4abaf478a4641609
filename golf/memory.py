"""Memory that training and evaluation need at least: who has less cannot run them, whatever the kernels.

Counted are weights with what an optimizer keeps of each, and the activations that a backward pass reads. Temporary
tensors, libraries and fragmentation come on top, so an estimate is a lower bound: PR 611's training takes 21 GB of a
GPU, of which 19 GB are counted here.
"""

from golf.model.gpt import ModelConfig
from golf.model.state_dict import num_parameters
from golf.train.config import TrainConfig
from golf.train.learner import MICRO_TOKENS
from golf.ttt.adapters import layout
from golf.ttt.config import EvalConfig

_COPIES = 6
"""Numbers of 4 bytes a weight has while it trains: itself, gradient, momentum, average, warm-up copy, update."""
_ADAPTER_COPIES = 4
"""Of each number of a document's adapters: itself, gradient and two moments."""


def training_bytes(config: TrainConfig, device: str) -> int:
    """Memory of one rank of a training on "cuda" or "cpu", in bytes."""
    share = max(1, config.batch_tokens // config.gpus)
    positions = min(share, max(config.seq_len, MICRO_TOKENS[device]))
    return 4 * _COPIES * num_parameters(config.model) + _activation_bytes(config.model, positions, device)


def scoring_bytes(config: EvalConfig, model: ModelConfig, device: str) -> int:
    """Memory to adapt to one document that fills its window, in bytes; only the weights' where nothing adapts."""
    weights = 4 * num_parameters(model)
    if not config.adapts or not config.adapters:
        return weights
    adapters = sum(piece.size for piece in layout(model, config.adapters, config.ranks))
    return weights + 4 * _ADAPTER_COPIES * adapters


def _activation_bytes(model: ModelConfig, positions: int, device: str) -> int:
    """Activations of so many positions for a backward pass: 8 tensors of the model's width and 3 of the MLP's."""
    block = 8 * model.model_dim + 3 * model.mlp_hidden
    return positions * model.num_layers * block * (2 if device == "cuda" else 4)
