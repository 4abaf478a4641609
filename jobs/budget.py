"""What a sweep may cost, and whether one more attempt fits: hours are reserved before it starts, settled when it ends.

Pure functions on plain data; the store applies them in the transaction that starts an attempt.
"""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Limits of a sweep; None: unlimited."""

    gpu_hours: float | None = None
    dollars: float | None = None
    dollars_per_gpu_hour: float | None = None
    deadline: float | None = None
    """Epoch seconds by which everything must have ended."""

    @property
    def hours(self) -> float | None:
        """The GPU-hours that both limits leave."""
        limits = [] if self.gpu_hours is None else [self.gpu_hours]
        if self.dollars is not None and self.dollars_per_gpu_hour:
            limits.append(self.dollars / self.dollars_per_gpu_hour)
        return min(limits, default=None)

    def cost(self, hours: float) -> float | None:
        """Dollars of GPU-hours; None without a price."""
        return None if self.dollars_per_gpu_hour is None else hours * self.dollars_per_gpu_hour


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A sweep's GPU-hours: those that ended attempts used, and those reserved for running ones."""

    spent: float
    reserved: float
    running: int = 0
    """Attempts that run now."""


def reservation(budget: Budget, account: Account, slots: int, seconds: float | None, now: float) -> float | str:
    """The GPU-hours to reserve for one more attempt, or why it must not start.

    Args:
        budget: the sweep's limits.
        account: what it has spent and reserved.
        slots: width of the attempt.
        seconds: what it is expected to take at most; None reserves all that is left until more is known.
        now: epoch seconds.
    """
    if budget.deadline is not None and now + (seconds or 0.0) >= budget.deadline:
        ends = datetime.fromtimestamp(budget.deadline, UTC).isoformat(timespec="minutes")
        return f"cannot end before the deadline, {ends}" + (f" (takes about {seconds:.0f} s)" if seconds else "")
    wanted = None if seconds is None else slots * seconds / 3600
    if budget.hours is None:
        return wanted or 0.0
    left = budget.hours - account.spent - account.reserved
    if left <= 0 or (wanted is not None and wanted > left):
        need = "all that is left" if wanted is None else f"{wanted:.3g} GPU-hours"
        return (
            f"needs {need}; of {_limit(budget)} {account.spent:.3g} GPU-hours are spent and {account.reserved:.3g} "
            f"reserved for running jobs"
        )
    return left if wanted is None else wanted


def _limit(budget: Budget) -> str:
    """A budget as a person wrote it."""
    assert budget.hours is not None
    if budget.gpu_hours == budget.hours:
        return f"budget.gpu_hours = {budget.gpu_hours:g}"
    return f"budget.dollars = {budget.dollars:g} ({budget.hours:.3g} GPU-hours)"
