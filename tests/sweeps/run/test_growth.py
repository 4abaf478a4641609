"""A home does not grow by running again what is finished."""

from typing import Any

from jobs.workplace import Workplace
from sweeps.cli.commands import run as run_command
from sweeps.cli.errors import ExitCode
from tests.sweeps import inline
from tests.sweeps.inline import Record

PAGE_BYTES = 4096
"""Of SQLite: what a run writes of itself are a few events."""


def test_runs_of_a_finished_sweep_leave_a_few_events_and_nothing_else(
    place: Workplace, data: dict[str, Any], record: Record, capsys: Any
) -> None:
    def run() -> dict[str, int]:
        assert inline.run(inline.spec_of(data), place).done
        run_command.show("small", place, ExitCode.DONE, True)
        place.store.close()  # as a command does when it ends
        return {str(path): path.stat().st_size for path in place.home.root.rglob("*") if path.is_file()}

    first, events = run(), len(place.store.events())
    for _ in range(4):
        last = run()
    assert last.keys() == first.keys() and record.ran == []
    assert sum(last.values()) - sum(first.values()) <= 4 * PAGE_BYTES
    assert len(place.store.events()) - events <= 4 * 4
