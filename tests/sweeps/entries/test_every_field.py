"""Every stored field of an entry is held against its evidence: each is changed in turn, as one with access could."""

from dataclasses import fields, replace

import pytest

from golf.ttt.protocols import PROTOCOLS
from jobs.workplace import Workplace
from sweeps.board.evaluation import Evaluation
from sweeps.entries.checking import judge_evidence, verify_entry
from sweeps.entries.forms.native import UNADAPTED
from sweeps.entries.lost import Lost
from tests.sweeps.made_up import file, play
from tests.sweeps.tampering import FURTHER, Place, change, fields_of, list_places, name_of

UNCHECKED = {
    ("content", "evaluations", "row"): "never read: an evaluation is of the entry that holds it",
    ("content", "evaluations", "sweep"): "never read: an evaluation is of the sweep that holds it",
    ("evidence", "code", "script"): "no rule depends on it: a package makes the script anew, whatever this says",
}
"""Stored fields that may say anything, with the reason."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A home with one sweep that searches, so that there are trials, and trains seeds that it does not evaluate."""
    place = Workplace.open(tmp_path_factory.mktemp("fields") / "home")
    search = {"sampler": "random", "trials": 3, "parallel": 1, "seed": 1, "documents": 4, "space": {
        "eval.lr": {"low": 0.001, "high": 0.1, "log": True}}}  # fmt: skip
    source = file("one", search=search, confirm={"top": 1, "train_only": 2})
    source["seeds"] = {"tune": [1], "confirm": [3, 4, 5]}
    play(place, source)
    return place


@pytest.mark.parametrize("name", ["base", "trial"])
def test_every_stored_field_that_is_changed_is_a_finding(place: Workplace, name: str) -> None:
    [entry] = [entry for entry in place.store.entries("one") if entry.name.startswith(name)]
    assert verify_entry(entry, place) == []
    stored, unnoticed = fields_of(entry), set[Place]()
    for path in list_places(stored):
        if FURTHER.intersection(path[2:4]):
            continue
        changed = replace(entry, **change(stored, path))
        if not judge_evidence([changed], place, Lost()):
            unnoticed.add(name_of(path))
    assert unnoticed == set(UNCHECKED)


def test_every_field_of_an_evaluation_is_stored(place: Workplace) -> None:
    entry = place.store.entries("one")[0]
    assert set(entry.content["evaluations"][0]) == {field.name for field in fields(Evaluation)}
    assert {name: protocol.adapts for name, protocol in PROTOCOLS.items()} == {
        name: name != UNADAPTED for name in PROTOCOLS
    }
