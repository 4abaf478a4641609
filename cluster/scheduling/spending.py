"""Holding sweeps to their budgets: one that cannot pay waits for what runs of it, and is over if nothing does."""

from cluster.scheduling.state.held import Held
from jobs.state import SweepState
from jobs.store import Store


class Spending:
    """What a scheduler's sweeps may still spend."""

    def __init__(self, store: Store, held: Held, scheduler: str) -> None:
        self._store, self._held, self._scheduler = store, held, scheduler

    def hold_to_budgets(self) -> None:
        """Stop sweeps that have used up what they may cost, in spite of what was expected; their work is kept."""
        for sweep, reason in self._store.overspent().items():
            for running in [one for one in self._held.running.values() if one.sweep == sweep]:
                self._held.drop(running)
                self._store.release([running.key], "stopped: over budget", self._scheduler)
            self.refuse(sweep, reason)
        # What ran for them elsewhere may have been settled meanwhile: the next claim finds out whether that is enough.
        for sweep in [one for one in self._held.refused if not self._store.account(one).running]:
            del self._held.refused[sweep]

    def refuse(self, sweep: str, reason: str) -> None:
        """Let a sweep wait that cannot pay for its next job until what runs is settled; if nothing runs, it is over."""
        mine = [key for key, job in self._held.waiting.items() if job.order.sweep == sweep]
        for key in mine:
            del self._held.waiting[key]
        self._store.release(mine, scheduler=self._scheduler)
        if self._store.account(sweep).running:
            self._held.refused[sweep] = reason
        else:
            self._held.refused.pop(sweep, None)
            self._store.end_sweep(sweep, SweepState.OVER_BUDGET, reason)
