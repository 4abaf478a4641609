"""Following a sweep from the store alone."""

from pathlib import Path

from jobs.state import JobState, SweepState
from jobs.workplace import Workplace
from sweeps.views.following import follow_sweep
from tests.sweeps.made_up import Clock, file, play, work


def test_it_sees_each_change_until_the_driver_has_ended_the_sweep(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    sweep, store = play(place, file("main"), steps=0), place.store
    store.put_sweep("main", sweep.to_json())
    driver, clock = sweep.driver(store), Clock()
    driver.step()
    store.drive("main", "elsewhere", "cluster")

    def do_a_round(_: float) -> None:
        store.drive("main", "elsewhere", "cluster")
        work(sweep, store, clock, place)
        if driver.step().done:
            store.end_sweep("main", SweepState.DONE)

    done = [snapshot.counts[JobState.DONE] for snapshot in follow_sweep("main", store, do_a_round)]
    assert done[0] == 0
    assert done == sorted(done)
    assert done[-1] == len(store.jobs("main"))
    assert len(done) == len(set(done))
    assert [snapshot.done for snapshot in follow_sweep("main", store, do_a_round)] == [True]


def test_it_ends_where_nobody_drives_the_sweep(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    place.store.put_sweep("main", play(place, file("main"), steps=0).to_json())
    assert [snapshot.done for snapshot in follow_sweep("main", place.store, lambda _: None)] == [False]
