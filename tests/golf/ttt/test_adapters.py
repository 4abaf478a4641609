"""Adapter rows: layout, initial values, and Adam against torch's."""

import math

import pytest
import torch

from golf.errors import InputError
from golf.model.gpt import ModelConfig
from golf.ttt.adapters import AdapterRanks, Multipliers, RowAdam, initial_row, layout, rate_row

MODEL = ModelConfig(num_layers=2, model_dim=8, num_heads=2, num_kv_heads=1, mlp_hidden=12, vocab_size=20)


def test_the_layout_has_the_shapes_of_the_adapted_matrices() -> None:
    ranks = AdapterRanks(q=1, k=2, v=3, o=4, fc=5, proj=6, head=7)
    pieces = layout(MODEL, ("q", "k", "v", "o", "fc", "proj", "head", "bias"), ranks)
    shapes = {(p.kind, p.role): p.shape for p in pieces if p.layer in (0, -1)}
    assert shapes == {
        ("q", "A"): (1, 8), ("q", "B"): (8, 1),
        ("k", "A"): (2, 8), ("k", "B"): (4, 2),
        ("v", "A"): (3, 8), ("v", "B"): (4, 3),
        ("o", "A"): (4, 8), ("o", "B"): (8, 4),
        ("fc", "A"): (5, 8), ("fc", "B"): (12, 5),
        ("proj", "A"): (6, 12), ("proj", "B"): (8, 6),
        ("head", "A"): (7, 8), ("head", "B"): (20, 7),
        ("bias", "bias"): (8,),
    }  # fmt: skip
    assert [p.layer for p in pieces if p.kind == "bias"] == [0, 1]


def test_a_is_uniform_in_one_over_root_inputs_and_b_is_zero() -> None:
    pieces = layout(MODEL, ("fc", "proj"), AdapterRanks(fc=64, proj=64))
    parts = dict(zip(pieces, initial_row(pieces, seed=1).split([p.size for p in pieces]), strict=True))
    for piece, part in parts.items():
        if piece.role == "B":
            assert bool((part == 0).all())
        else:
            bound = 1 / math.sqrt(piece.shape[1])
            assert float(part.abs().max()) <= bound
            assert float(part.std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert torch.equal(initial_row(pieces, seed=1), initial_row(pieces, seed=1))
    assert not torch.equal(initial_row(pieces, seed=1), initial_row(pieces, seed=2))


def test_every_number_has_the_multiplier_of_its_kind_and_layer() -> None:
    pieces = layout(MODEL, ("q", "bias", "head"), AdapterRanks())
    multipliers = Multipliers(q=(0.25, 4.0), bias=3.0, head=2.0)
    rates = rate_row(pieces, multipliers, MODEL.num_layers).split([p.size for p in pieces])
    found = {(p.kind, p.layer): set(part.tolist()) for p, part in zip(pieces, rates, strict=True)}
    assert found == {("q", 0): {0.25}, ("q", 1): {4.0}, ("bias", 0): {3.0}, ("bias", 1): {3.0}, ("head", -1): {2.0}}


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_row_adam_is_torchs_adamw_with_a_step_count_for_every_row(weight_decay: float) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(3, 5, generator=generator)
    twins = [row.clone().requires_grad_() for row in rows]
    rate = torch.full((5,), 0.01)
    ours = RowAdam(betas=(0.9, 0.95), eps=1e-10, weight_decay=weight_decay)
    state = torch.stack((rows, torch.zeros_like(rows), torch.zeros_like(rows)))
    theirs = [torch.optim.AdamW([t], lr=0.01, betas=(0.9, 0.95), eps=1e-10, weight_decay=weight_decay) for t in twins]
    done = [0, 0, 0]
    for active in (3, 3, 2, 1, 1):  # documents leave from the end and must not drift afterwards
        gradient = torch.randn(active, 5, generator=generator)
        factor = torch.linspace(1.0, 0.5, active)
        count = torch.tensor([done[row] + 1.0 for row in range(active)])
        ours.step(state[:, :active], gradient, rate, factor, count)
        for row in range(active):
            twins[row].grad = gradient[row].clone()
            theirs[row].param_groups[0]["lr"] = 0.01 * float(factor[row])
            theirs[row].step()
            done[row] += 1
    torch.testing.assert_close(state[0], torch.stack(twins).detach(), rtol=1e-5, atol=1e-6)


def test_bad_ranks_and_multipliers_are_input_errors() -> None:
    with pytest.raises(InputError, match=r"eval\.ranks\.k = 0"):
        AdapterRanks(k=0)
    with pytest.raises(InputError, match=r"eval\.multipliers\.q"):
        Multipliers(q=(1.0, float("inf")))
