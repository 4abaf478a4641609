"""AdamW (Loshchilov & Hutter 2019) on torch's fused operation, without torch's class of optimizers.

The first optimizer of that class in a process imports torch's compiler, which takes as long as to import torch. A rank
on a CPU, which compiles nothing, would wait for it before its first step.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw


class AdamW:
    """p ← p·(1 − lr·decay) − lr·m̂/(√v̂ + eps), bit for bit as torch.optim.AdamW computes it with `fused`."""

    def __init__(
        self,
        groups: Iterable[tuple[list[nn.Parameter], float]],
        *,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> None:
        """Take groups of parameters, each with its learning rate."""
        self.param_groups: list[dict[str, Any]] = [{"params": parameters, "lr": lr} for parameters, lr in groups]
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self._betas, self._eps, self._weight_decay = betas, eps, weight_decay

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            states = [self._state_of(parameter) for parameter in parameters]
            adamw(
                parameters,
                [parameter.grad for parameter in parameters],
                [state["exp_avg"] for state in states],
                [state["exp_avg_sq"] for state in states],
                [],
                [state["step"] for state in states],
                fused=True,
                amsgrad=False,
                beta1=self._betas[0],
                beta2=self._betas[1],
                lr=group["lr"],
                weight_decay=self._weight_decay,
                eps=self._eps,
                maximize=False,
            )

    def _state_of(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """Steps made and moments of the gradient, on the parameter's device; zeros at first."""
        if not self.state.get(parameter):
            self.state[parameter] = {
                "step": torch.zeros((), device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }
        return self.state[parameter]
