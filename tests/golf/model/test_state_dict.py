"""Tensors that are no model are rejected by names, shapes and values before anything is built."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from golf.artifact.packing import load
from golf.errors import InputError
from golf.model.gpt import GPT
from golf.model.state_dict import config_from_state, model_from_state
from tests.golf.tiny import TINY, tiny_model


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return dict(tiny_model().state_dict())


def test_a_state_dict_restores_the_model(state: dict[str, Tensor]) -> None:
    assert config_from_state(state, rope_length=TINY.rope_length) == TINY
    again = model_from_state(state, TINY).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("blocks.1000000000.attn_scale", "tensor names claim 1000000001 layers, more than there are tensors"),
        ("blocks.39.attn_scale", r"tensor blocks\.10\.attn\.c_k\.weight has shape none, expected \(8, 16\)"),
        ("blocks.-1.attn_scale", r"tensor blocks\.-1\.attn_scale has shape \(1,\), expected none"),
        ("blocks." + 5000 * "9" + ".attn_scale", "tensor shapes fit no model"),
    ],
    ids=["more than memory", "more than there are", "below the first", "more than digits"],
)
def test_claimed_layers_without_tensors_are_not_built(
    state: dict[str, Tensor], name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GPT, "__init__", None)  # whoever would build them fails
    save_file({**state, name: torch.zeros(1)}, tmp_path / "bomb.safetensors")
    with pytest.raises(InputError, match=rf"bomb\.safetensors: model: .*{message}"):
        load(str(tmp_path / "bomb.safetensors"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_is_an_input_error(state: dict[str, Tensor], value: float) -> None:
    broken = state["blocks.1.mlp.fc.weight"].clone()
    broken[3, 2] = value
    with pytest.raises(InputError, match=r"tensor blocks\.1\.mlp\.fc\.weight holds values that are not finite"):
        model_from_state({**state, "blocks.1.mlp.fc.weight": broken}, TINY)
