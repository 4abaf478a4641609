"""One training step against plain autograd, torch's own clipping, and other ways to cut the batch."""

import copy
import os
from dataclasses import replace
from shutil import which
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch._inductor import config as inductor

from golf.model.gpt import ModelConfig
from golf.train import learner
from golf.train.config import TrainConfig
from golf.train.learner import Learner
from golf.train.process_group import ProcessGroup

MODEL = ModelConfig(
    num_layers=3,
    model_dim=16,
    num_heads=2,
    num_kv_heads=1,
    mlp_hidden=24,
    vocab_size=40,
    bigram_buckets=32,
    bigram_dim=8,
)
CONFIG = TrainConfig(steps=9, batch_tokens=64, seq_len=8, clip=1e9, model=MODEL)
ALONE = ProcessGroup(0, 1, torch.device("cpu"))
TOKENS = torch.randint(0, 40, (65,), generator=torch.Generator().manual_seed(3))
BATCH = (TOKENS[:-1].view(8, 8), TOKENS[1:].view(8, 8))
COMPILER = os.environ.get("CXX", "g++")
NEEDS_COMPILER = pytest.mark.skipif(which(COMPILER) is None, reason=f"torch's inductor needs {COMPILER}")
FULL: dict[str, Any] = {"lr_scale": 1.0, "momentum": 0.9, "seconds": 0.0}


def new(config: TrainConfig = CONFIG) -> Learner:
    """A learner whose output projections are not zero, so that every gradient is alive."""
    made = Learner(config, ALONE, torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return made


def plain_gradients(made: Learner) -> tuple[float, dict[str, torch.Tensor]]:
    twin = copy.deepcopy(made.model)
    twin.zero_grad(set_to_none=True)
    loss = F.cross_entropy(twin.logits(twin.hidden(BATCH[0])).flatten(0, 1), BATCH[1].flatten())
    torch.autograd.backward(loss)
    return float(loss.detach()), {name: p.grad for name, p in twin.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("micro_tokens", [8, 24, 64])  # a row at a time, three rows and a rest, all at once
def test_gradients_of_the_mean_loss_do_not_depend_on_how_the_batch_is_cut(
    micro_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(learner.MICRO_TOKENS, "cpu", micro_tokens)
    made = new()
    loss, gradients = plain_gradients(made)
    for _ in range(2):  # nothing is left over from the step before
        made.rewind(copy.deepcopy(made.model.state_dict()))
        reading = made.step(BATCH, **(FULL | {"lr_scale": 0.0}))
    assert reading.loss == pytest.approx(loss, rel=1e-6)
    for name, parameter in made.model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-4, atol=1e-7)  # fp32 sums of 64 tokens


def test_a_row_longer_than_a_micro_batch_is_taken_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(learner.MICRO_TOKENS, "cpu", 1)
    made = new()
    assert made.step(BATCH, **FULL).loss == pytest.approx(plain_gradients(new())[0], rel=1e-6)


@pytest.mark.parametrize("clip", [0.01, 1e9])
@pytest.mark.parametrize("train_bigram", [True, False])
def test_clipping_matches_torch_over_all_parameters(clip: float, train_bigram: bool) -> None:
    made = new(TrainConfig(steps=9, batch_tokens=64, seq_len=8, clip=clip, train_bigram=train_bigram, model=MODEL))
    _, gradients = plain_gradients(made)
    holders = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients.values()]
    for holder, gradient in zip(holders, gradients.values(), strict=True):
        holder.grad = gradient.clone()
    norm = float(torch.nn.utils.clip_grad_norm_(holders, clip))
    assert made.step(BATCH, **FULL).norm == pytest.approx(norm, rel=1e-5)
    for parameter, holder in zip(made.model.parameters(), holders, strict=True):
        torch.testing.assert_close(parameter.grad, holder.grad, rtol=1e-4, atol=1e-8)


def test_warm_up_does_not_clip() -> None:
    made = new(TrainConfig(steps=9, batch_tokens=64, seq_len=8, clip=0.01, model=MODEL))
    _, gradients = plain_gradients(made)
    made.step(BATCH, **FULL, clip=False)
    for name, parameter in made.model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-4, atol=1e-7)


