"""Holding sweeps to their budgets: a sweep that cannot pay waits for its running jobs, and is over if none runs."""

from cluster.scheduling.state.in_flight import InFlight
from jobs.state import SweepState
from jobs.store import Store


class Spending:
    """Budgets of the sweeps whose jobs a scheduler has claimed."""

    def __init__(self, store: Store, in_flight: InFlight, scheduler: str) -> None:
        self._store, self._in_flight, self._scheduler = store, in_flight, scheduler

    def hold_to_budgets(self) -> None:
        """Stop sweeps that have overspent in spite of the reservations; their checkpoints and shards are kept."""
        for sweep, reason in self._store.overspent().items():
            for running in [job for job in self._in_flight.running.values() if job.sweep == sweep]:
                self._in_flight.drop(running)
                self._store.release([running.key], "stopped: over budget", self._scheduler)
            self.refuse(sweep, reason)
        # Their jobs on other clusters may have been settled meanwhile: the next claim shows whether that is enough.
        for sweep in [name for name in self._in_flight.refused if not self._store.account(name).running]:
            del self._in_flight.refused[sweep]

    def refuse(self, sweep: str, reason: str) -> None:
        """Let a sweep that cannot pay for its next job wait for its running jobs; if none runs, the sweep is over."""
        waiting = [key for key, job in self._in_flight.waiting.items() if job.order.sweep == sweep]
        for key in waiting:
            del self._in_flight.waiting[key]
        self._store.release(waiting, scheduler=self._scheduler)
        if self._store.account(sweep).running:
            self._in_flight.refused[sweep] = reason
        else:
            self._in_flight.refused.pop(sweep, None)
            self._store.end_sweep(sweep, SweepState.OVER_BUDGET, reason)
