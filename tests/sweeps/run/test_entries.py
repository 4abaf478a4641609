"""Entries are written when evaluations and audits finish, and once for sweeps of earlier versions of golfsweep."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.state import SweepState
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.entries.form import VERSION, is_outdated
from sweeps.entries.reading import board_of
from sweeps.run.entries import EntryWriter, build_missing
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import Clock, file, play, work


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace.open(tmp_path / "it's a home")


def make_older(place: Workplace) -> None:
    """Leave the store as a version of golfsweep did that kept no entries."""
    for record in place.store.sweeps():
        spec = {name: value for name, value in record.spec.items() if name != "board"}
        place.store.put_entries(record.name, [], version=0, spec=spec)


def shown(name: str, place: Workplace) -> list[dict[str, Any]]:
    return board_of(name, place).table()


def test_an_entry_names_everything_that_it_rests_on(place: Workplace) -> None:
    play(place, file("one"))
    entries = place.store.entries("one")
    assert [(entry.name, entry.position) for entry in entries] == [("base", 0), ("none", 1), ("leak", 2)]
    base = entries[0]
    assert list(base.evidence["seeds"]) == ["3", "4", "5"]
    for seed, evidence in base.evidence["seeds"].items():
        for stage, key in evidence["jobs"].items():
            job = place.store.job(key)
            assert job is not None and job.outputs is not None
            assert (job.order.job.stage, str(job.order.job.seed)) == (stage, seed)
            made = {name: value for name, value in job.outputs.items() if name in evidence}
            assert made == {name: evidence[name] for name in made}
        assert set(evidence) == {"jobs", "weights", "artifact", "scores", "metrics"}
        assert list(evidence["jobs"]) == ["train", "quantize", "eval"]
    audit = place.store.job(base.evidence["audit"]["job"])
    assert audit is not None and audit.outputs is not None
    assert base.evidence["audit"]["certificate"] == audit.outputs["certificate"]
    assert base.evidence["arithmetic"] == {"train": 1, "quantize": 3, "eval": 3, "audit": 4}
    assert base.content["settings"]["eval"]["lr"] == 0.01
    assert base.content["audit"]["judged"] is True


def test_a_run_writes_entries_when_final_evaluations_and_audits_have_finished(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep, clock = play(place, file("one"), steps=0), Clock()
    store = Store.open(place.home.database_url, clock)
    store.put_sweep("one", sweep.to_json())
    writer, driver = EntryWriter(sweep, store, place.files), sweep.driver(store)
    writes: list[int] = []
    plain = EntryWriter.write
    monkeypatch.setattr(EntryWriter, "write", lambda self: writes.append(1) or plain(self))

    def look() -> tuple[int, dict[str, bool]]:
        """How often entries were written, and whether each of them is audited."""
        writer.update(driver.step())
        audited = {entry.name: entry.content["audit"] is not None for entry in store.entries("one")}
        work(sweep, store, clock, place)
        return len(writes), audited

    assert look() == (1, {})
    assert look() == (1, {})  # trainings have finished
    assert look() == (1, {})  # and quantizations
    assert look() == (2, {"base": False, "none": False, "leak": False})  # and evaluations
    assert {row["track"] for row in shown("one", place)} == {"unverified"}
    assert look() == (3, {"base": True, "none": True, "leak": True})
    assert look() == (3, {"base": True, "none": True, "leak": True})
    store.close()


def test_nothing_is_written_twice(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = play(place, file("one"))
    before = place.store.entries()
    writer = EntryWriter(sweep, place.store, place.files)
    assert writer.write() == []
    read: list[str] = []
    plain = Store.attempts
    monkeypatch.setattr(Store, "attempts", lambda self, key: read.append(key) or plain(self, key))
    assert writer.write() == []
    assert read == []
    assert place.store.entries() == before


def test_an_entry_that_the_edited_file_does_not_have_is_removed(place: Workplace) -> None:
    play(place, file("one"))
    play(place, file("one", arm=[{"name": "none", "eval": {"preset": "none"}}]))
    assert [entry.name for entry in place.store.entries()] == ["none"]
    assert [row["name"] for row in shown("one", place)] == ["none"]


def test_sweeps_of_an_earlier_version_get_their_entries_at_the_first_read(place: Workplace, golfsweep: Command) -> None:
    play(place, file("spring"))
    play(place, file("summer"))
    before, frame = place.store.entries(), shown("summer", place)
    make_older(place)
    assert all(map(is_outdated, place.store.sweeps()))
    words = ("leaderboard", "--json", "--home", place.home.root)
    code, out, err = golfsweep(*words)
    assert code == 0
    assert "Sweep spring was run by an earlier version of golfsweep; writing its leaderboard entries once." in err
    assert [sweep.entries_version for sweep in place.store.sweeps()] == [VERSION, VERSION]
    after = place.store.entries()
    assert [(entry.name, entry.content, entry.evidence) for entry in after] == [
        (entry.name, entry.content, entry.evidence) for entry in before
    ]
    assert json.loads(out)["rows"] == frame
    assert golfsweep(*words) == (0, out, "")


def test_a_sweep_that_this_version_does_not_understand_is_named_once(place: Workplace) -> None:
    play(place, file("spring"))
    play(place, file("summer"))
    make_older(place)
    place.store.put_entries("spring", [], version=0, spec={"file": {"name": "spring"}, "data": {}, "machine": {}})
    said: list[str] = []
    build_missing(place.store, place.files, said.append)
    assert said[0] == "sweep spring: data: missing; sweep spring: seeds: missing; its entries are not shown."
    assert [row["name"] for row in shown("summer", place)] == ["base", "none", "leak"]
    build_missing(place.store, place.files, said.append)
    assert len(said) == 2


def test_a_cancelled_sweep_orders_nothing_while_its_entries_are_written(place: Workplace) -> None:
    sweep = play(place, file("one"), steps=1)
    place.store.end_sweep("one", SweepState.CANCELLED)
    keys = [job.key for job in place.store.jobs()]
    EntryWriter(sweep, place.store, place.files).write()
    assert [job.key for job in place.store.jobs()] == keys
