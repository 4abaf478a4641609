"""EMA and SWA against their closed forms, pruning against its definition."""

import pytest
import torch

from golf.train.averaging import PRUNE_SAMPLE, Averages, prune
from golf.train.config import TrainConfig

CONFIG = TrainConfig(steps=1, ema_decay=0.9, ema_every=2, swa_below=0.5, swa_every=3)


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"w": torch.full((2, 3), value), "b": torch.tensor(value)}


def test_ema_moves_by_one_minus_decay_to_the_power_of_the_interval() -> None:
    averages = Averages(weights(0.0), CONFIG)
    for step in range(1, 8):  # taken in at 2, 4 and 6
        averages.update(weights(float(step)), steps_done=step, lr_scale=1.0)
    share = 1 - 0.9**2
    expected = share * (6 + 4 * 0.81 + 2 * 0.81**2)
    kind, best = averages.best()
    assert kind == "ema"
    torch.testing.assert_close(best, weights(expected), rtol=1e-6, atol=0)


def test_swa_is_the_mean_of_late_samples_and_is_kept_from_two_samples_on() -> None:
    averages = Averages(weights(0.0), CONFIG)
    scales = {3: 0.5, 6: 0.49, 7: 0.3, 9: 0.2, 12: 0.1}  # 3: not below; 7: not the interval
    for step, scale in scales.items():
        averages.update(weights(float(step)), steps_done=step, lr_scale=scale)
        assert averages.best()[0] == ("swa" if step >= 9 else "ema")
    torch.testing.assert_close(averages.best()[1], weights((6 + 9 + 12) / 3), rtol=1e-6, atol=0)


def test_averages_do_not_share_memory_with_the_weights() -> None:
    first = weights(1.0)
    averages = Averages(first, CONFIG)
    first["w"].zero_()
    assert torch.equal(averages.best()[1]["w"], torch.ones(2, 3))


def test_averages_of_a_constant_tensor_are_bit_identical() -> None:
    depth = {"depth_scale": torch.tensor(1 / 3**0.5)}
    averages = Averages(depth, CONFIG)
    for step in range(1, 40):
        averages.update(depth, steps_done=step, lr_scale=0.0)
    assert torch.equal(averages.best()[1]["depth_scale"], depth["depth_scale"])


@pytest.mark.parametrize("steps", [2, 3, 6])  # no sample, one, two
def test_restored_state_continues_bit_identically(steps: int) -> None:
    averages = Averages(weights(0.3), CONFIG)
    for step in range(1, steps + 1):
        averages.update(weights(1 / step), steps_done=step, lr_scale=0.1)
    twin = Averages(weights(9.0), CONFIG)
    twin.load({name: tensor.clone() for name, tensor in averages.tensors().items()}, averages.swa_samples)
    for side in (averages, twin):
        for step in range(steps + 1, 10):
            side.update(weights(1 / step), steps_done=step, lr_scale=0.1)
    assert averages.tensors().keys() == twin.tensors().keys()
    assert all(torch.equal(tensor, twin.tensors()[name]) for name, tensor in averages.tensors().items())


def test_pruning_zeroes_weights_strictly_below_a_common_threshold() -> None:
    count = 70_000
    values = torch.arange(1, 2 * count + 1) * torch.tensor([1.0, -1.0]).repeat(count)
    shuffled = values[torch.randperm(2 * count, generator=torch.Generator().manual_seed(0))]
    large = {"a": shuffled[:count].view(100, 700), "tok_emb.weight": shuffled[count:].view(700, 100)}
    small = {"at_the_limit": torch.full((256, 256), 0.01), "vector": torch.full((count,), 0.01)}
    pruned = prune(large | small, 0.04, torch.Generator())
    # the 0.04 quantile of 1 … 140,000 lies at 1 + 0.04 · 139,999 = 5,600.96
    for name, tensor in large.items():
        assert torch.equal(pruned[name], torch.where(tensor.abs() >= 5601, tensor, 0.0))
    assert all(pruned[name] is tensor for name, tensor in small.items())


def test_a_weight_at_the_threshold_stays() -> None:
    tensor = torch.full((300, 300), 0.5)
    assert torch.equal(prune({"w": tensor}, 0.04, torch.Generator())["w"], tensor)


def test_the_threshold_of_many_weights_is_estimated_from_a_seeded_sample() -> None:
    large = {"w": torch.randn(1100, 1000, generator=torch.Generator().manual_seed(0))}
    assert large["w"].numel() > PRUNE_SAMPLE
    first, again, other = (prune(large, 0.04, torch.Generator().manual_seed(seed))["w"] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    # a share estimated from 10⁶ draws has a standard deviation of √(0.04 · 0.96 / 10⁶) = 0.0002
    assert float((first == 0).float().mean()) == pytest.approx(0.04, abs=0.001)


def test_nothing_is_pruned_at_zero_or_without_large_matrices() -> None:
    large = {"w": torch.randn(300, 300, generator=torch.Generator().manual_seed(0))}
    assert torch.equal(prune(large, 0.0, torch.Generator())["w"], large["w"])
    small = {"w": torch.ones(2, 2)}
    assert prune(small, 0.5, torch.Generator()) == small
