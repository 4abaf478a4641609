"""AdamW against torch's own, bit for bit."""

import torch

from golf.train.optimizers.adamw import AdamW

SHAPES = [(4, 6), (7,), ()]


def parameters() -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def test_steps_are_those_of_torchs_fused_optimizer_bit_for_bit() -> None:
    ours, theirs = parameters(), parameters()
    betas = (0.9, 0.95)
    mine = AdamW([(ours[:1], 0.03), (ours[1:], 0.02)], betas=betas, eps=1e-8, weight_decay=0.04)
    groups = [{"params": theirs[:1], "lr": 0.03}, {"params": theirs[1:], "lr": 0.02}]
    torchs = torch.optim.AdamW(groups, betas=betas, eps=1e-8, weight_decay=0.04, fused=True)
    generator = torch.Generator().manual_seed(1)
    for step in range(5):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            gradient = torch.randn(one.shape, generator=generator)
            skipped = index == 1 and step == 2  # without a gradient nothing of a parameter changes
            one.grad, other.grad = (None, None) if skipped else (gradient, gradient.clone())
        for optimizer in (mine, torchs):
            optimizer.param_groups[1]["lr"] = 0.02 * 0.8**step
            optimizer.step()
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one, other)
            state = torchs.state[other]
            assert list(mine.state[one]) == list(state)
            assert all(torch.equal(tensor, state[name]) for name, tensor in mine.state[one].items())
