"""Certificates and outcomes of audits: an entry is only as legal as they bear out."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from golf.audit.stored import find_contradictions
from jobs.spec import Job
from jobs.workplace import Workplace
from sweeps.entries.audits import KEPT_OUTPUTS
from sweeps.entries.checking import verify_entry
from sweeps.entries.lost import Lost
from sweeps.entries.reading import board_of
from sweeps.views.show import describe
from tests.sweeps import made_up
from tests.sweeps.conftest import Command
from tests.sweeps.entries.checking.conftest import HUGE, entry_of, pass_audit, tamper
from tests.sweeps.made_up import file, play


def test_a_leak_that_is_said_to_have_passed_keeps_its_track_and_is_not_packaged(
    place: Workplace, golfsweep: Command, tmp_path: Path
) -> None:
    tamper(place, pass_audit, "leak")
    rows = {row["name"]: row for row in board_of("one", place).table()}
    assert rows["leak"]["track"] == "flagged"
    [finding] = rows["leak"]["findings"]
    assert finding["code"] == "evidence"
    assert "its certificate says passed: False, the entry says True" in finding["detail"]
    assert rows["base"]["rank"] == 1
    code, out, err = golfsweep("package", "one/leak", "--home", place.home.root, "--out", tmp_path / "out")
    assert code == 2 and "is flagged, not legal" in err and "evidence: its evidence contradicts it" in err, (out, err)


def test_another_entrys_certificate_is_none_of_ones_own(place: Workplace) -> None:
    legal = dict(entry_of(place, "base").evidence["audit"])

    def borrow(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        pass_audit(content, evidence)
        evidence["audit"] = legal

    tamper(place, borrow, "leak")
    rows = {row["name"]: row for row in board_of("one", place).table()}
    [finding] = rows["leak"]["findings"]
    assert (rows["leak"]["track"], finding["code"]) == ("flagged", "evidence")
    assert "its audit judged other settings than the entry's" in finding["detail"]


def test_a_forged_certificate_must_follow_from_its_own_probes(place: Workplace) -> None:
    forged = json.loads(place.files.get(entry_of(place, "leak").evidence["audit"]["certificate"]))
    forged |= {"passed": True, "findings": []}
    forged["probes"]["future"][0] |= {"kind": "suffix", "beyond": True, "first_moved": 1, "largest": 2.0}
    digest = place.files.put(json.dumps(forged).encode())

    def forge(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        pass_audit(content, evidence)
        evidence["audit"]["certificate"] = digest

    tamper(place, forge, "leak")
    lines = [mismatch.line for mismatch in verify_entry(entry_of(place, "leak"), place)]
    assert lines[0].startswith("its audit made certificate ")
    assert lines[1].startswith("its certificate has no finding C1, which its probes show: changing tokens")
    assert len(lines) == 2


def places_of_numbers(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Containers of nested data with a key that holds a number, by the names on the way; one of each list."""
    if isinstance(value, list):
        return places_of_numbers(value[0], path) if value else {}
    if not isinstance(value, dict):
        return {}
    here = {(*path, name): (value, name) for name, inner in value.items() if isinstance(inner, int | float)}
    for name, inner in value.items():
        here |= places_of_numbers(inner, (*path, name))
    return here


def test_a_certificate_with_a_number_beyond_all_floats_is_off_its_track_and_breaks_nothing(place: Workplace) -> None:
    whole = json.loads(place.files.get(entry_of(place).evidence["audit"]["certificate"]))
    assert find_contradictions(whole) == []
    for path in places_of_numbers(whole):
        forged = copy.deepcopy(whole)
        holder, name = places_of_numbers(forged)[path]
        holder[name] = HUGE
        assert all(len(line) < 400 for line in find_contradictions(forged)), path
    forged = {**whole, "length_effect": HUGE}
    digest = place.files.put(json.dumps(forged).encode())

    def forge(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        evidence["audit"]["certificate"] = digest

    tamper(place, forge, "base")
    assert [row["name"] for row in board_of("one", place).table() if row["track"] == "legal"] == ["none"]
    assert len(describe("one/base", place)["mismatches"]) == 2


def test_where_a_certificate_is_gone_its_audits_outcome_stands_in_for_it(place: Workplace) -> None:
    digest = entry_of(place, "leak").evidence["audit"]["certificate"]
    (place.home.files / digest[:2] / digest).unlink()
    lost = Lost()
    assert [row["track"] for row in board_of("one", place, lost).table()] == ["legal", "legal", "flagged"]
    assert any("certificate of one/leak" in line for line in lost.lines())
    tamper(place, pass_audit, "leak")
    [finding] = board_of("one", place).table()[-1]["findings"]
    assert finding["code"] == "evidence"
    assert "its audit job says passed: False, the entry says True" in finding["detail"]


def test_a_leak_on_a_further_seeds_artifact_flags_the_entry(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    leaky, real = list[str](), made_up._outputs

    def outputs(job: Job, place: Workplace, bpb: Any) -> dict[str, Any]:
        made = real(job, place, bpb)
        if job.stage != "audit" or job.seed != 4 or job.settings["eval"]["protocol"] != "none":
            return made
        leaky.append(job.key)
        content = made_up.certificate(True)
        return {name: json.loads(content)[name] for name in KEPT_OUTPUTS} | {"certificate": place.files.put(content)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_up, "_outputs", outputs)
        play(place, file("one"))
    assert len(leaky) == 1
    rows = {row["name"]: row for row in board_of("one", place).table()}
    assert (rows["none"]["track"], rows["base"]["track"]) == ("flagged", "legal")
    [finding] = rows["none"]["findings"]
    assert finding == {"code": "C3", "detail": "seed 4: the score knows its target"}
    assert rows["none"]["audited_seeds"] == rows["base"]["audited_seeds"] == 3
    audits = [job.order.job for job in place.store.jobs() if job.order.job.stage == "audit"]
    assert {(job.seed, job.settings["seconds"]) for job in audits} == {(3, 12.0), (4, 3.0), (5, 3.0)}
    assert verify_entry(entry_of(place, "none"), place) == []

    def hide(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        for evaluation in content["evaluations"]:
            evaluation["findings"] = []

    tamper(place, hide, "none")
    lines = [mismatch.line for mismatch in verify_entry(entry_of(place, "none"), place)]
    assert lines == [f"seed {seed}: its findings are not those of its certificate: C3" for seed in (3, 4, 5)]
