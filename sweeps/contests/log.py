"""What a log of a training says, in the form that every contest's reader gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """One validation during or after a training."""

    scores: Mapping[str, Decimal]
    """Name of each score → its value as printed."""
    seconds: float | None = None
    """The training's clock at that step."""


@dataclass(kw_only=True, slots=True)
class TrainingLog:
    """The contents of a log; None or empty for what it does not have."""

    validations: dict[int, Validation] = field(default_factory=dict)
    """Step → what was measured there."""
    planned_steps: int | None = None
    """Steps that the training was to take."""
    foreign: bool = False
    """Whether it is a log of another contest."""
    trainings: int = 0
    """Number of trainings: one, or more where the steps start again."""
    seed: str | None = None
    """The first seed that it prints."""
    gpu: str | None = None
    """Name of its GPUs."""
    gpus: int | None = None
    hosts: frozenset[str] = frozenset()
    """What tells its machine apart from others."""

    @property
    def is_log(self) -> bool:
        """Whether it shows a training."""
        return bool(self.validations)
