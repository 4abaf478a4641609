"""State dicts: the tensors of a model, and the model that a file of tensors describes.

Shapes are checked before anything is built, because an untrusted file may claim any number of layers.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from golf.errors import InputError, shown_name
from golf.model.gpt import GPT, ModelConfig


def num_parameters(model: ModelConfig) -> int:
    """Number of weights of a model, buffers included, without building it."""
    return sum(math.prod(shape) for shape in tensor_shapes(model).values())


def tensor_shapes(model: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a model, without building it."""
    dim, kv_dim, hidden = model.model_dim, model.num_kv_heads * model.head_dim, model.mlp_hidden
    block = {
        "depth_scale": (), "attn_scale": (dim,), "mlp_scale": (dim,), "resid_mix": (2, dim),
        "attn.q_gain": (model.num_heads,), "attn.c_q.weight": (dim, dim), "attn.c_k.weight": (kv_dim, dim),
        "attn.c_v.weight": (kv_dim, dim), "attn.proj.weight": (dim, dim),
        "mlp.fc.weight": (hidden, dim), "mlp.proj.weight": (dim, hidden),
    }  # fmt: skip
    shapes = {
        "tok_emb.weight": (model.vocab_size, dim), "bigram.embed.weight": (model.bigram_buckets, model.bigram_dim),
        "bigram.proj.weight": (dim, model.bigram_dim), "bigram.scale": (), "smear.gate": (dim,),
        "skip_weights": (model.num_layers // 2, dim),
    }  # fmt: skip
    for layer in range(model.num_layers):
        shapes |= {f"blocks.{layer}.{name}": shape for name, shape in block.items()}
    return shapes


def check_tensors(state: Mapping[str, Tensor], model: ModelConfig, where: str) -> None:
    """Check that tensors have the names and shapes of a model.

    Raises:
        InputError: a tensor is missing, superfluous or has another shape; the message starts with `where`.
    """
    expected = tensor_shapes(model)
    actual = {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name in sorted(expected.keys() | actual.keys()):
        if expected.get(name) != actual.get(name):
            shapes = f"{actual.get(name, 'none')}, expected {expected.get(name, 'none')}"
            raise InputError(f"{where}: tensor {shown_name(name)} has shape {shapes}")


def config_from_state(state: Mapping[str, Tensor], **constants: Any) -> ModelConfig:
    """Derive a model's architecture from the names and shapes of its tensors.

    Args:
        state: a state dict with the names of this family.
        constants: settings that shapes do not show (rope_base, rope_length, softcap); defaults otherwise.

    Raises:
        InputError: a tensor is missing, or a shape fits no model.
    """
    try:
        vocab_size, model_dim = state["tok_emb.weight"].shape
        num_layers = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
        if num_layers > len(state):
            raise InputError(
                f"model: tensor names claim {num_layers} layers, more than there are tensors ({len(state)})"
            )
        num_heads = state["blocks.0.attn.q_gain"].shape[0]
        config = ModelConfig(
            num_layers=num_layers,
            model_dim=model_dim,
            num_heads=num_heads,
            num_kv_heads=max(1, state["blocks.0.attn.c_k.weight"].shape[0] * num_heads // max(model_dim, 1)),
            mlp_hidden=state["blocks.0.mlp.fc.weight"].shape[0],
            vocab_size=vocab_size,
            bigram_buckets=state["bigram.embed.weight"].shape[0],
            bigram_dim=state["bigram.embed.weight"].shape[1],
            **constants,
        )
    except KeyError as missing:
        raise InputError(
            f"model: tensor {shown_name(str(missing))} is missing; expected the names of the PR 611 family"
        ) from None
    except (ValueError, IndexError, ZeroDivisionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"model: tensor shapes fit no model of the PR 611 family ({shown_name(str(error))})") from None
    return config


def model_from_state(
    state: Mapping[str, Tensor], config: ModelConfig | None = None, *, device: torch.device | str = "cpu"
) -> GPT:
    """Build the model of a state dict, frozen and in evaluation mode.

    Args:
        state: the tensors; converted to fp32.
        config: the architecture; derived from the tensors by default.
        device: where the model lives.

    Raises:
        InputError: names or shapes do not fit the architecture, or a tensor holds no finite floating-point numbers.
    """
    config = config or config_from_state(state)
    check_tensors(state, config, "model")
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            raise InputError(f"model: tensor {shown_name(name)} holds {tensor.dtype}; expected floating-point weights")
    weights = {name: tensor.float() for name, tensor in state.items()}
    for name, weight in weights.items():
        if not bool(weight.isfinite().all()):
            raise InputError(
                f"model: tensor {shown_name(name)} holds values that are not finite; expected finite weights"
            )
    with torch.device("meta"):
        model = GPT(config)
    model.load_state_dict(weights, assign=True)
    return model.to(device).requires_grad_(False).eval()
