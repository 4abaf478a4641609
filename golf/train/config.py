"""Settings of a training, apart from its seed and its data."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

from golf.errors import InputError, ShortRepr
from golf.model.attention import choice_problems
from golf.model.gpt import ModelConfig
from golf.ranges import DECAY, GPUS, MOST_STEPS, POSITIONS, RATE, SECONDS, SHARE, STEPS, Range, outside

RANGES: Mapping[str, Range] = {
    "gpus": GPUS,
    "max_seconds": SECONDS,
    "steps": Range(1, MOST_STEPS),
    "batch_tokens": Range(1, 2**30),
    "seq_len": POSITIONS,
    "muon_lr": RATE,
    "embed_lr": RATE,
    "scalar_lr": RATE,
    "weight_decay": DECAY,
    "muon_momentum": SHARE,
    "muon_momentum_start": SHARE,
    "muon_momentum_steps": STEPS,
    "newton_schulz_steps": Range(1, 100),
    "betas": SHARE,
    "adam_eps": RATE,
    "clip": RATE,
    "warmup_steps": STEPS,
    "warmdown_steps": STEPS,
    "ema_decay": SHARE,
    "ema_every": Range(1, MOST_STEPS),
    "swa_below": Range(0, 1),
    "swa_every": Range(1, MOST_STEPS),
    "prune": SHARE,
}
"""Range of each number."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class TrainConfig(ShortRepr):
    """Settings of a training; the defaults are PR 611's, except that the bigram table and the smear gate are trained.

    Raises:
        InputError: a line for each value that is out of range or does not go with another, with its key in the file.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    gpus: int = 8
    """Processes of the gang, one GPU (or CPU share) each; another number changes only rounding."""
    max_seconds: float | None = 600.0
    """Limit of the training clock, which starts after the warm-up and never pauses: copying the state for a checkpoint
    counts.
    """
    steps: int | None = None
    """Limit in steps, for runs that reproduce: bit for bit on a CPU, up to rounding on GPUs. Alone, it switches off the
    clock's limit; given both, the first one reached ends the training.
    """
    batch_tokens: int = 786_432
    """Tokens of one step over all processes; a multiple of `train.seq_len` (PR 611)."""
    seq_len: int = 1024
    """Positions of one training window (PR 611)."""
    muon_lr: float = 0.02
    """Muon's learning rate of the blocks' matrices (PR 611)."""
    embed_lr: float = 0.03
    """AdamW's learning rate of the token embedding and the bigram table (PR 611, which does not train the table)."""
    scalar_lr: float = 0.02
    """AdamW's learning rate of gains, scales, mixes, skip weights and the gate (PR 611, which does not train the smear
    gate).
    """
    weight_decay: float = 0.04
    """Decoupled decay, times the learning rate, of every trained parameter (PR 611)."""
    muon_momentum: float = 0.99
    """Muon's final momentum (PR 611)."""
    muon_momentum_start: float = 0.92
    """Muon's momentum at the first step (PR 611)."""
    muon_momentum_steps: int = 1500
    """Steps over which the momentum rises linearly (PR 611)."""
    newton_schulz_steps: int = 5
    """Iterations that orthogonalize a Muon update (Jordan et al. 2024, PR 611)."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW's decay of the first and second moment (PR 611)."""
    adam_eps: float = 1e-8
    """AdamW's epsilon (PR 611)."""
    clip: float = 0.3
    """Largest norm of the gradient over all parameters, trained or not (PR 611)."""
    warmup_steps: int = 20
    """Steps that only warm the kernels; their effect on the weights is rolled back (PR 611)."""
    warmdown_steps: int = 3000
    """Length of the linear decay of the learning rates, in steps, or in as many average step times (PR 611)."""
    ema_decay: float = 0.999
    """Decay per step of the exponential average of the weights (PR 611)."""
    ema_every: int = 10
    """Steps between two updates of that average (PR 611)."""
    swa_below: float = 0.2
    """Learning-rate scale below which weights are sampled for the plain average, SWA (PR 611)."""
    swa_every: int = 50
    """Steps between two such samples (PR 611)."""
    prune: float = 0.04
    """Share of the smallest weights of large matrices that is set to zero (PR 611)."""
    train_bigram: bool = True
    """Train the bigram table, its projection, its scale and the smear gate. PR 611 and PR 614 train none of them."""
    attention: str = "auto"
    """Attention kernel: `"fa4"`, `"fa3"`, `"flash-attn-3"`, `"flash-attn"`, `"cudnn"`, `"flash"`, `"sdpa"`, `"blocks"`,
    or the best that works here ([gpus.md](gpus.md)).
    """
    model: ModelConfig = field(default_factory=ModelConfig)
    """Shape and constants of the model."""

    def __post_init__(self) -> None:
        problems = [*outside(self, "train", RANGES), *choice_problems(self.attention, "train.attention")]
        if not problems:
            problems += self._conflicts()
        if problems:
            raise InputError(*problems)

    def _conflicts(self) -> Iterator[str]:
        """Settings that do not go together."""
        if self.batch_tokens % self.seq_len:
            yield f"train.batch_tokens = {self.batch_tokens}: must be a multiple of seq_len = {self.seq_len}"
        if self.max_seconds is None and self.steps is None:
            yield "train.steps: either train.steps or train.max_seconds must limit the training"

    def check_processes(self, processes: int) -> None:
        """Check that so many processes can share a batch evenly.

        Raises:
            InputError: batch_tokens is no multiple of seq_len × processes.
        """
        if self.batch_tokens % (self.seq_len * processes):
            raise InputError(
                f"train.batch_tokens = {self.batch_tokens}: must be a multiple of seq_len × gpus "
                f"= {self.seq_len} × {processes}"
            )

    def digest(self) -> str:
        """SHA-256 of the configuration as JSON with sorted keys."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
