"""Newton–Schulz against its scalar quintic, Muon against a loop over matrices, and the parameters of each optimizer."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.model.gpt import GPT, ModelConfig
from golf.train.config import TrainConfig
from golf.train.optimizers.muon import Muon, Optimizers, newton_schulz, parameter_groups

MODEL = ModelConfig(num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, vocab_size=32)
CONFIG = TrainConfig(steps=1, model=MODEL)


def quintic(singular: torch.Tensor, steps: int) -> torch.Tensor:
    """What the iteration does to each singular value of a matrix of unit norm, in float64."""
    for _ in range(steps):
        singular = 3.4445 * singular - 4.7750 * singular**3 + 2.0315 * singular**5
    return singular


def matrices(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 5, 12), (2, 12, 5)])
@pytest.mark.parametrize("steps", [1, 5])
def test_newton_schulz_applies_the_quintic_to_singular_values(shape: tuple[int, ...], steps: int) -> None:
    grad = matrices(shape)
    u, s, vt = torch.linalg.svd(grad, full_matrices=False)
    expected = u @ torch.diag_embed(quintic(s / s.norm(dim=-1, keepdim=True), steps)) @ vt
    # fp32: each step multiplies a rounding error of 6e-8 by at most 3.4445
    torch.testing.assert_close(newton_schulz(grad.float(), steps).double(), expected, atol=6e-8 * 3.4445**steps, rtol=0)


@given(seed=st.integers(0, 2**32), rows=st.integers(1, 12), columns=st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_newton_schulz_brings_singular_values_into_a_band(seed: int, rows: int, columns: int) -> None:
    grad = matrices((1, rows, columns), seed)
    before = torch.linalg.svdvals(grad)
    after = torch.linalg.svdvals(newton_schulz(grad.float()))
    assert float(after.max()) < 1.21
    large = before / before.norm() > 0.02
    assert float(after[large].min()) > 0.67


def test_newton_schulz_ignores_scale_and_keeps_zero() -> None:
    grad = matrices((2, 4, 6)).float()
    torch.testing.assert_close(newton_schulz(1024 * grad), newton_schulz(grad), atol=1e-5, rtol=0)
    assert torch.equal(newton_schulz(torch.zeros(1, 4, 6)), torch.zeros(1, 4, 6))


def test_batched_muon_equals_a_loop_over_matrices() -> None:
    shapes = [(6, 4), (4, 6), (6, 4), (4, 4)]
    ours = [torch.nn.Parameter(matrices(shape, seed).float()) for seed, shape in enumerate(shapes)]
    theirs = [matrix.detach().double() for matrix in ours]
    momenta = [torch.zeros_like(matrix) for matrix in theirs]
    muon = Muon(ours, lr=0.1, weight_decay=0.5, newton_schulz_steps=5)
    assert [len(group["params"]) for group in muon.param_groups] == [2, 1, 1]
    for step, momentum in enumerate((0.6, 0.9)):
        for group in muon.param_groups:
            group["momentum"] = momentum
        for i, matrix in enumerate(ours):
            grad = matrices(shapes[i], 100 + 10 * step + i)
            matrix.grad = grad.float()
            momenta[i] = momentum * momenta[i] + grad
            u, s, vt = torch.linalg.svd(grad + momentum * momenta[i], full_matrices=False)
            stretch = (6 / 4) ** 0.5 if shapes[i] == (6, 4) else 1.0
            update = u @ torch.diag(quintic(s / s.norm(), 5)) @ vt
            theirs[i] = theirs[i] * (1 - 0.1 * 0.5) - 0.1 * stretch * update
        muon.step()
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.double(), reference, atol=2e-5, rtol=0)  # as for Newton–Schulz, × lr, twice


def model_of_pr_611() -> GPT:
    with torch.device("meta"):
        return GPT(ModelConfig())


def test_pr_611_leaves_328193_parameters_untrained() -> None:
    model = model_of_pr_611()
    total = sum(p.numel() for p in model.parameters())
    trained = sum(p.numel() for group in parameter_groups(model, train_bigram=False).values() for p in group)
    assert (total, total - trained) == (26_829_913, 328_193)


def test_every_parameter_has_one_group_when_bigrams_are_trained() -> None:
    model = model_of_pr_611()
    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = {kind: [names[p] for p in ps] for kind, ps in parameter_groups(model, train_bigram=True).items()}
    assert sorted(name for group in groups.values() for name in group) == sorted(names.values())
    assert set(groups["embeddings"]) == {"tok_emb.weight", "bigram.embed.weight"}
    assert len(groups["matrices"]) == 11 * 6 + 1 and "bigram.proj.weight" in groups["matrices"]
    assert {"bigram.scale", "smear.gate", "skip_weights", "blocks.3.resid_mix"} <= set(groups["scalars"])


def learner(*, train_bigram: bool = True) -> tuple[GPT, Optimizers]:
    model = GPT(MODEL)
    model.initialize(torch.Generator().manual_seed(0))
    config = TrainConfig(steps=1, model=MODEL, train_bigram=train_bigram)
    return model, Optimizers.build(model, config)


def set_gradients(model: GPT, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def test_untrained_parameters_stay_bit_for_bit() -> None:
    model, optimizers = learner(train_bigram=False)
    before = copy.deepcopy(model.state_dict())
    set_gradients(model, 1)
    optimizers.step(lr_scale=1.0, momentum=0.9)
    changed = {name for name, tensor in model.named_parameters() if not torch.equal(tensor, before[name])}
    assert {n for n in before if n.startswith(("bigram.", "smear."))}.isdisjoint(changed)
    assert {n for n, _ in model.named_parameters() if not n.startswith(("bigram.", "smear."))} == changed


def test_learning_rates_are_scaled_from_their_base_each_time() -> None:
    model, optimizers = learner()
    set_gradients(model, 1)
    for scale in (0.5, 0.25):
        optimizers.step(lr_scale=scale, momentum=0.9)
    rates = [group["lr"] for group in (*optimizers.muon.param_groups, *optimizers.adamw.param_groups)]
    assert set(rates[:-2]) == {0.02 * 0.25}
    assert rates[-2:] == [0.03 * 0.25, 0.02 * 0.25]


def test_the_first_adamw_step_is_the_learning_rate_and_the_decay() -> None:
    model, optimizers = learner()
    before = model.tok_emb.weight.detach().clone()
    set_gradients(model, 1)
    assert model.tok_emb.weight.grad is not None
    sign = model.tok_emb.weight.grad.sign()
    optimizers.step(lr_scale=1.0, momentum=0.9)
    # Adam's first step is lr·g/(|g| + eps); decay multiplies by 1 − lr·0.04 before it
    torch.testing.assert_close(
        model.tok_emb.weight.detach(), before * (1 - 0.03 * 0.04) - 0.03 * sign, atol=1e-6, rtol=0
    )


def test_restored_state_continues_bit_identically() -> None:
    model, optimizers = learner()
    for seed in (1, 2):
        set_gradients(model, seed)
        optimizers.step(lr_scale=1.0, momentum=0.9)
    twin, others = learner()
    twin.load_state_dict(model.state_dict())
    others.load(copy.deepcopy(optimizers.tensors()))
    for side, steps in ((model, optimizers), (twin, others)):
        set_gradients(side, 3)
        steps.step(lr_scale=0.7, momentum=0.95)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, twin.state_dict()[name]), name


def test_after_clear_the_next_step_is_a_first_step() -> None:
    model, optimizers = learner()
    before = copy.deepcopy(model.state_dict())
    set_gradients(model, 1)
    optimizers.step(lr_scale=1.0, momentum=0.9)
    once = copy.deepcopy(model.state_dict())
    model.load_state_dict(before)
    optimizers.clear()
    set_gradients(model, 1)
    optimizers.step(lr_scale=1.0, momentum=0.9)
    assert all(torch.equal(tensor, once[name]) for name, tensor in model.state_dict().items())
