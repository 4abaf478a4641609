"""An entry is checked against what it rests on: jobs, score tables and certificate."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.store import EntryRecord
from jobs.workplace import Workplace
from sweeps.entries.checking import verify_entry
from sweeps.views.show import describe
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    place = Workplace.open(tmp_path / "it's a home")
    play(place, file("one"))
    return place


def entry_of(place: Workplace, name: str = "base") -> EntryRecord:
    return next(entry for entry in place.store.entries("one") if entry.name == name)


def test_every_entry_agrees_with_its_evidence(place: Workplace) -> None:
    for entry in place.store.entries():
        if entry.name != "leak":
            assert verify_entry(entry, place) == [], entry.name


def test_findings_that_the_certificate_does_not_have_are_reported(place: Workplace) -> None:
    # The made-up audit's outcome of this entry says that it leaks, its certificate does not.
    [passed, finding] = verify_entry(entry_of(place, "leak"), place)
    assert passed == "its certificate says passed: True, the entry says False"
    assert finding == "seed 3: its findings are not those of its certificate: none"


def set_nll(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["nll"] *= 0.99


def set_tokens(content: Any, evidence: Any) -> None:
    for evaluation in content["evaluations"]:
        evaluation["text"]["tokens"] += 1


def set_scores(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["scores"] = "0" * 64


def set_certificate(content: Any, evidence: Any) -> None:
    evidence["audit"]["certificate"] = "0" * 64


def set_artifact(content: Any, evidence: Any) -> None:
    evidence["seeds"]["3"]["artifact"] = "0" * 64


def set_key(content: Any, evidence: Any) -> None:
    evidence["seeds"]["3"]["jobs"]["eval"] = "0" * 64


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (set_nll, "seed 3: its score table gives nll "),
        (set_tokens, "seed 3: its score table gives tokens "),
        (set_scores, "seed 3: its score table cannot be read: file store "),
        (set_certificate, "its certificate cannot be read: file store "),
        (set_artifact, "seed 3: its job made artifact "),
        (set_key, "seed 3: the store has no eval job 000000000000 whose settings give that key"),
    ],
)
def test_what_contradicts_its_evidence_is_one_line(
    place: Workplace, golfsweep: Command, spoil: Callable[[Any, Any], None], words: str
) -> None:
    entry = entry_of(place)
    content, evidence = copy.deepcopy(dict(entry.content)), copy.deepcopy(dict(entry.evidence))
    spoil(content, evidence)
    spoilt = replace(entry, content=content, evidence=evidence)
    mismatches = verify_entry(spoilt, place)
    assert mismatches[0].startswith(words)
    assert len(mismatches) == (3 if spoil is set_tokens else 1)  # all seeds are of one text
    others = [other for other in place.store.entries("one") if other.name != "base"]
    place.store.put_entries("one", [spoilt, *others], version=1)
    assert describe("one/base", place)["mismatches"] == mismatches
    out = " ".join(golfsweep("show", "one/base", "--home", place.home.root)[1].split())
    assert f"Evidence contradicts this entry: {words.split(':')[0]}" in out


def test_show_has_the_evidence_jobs_and_certificate(place: Workplace) -> None:
    shown = describe("one/base", place)
    assert [job["label"] for job in shown["jobs"]][:3] == ["train seed 3", "quantize seed 3", "base seed 3"]
    assert shown["jobs"][-1]["label"] == "audit base"
    assert shown["evidence"]["arithmetic"] == {"train": 1, "quantize": 3, "eval": 3, "audit": 3}
    assert shown["evidence"]["code"]["commits"] == ["c0ffee"]
    assert shown["certificate"]["passed"] is True
    assert json.loads(json.dumps(shown))["rank"] == 1