def test_a_step_returns_the_clock_of_rank_0() -> None:
    assert new().step(BATCH, **(FULL | {"seconds": 599.75})).seconds == 599.75


def test_rewinding_undoes_steps_bit_for_bit() -> None:
    made, twin = new(), new()
    first = copy.deepcopy(made.model.state_dict())
    for _ in range(2):
        made.step(BATCH, **FULL, clip=False)
    made.rewind(first)
    for side in (made, twin):
        side.step(BATCH, **FULL)
    for name, tensor in made.state()[0].items():
        assert torch.equal(tensor, twin.state()[0][name]), name


def test_restored_state_continues_bit_identically() -> None:
    made, twin = new(), Learner(CONFIG, ALONE, torch.Generator().manual_seed(5))
    for step in range(1, 11):
        made.step(BATCH, **FULL)
        made.average(steps_done=step, lr_scale=0.1)
    tensors, facts = made.state()
    twin.load({name: tensor.clone() for name, tensor in tensors.items()}, facts)
    for side in (made, twin):
        for step in range(11, 21):
            side.step(BATCH, **FULL)
            side.average(steps_done=step, lr_scale=0.1)
    assert twin.state()[0].keys() == made.state()[0].keys()
    for name, tensor in made.state()[0].items():
        assert torch.equal(tensor, twin.state()[0][name]), name


def test_one_layer_has_no_skips_and_trains() -> None:
    shape = ModelConfig(num_layers=1, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, vocab_size=40)
    made = Learner(TrainConfig(steps=9, batch_tokens=64, seq_len=8, model=shape), ALONE, torch.Generator())
    first, second = (made.step(BATCH, **FULL).loss for _ in range(2))
    assert second < first


def hidden_gradients(made: Learner) -> dict[str, torch.Tensor]:
    """The gradients of the loss, through `made.hidden`."""
    for parameter in made.model.parameters():
        parameter.grad = None
    loss, _ = made.model.loss(made.hidden(BATCH[0]), BATCH[1], scale=1 / 64)
    torch.autograd.backward(loss)
    return {name: p.grad for name, p in made.model.named_parameters() if p.grad is not None}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # dynamo's own, about autograd functions
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=NEEDS_COMPILER)])
def test_the_hidden_states_are_one_graph_whose_gradients_are_those_of_eager_operations(backend: str) -> None:
    """On GPUs they are compiled, with torch's attention; the CPU's backend generates other code from the same graph."""
    two_layers = replace(CONFIG, attention="sdpa", model=replace(MODEL, num_layers=2))
    made, eager = (new(two_layers) for _ in range(2))
    made.hidden = torch.compile(made.hidden, dynamic=False, fullgraph=True, backend=backend)
    # One thread: else it leaves a pool of processes behind. Plain loops: vector code takes twice as long to compile.
    with inductor.patch({"compile_threads": 1, "cpp.simdlen": 1}):
        gradients = hidden_gradients(made)
    expected = hidden_gradients(eager)
    assert gradients.keys() == expected.keys() == dict(made.model.named_parameters()).keys()
    for name, gradient in gradients.items():
        error = (gradient - expected[name]).norm() / expected[name].norm()
        assert float(error) < 1e-5, name


class SecondOfTwo(ProcessGroup):
    """A rank whose first one has chosen torch's attention."""

    def share(self, content: bytes) -> bytes:
        """What rank 0 said; this rank has nothing to say."""
        assert content == b""
        return b"sdpa"


def test_all_ranks_take_the_kernel_that_the_first_one_chose() -> None:
    """The best one here is another, and a rank that took it would round differently."""
    assert new().kernel.name == "blocks"
    second = SecondOfTwo(1, 2, torch.device("cpu"))
    assert Learner(CONFIG, second, torch.Generator().manual_seed(1)).kernel.name == "sdpa"
