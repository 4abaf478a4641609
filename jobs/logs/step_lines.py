"""Lines of a training's steps, in both forms in which scripts of the challenge print them.

step:7/20000 train_loss:3.2 train_time:1234ms step_avg:61ms     also with "val_loss:" and "val_bpb:"
7/20000 train_loss: 3.2 train_time: 0.8m tok/s: 6500000         minutes, rounded
stopping_early: wallclock_cap train_time: 600011ms step: 7/20000
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from jobs.logs.numbers import NUMBER, to_seconds

_STEP = re.compile(r"^(?:step:)? ?(\d{1,9})/(\d{1,9}) ", re.ASCII)
_STOP_STEP = re.compile(r"\bstep: ?(\d{1,9})/(\d{1,9})", re.ASCII)
_TRAIN_TIME = re.compile(rf"\b(?:train_time|t): ?{NUMBER}(ms|s)\b", re.ASCII)
_MINUTES = re.compile(rf"\btrain_time: ?{NUMBER}m\b", re.ASCII)
_TRAIN_LOSS = re.compile(rf"\b(?:train_)?loss: ?{NUMBER}", re.ASCII)
_VAL_LOSS = re.compile(rf"\bval_(?:avg_|ema_)?loss[:=] ?{NUMBER}", re.ASCII)
_VAL_BPB = re.compile(rf"val_bpb: ?{NUMBER}(?![\w.])", re.ASCII)
_NOT_FINITE = re.compile(r"\b(?:\w{1,20}_)?loss[:=] ?[-+]?(?:nan|inf)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one line of a training says; None for what it does not."""

    number: int | None
    total: int | None
    """Steps that the training would take without a limit of time."""
    train_loss: float | None
    """Nats per token, as `val_loss`."""
    val_loss: Decimal | None
    val_bpb: Decimal | None
    seconds: float | None
    """Of training."""
    minutes: float | None
    """The same where the line has it in minutes, rounded to a tenth."""
    stops_early: bool
    """Whether it says that the training ends before its last step."""
    lost: bool
    """Whether a loss is infinite or not a number."""

    @property
    def about_seconds(self) -> float | None:
        """Seconds of training, exact or rounded."""
        return self.seconds if self.minutes is None else self.minutes * 60


def starts_step(line: str) -> bool:
    """Whether a line starts as a step does."""
    return _STEP.match(line) is not None


@lru_cache(maxsize=16)  # several readers read the same line
def read_step(line: str) -> Step | None:
    """Read a line of training; None where it is none."""
    stops = line.startswith("stopping_early")
    match = _STOP_STEP.search(line) if stops else _STEP.match(line)
    if match is None and not stops:
        return None
    time, minutes = _TRAIN_TIME.search(line), _MINUTES.search(line)
    train, loss, bpb = _TRAIN_LOSS.search(line), _VAL_LOSS.search(line), _VAL_BPB.search(line)
    return Step(
        number=int(match[1]) if match else None,
        total=int(match[2]) if match else None,
        train_loss=float(train[1]) if train else None,
        val_loss=Decimal(loss[1]) if loss else None,
        val_bpb=Decimal(bpb[1]) if bpb else None,
        seconds=to_seconds(time[1], time[2]) if time else None,
        minutes=float(minutes[1]) if minutes else None,
        stops_early=stops,
        lost=_NOT_FINITE.search(line) is not None,
    )
