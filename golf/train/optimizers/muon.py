"""Muon for the blocks' matrices, AdamW for everything else.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) replaces the momentum of a matrix by an
approximation of the nearest semi-orthogonal matrix: a quintic Newton–Schulz iteration moves all singular values to near
1.

Letters of tensor shapes: N matrices of one shape, R rows, C columns.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from golf.model.gpt import GPT
from golf.train.config import TrainConfig
from golf.train.optimizers.adamw import AdamW

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""a, b, c of X ← aX + b(XXᵀ)X + c(XXᵀ)²X (Jordan et al. 2024): fast growth near 0 rather than convergence at 1."""
NORM_EPS = 1e-7
"""Keeps a zero gradient zero: gradients behind zero-initialized projections are zero in the first step."""
UNTRAINED_IN_PR_611 = ("bigram.", "smear.")
"""Prefixes of parameters that PR 611 does not train."""


def newton_schulz(grad_NRC: Tensor, steps: int = 5, dtype: torch.dtype = torch.float32) -> Tensor:
    """Orthogonalize N matrices approximately: singular values become about 0.7 … 1.2.

    Args:
        grad_NRC: fp32 matrices, [N, R, C].
        steps: iterations; five suffice for singular values of at least 1/100 of the Frobenius norm.
        dtype: of the iterations.

    Returns:
        fp32 matrices of the same shape.
    """
    a, b, c = NEWTON_SCHULZ
    tall = grad_NRC.shape[-2] > grad_NRC.shape[-1]
    x = grad_NRC.mT if tall else grad_NRC
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + NORM_EPS)).to(dtype)
    for _ in range(steps):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).float()


class Muon:
    """Muon: orthogonalized Nesterov momentum. Matrices of one shape share a parameter group and are updated together.

    p ← p·(1 − lr·decay) − lr·√max(1, R/C)·orthogonalize(g + momentum·m), with m ← momentum·m + g (PR 611).
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float,
        newton_schulz_steps: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Take matrices, and the dtype of Newton–Schulz."""
        by_shape: dict[torch.Size, list[nn.Parameter]] = {}
        for matrix in matrices:
            by_shape.setdefault(matrix.shape, []).append(matrix)
        settings = {"lr": lr, "weight_decay": weight_decay, "momentum": 0.0, "newton_schulz_steps": newton_schulz_steps}
        self.param_groups: list[dict[str, Any]] = [{"params": group, **settings} for group in by_shape.values()]
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self._dtype = dtype

    @torch.no_grad()
    def step(self) -> None:
        """Update every matrix from its gradient."""
        for group in self.param_groups:
            matrices, lr, momentum = group["params"], group["lr"], group["momentum"]
            grad_NRC = torch.stack([matrix.grad for matrix in matrices])
            state = self.state.setdefault(matrices[0], {})
            if not state:
                state["momentum"] = torch.zeros_like(grad_NRC)
            state["momentum"].mul_(momentum).add_(grad_NRC)
            grad_NRC.add_(state["momentum"], alpha=momentum)
            update_NRC = newton_schulz(grad_NRC, group["newton_schulz_steps"], self._dtype)
            stretch = max(1.0, matrices[0].shape[0] / matrices[0].shape[1]) ** 0.5
            for matrix, update in zip(matrices, update_NRC.unbind(), strict=True):
                matrix.mul_(1 - lr * group["weight_decay"]).sub_(update, alpha=lr * stretch)


def parameter_groups(model: GPT, *, train_bigram: bool) -> dict[str, list[nn.Parameter]]:
    """Split the trained parameters into `matrices` for Muon, and `embeddings` and `scalars` for AdamW.

    Matrices are the projections of the blocks and of the bigram embedding. Without `train_bigram`, bigram table,
    projection, scale and smear gate are in no group, as in PR 611 and 614.
    """
    groups: dict[str, list[nn.Parameter]] = {"matrices": [], "embeddings": [], "scalars": []}
    for name, parameter in model.named_parameters():
        if name.startswith(UNTRAINED_IN_PR_611) and not train_bigram:
            continue
        if name in ("tok_emb.weight", "bigram.embed.weight"):
            groups["embeddings"].append(parameter)
        elif name.endswith(".weight"):
            groups["matrices"].append(parameter)
        else:
            groups["scalars"].append(parameter)
    return groups


@dataclass(frozen=True, slots=True)
class Optimizers:
    """Muon and AdamW as one optimizer; each parameter group has its unscaled learning rate as "base_lr"."""

    muon: Muon
    adamw: AdamW
    names: Mapping[Tensor, str]

    @classmethod
    def build(cls, model: GPT, config: TrainConfig, dtype: torch.dtype = torch.float32) -> "Optimizers":
        """Build the optimizers of a model's trained parameters; `dtype` is that of Newton–Schulz."""
        groups = parameter_groups(model, train_bigram=config.train_bigram)
        muon = Muon(
            groups["matrices"],
            lr=config.muon_lr,
            weight_decay=config.weight_decay,
            newton_schulz_steps=config.newton_schulz_steps,
            dtype=dtype,
        )
        adamw = AdamW(
            [(groups["embeddings"], config.embed_lr), (groups["scalars"], config.scalar_lr)],
            betas=config.betas,
            eps=config.adam_eps,
            weight_decay=config.weight_decay,
        )
        for group in (*muon.param_groups, *adamw.param_groups):
            group["base_lr"] = group["lr"]
        return cls(muon, adamw, {parameter: name for name, parameter in model.named_parameters()})

    def step(self, *, lr_scale: float, momentum: float) -> None:
        """Update all trained parameters from their gradients; `lr_scale` is a factor on all learning rates."""
        for group in (*self.muon.param_groups, *self.adamw.param_groups):
            group["lr"] = group["base_lr"] * lr_scale
        for group in self.muon.param_groups:
            group["momentum"] = momentum
        self.muon.step()
        self.adamw.step()

    def tensors(self) -> dict[str, Tensor]:
        """All state as tensors "OPTIMIZER/PARAMETER/ENTRY"; Muon stores a group's momentum with its first matrix."""
        return {
            f"{kind}/{self.names[parameter]}/{entry}": tensor
            for kind, optimizer in self._each()
            for parameter, state in optimizer.state.items()
            for entry, tensor in state.items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the result of `tensors`."""
        self.clear()
        parameters = {name: parameter for parameter, name in self.names.items()}
        for kind, optimizer in self._each():
            for path in (path for path in tensors if path.startswith(f"{kind}/")):
                _, name, entry = path.split("/")
                state = optimizer.state.setdefault(parameters[name], {})
                state[entry] = tensors[path].to(parameters[name].device, copy=True)

    def clear(self) -> None:
        """Discard all state, as before the first step."""
        for _, optimizer in self._each():
            optimizer.state.clear()

    def _each(self) -> Iterator[tuple[str, Muon | AdamW]]:
        yield "muon", self.muon
        yield "adamw", self.adamw
