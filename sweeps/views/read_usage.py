"""What a sweep uses now, and may use, read from the store for its progress."""

from jobs.budget import Budget
from jobs.errors import StoreUnavailable
from jobs.store import Store
from sweeps.views.terminal.progress_facts import SweepUsage
from sweeps.views.wording import slot_unit


def read_usage(name: str, store: Store) -> SweepUsage | None:
    """Slots, hours and money of a sweep; None before it has begun, and while the database is unavailable."""
    try:
        record, scheduler = store.sweep(name), store.scheduler_of(name)
        if record is None:
            return None
        hours, driver = store.account(name).spent, store.driver_of(name)
    except StoreUnavailable:
        return None
    budget = Budget(**record.budget or {})
    return SweepUsage(
        name=name,
        unit=slot_unit(record),
        slots=None if scheduler is None else scheduler.slots,
        hours=hours,
        dollars=budget.cost(hours),
        budget_dollars=budget.dollars,
        budget_hours=budget.gpu_hours,
        since=None if driver is None else driver.since,
    )
