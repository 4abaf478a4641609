"""Budgets of sweeps inside the policy: what each has spent and reserved, and whether it can pay for one more job."""

from collections.abc import Mapping

from cluster.policy.queues import PolicyJob
from jobs.budget import Account, Budget, reservation


class Accounts:
    """GPU-hours of every sweep that has limits; sweeps without limits are free."""

    def __init__(self, budgets: Mapping[str, Budget], spent: Mapping[str, float], epoch: float) -> None:
        """Open the accounts.

        Args:
            budgets: limits by sweep.
            spent: GPU-hours already spent by sweep.
            epoch: epoch seconds at which the policy's clock shows 0; deadlines are epoch seconds.
        """
        self._budgets, self._epoch = budgets, epoch
        self._accounts = {sweep: Account(spent=spent.get(sweep, 0.0), reserved=0.0) for sweep in budgets}

    def reservation(self, job: PolicyJob, now: float) -> float | str:
        """GPU-hours to reserve for a job, or why its sweep cannot pay for it now."""
        if (budget := self._budgets.get(job.sweep)) is None:
            return 0.0
        return reservation(budget, self._accounts[job.sweep], job.slots, job.seconds, self._epoch + now)

    def may_pay_later(self, job: PolicyJob, now: float) -> bool:
        """Whether running jobs may give back enough of their reservations; a missed deadline stays missed."""
        deadline = self._budgets[job.sweep].deadline
        in_time = deadline is None or self._epoch + now + (job.seconds or 0.0) < deadline
        return in_time and self._accounts[job.sweep].running > 0

    def reserve(self, sweep: str, hours: float) -> None:
        """Reserve GPU-hours for a job that starts."""
        self._change(sweep, reserved=hours, running=1)

    def settle(self, sweep: str, *, spent: float, reserved: float) -> None:
        """Replace a job's reservation by what it has spent, in GPU-hours."""
        self._change(sweep, spent=spent, reserved=-reserved, running=-1)

    def _change(self, sweep: str, *, spent: float = 0.0, reserved: float, running: int) -> None:
        if (account := self._accounts.get(sweep)) is not None:
            self._accounts[sweep] = Account(
                spent=account.spent + spent,
                reserved=max(0.0, account.reserved + reserved),
                running=account.running + running,
            )
