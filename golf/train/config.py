"""Settings of a training, apart from its seed and its data."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from typing import ClassVar

from golf.errors import InputError
from golf.model.attention import check_choice
from golf.model.gpt import ModelConfig

_AT_LEAST_ONE = ("gpus", "batch_tokens", "seq_len", "newton_schulz_steps", "ema_every", "swa_every")
_AT_LEAST_ZERO = ("weight_decay", "muon_momentum_steps", "warmup_steps", "warmdown_steps")
_ABOVE_ZERO = ("muon_lr", "embed_lr", "scalar_lr", "adam_eps", "clip")
_BELOW_ONE = ("muon_momentum", "muon_momentum_start", "ema_decay", "prune")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """Settings of a training; the defaults are PR 611's, except that the bigram table and the smear gate are trained.

    Raises:
        InputError: a value is out of range; the message names the key of the sweep file.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    gpus: int = 8
    """Processes that share each step, one GPU (or CPU share) each; changes only rounding. The contest's node has 8."""
    max_seconds: float | None = 600.0
    """Limit of the training clock, which starts after the warm-up and never pauses; the contest's 10 minutes."""
    steps: int | None = None
    """Limit in steps, for runs that must reproduce, on a CPU bit for bit; the first limit reached ends the training."""
    batch_tokens: int = 786_432
    """Tokens of one step, over all processes (PR 611)."""
    seq_len: int = 1024
    """Positions of one training window (PR 611)."""
    muon_lr: float = 0.02
    """Learning rate of Muon for the matrices (PR 611)."""
    embed_lr: float = 0.03
    """Learning rate of AdamW for token embedding and bigram table (PR 611, which does not train the table)."""
    scalar_lr: float = 0.02
    """Learning rate of AdamW for all other trained parameters (PR 611, which does not train the smear gate)."""
    weight_decay: float = 0.04
    """Decoupled weight decay of every trained parameter, multiplied by its learning rate (PR 611)."""
    muon_momentum: float = 0.99
    """Muon's final momentum (PR 611)."""
    muon_momentum_start: float = 0.92
    """Muon's momentum at the first step (PR 611)."""
    muon_momentum_steps: int = 1500
    """Steps over which Muon's momentum rises linearly (PR 611)."""
    newton_schulz_steps: int = 5
    """Newton–Schulz iterations of a Muon update (Jordan et al. 2024, PR 611)."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW's decay rates of the first and second moments (PR 611)."""
    adam_eps: float = 1e-8
    """AdamW's epsilon (PR 611)."""
    clip: float = 0.3
    """Gradients are clipped to this norm over all parameters, trained or not (PR 611)."""
    warmup_steps: int = 20
    """Steps that only warm up kernels and are rolled back (PR 611)."""
    warmdown_steps: int = 3000
    """Length of the linear learning-rate decay at the end, in steps or average step times (PR 611)."""
    ema_decay: float = 0.999
    """Decay per step of the exponential average of the weights (PR 611)."""
    ema_every: int = 10
    """Steps between two updates of the exponential average (PR 611)."""
    swa_below: float = 0.2
    """Learning-rate scale below which weights are sampled for the plain average, SWA (PR 611)."""
    swa_every: int = 50
    """Steps between two such samples (PR 611)."""
    prune: float = 0.04
    """Share of the smallest weights of large matrices that is set to zero (PR 611)."""
    train_bigram: bool = True
    """Whether bigram table, projection, scale and smear gate are trained; PR 611 and 614 omit them from optimizers."""
    attention: str = "auto"
    """Attention kernel, of golf.model.kernels.KERNELS; `auto` is the best one that works here."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Shape and constants of the model."""

    def __post_init__(self) -> None:
        for name in _AT_LEAST_ONE:
            self._require(name, getattr(self, name) >= 1, "must be at least 1")
        for name in _AT_LEAST_ZERO:
            self._require(name, 0 <= getattr(self, name) < math.inf, "must be at least 0")
        for name in _ABOVE_ZERO:
            self._require(name, 0 < getattr(self, name) < math.inf, "must be above 0")
        for name in _BELOW_ONE:
            self._require(name, 0 <= getattr(self, name) < 1, "must be at least 0 and below 1")
        self._require("betas", all(0 <= beta < 1 for beta in self.betas), "both must be at least 0 and below 1")
        check_choice(self.attention, "train.attention")
        self._require("swa_below", 0 <= self.swa_below <= 1, "must be from 0 to 1")
        self._require(
            "batch_tokens", self.batch_tokens % self.seq_len == 0, f"must be a multiple of seq_len = {self.seq_len}"
        )
        self._require("max_seconds", self.max_seconds is None or 0 < self.max_seconds < math.inf, "must be above 0")
        self._require("steps", self.steps is None or self.steps >= 1, "must be at least 1")
        if self.max_seconds is None and self.steps is None:
            raise InputError("train.steps: either train.steps or train.max_seconds must limit the training")

    def _require(self, name: str, holds: bool, rule: str) -> None:
        if not holds:
            raise InputError(f"train.{name} = {getattr(self, name)}: {rule}")

    def digest(self) -> str:
        """SHA-256 of the configuration as JSON with sorted keys."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
