"""From the entries of a home to the leaderboard: of one sweep, with all others before it."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from golf.limits import LIMIT_BYTES
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.board.leaderboard import ImportedEntry
from sweeps.board.rules import RuleFinding, choose_track
from sweeps.driver.sweep import Sweep
from sweeps.entries.audits import audit_findings
from sweeps.entries.reading import board_of, find_entry, pair_of
from tests.sweeps.made_up import SIZES, TOKENS, file, play, score

RECORD = {"name": "2026-03-17_LoRA_TTT", "date": 1.0, "seeds": {"1": 1.19, "2": 1.2}}


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace.open(tmp_path / "it's a home")


def rows(sweep: Sweep, place: Workplace) -> dict[str, dict[str, Any]]:
    table = board_of(sweep.spec.name, place).table()
    json.dumps(table, allow_nan=False)
    return {row["name"]: row for row in table}


def later(name: str) -> dict[str, Any]:
    """A sweep that shares no evaluation with the others: what has one key is done once."""
    return file(name) | {"recipe": {**file(name)["recipe"], "eval": {"gpus": 1, "chunk": 128}}}


def test_an_entry_shows_what_its_jobs_gave(place: Workplace) -> None:
    shown = rows(play(place, file("one")), place)
    assert [(row["name"], row["track"]) for row in shown.values()] == [
        ("base", "legal"), ("none", "legal"), ("leak", "flagged"),
    ]  # fmt: skip
    base = shown["base"]
    bits = TOKENS.sum() / math.log(2) / SIZES.sum()
    assert [base["bpb_trained"], base["bpb_quantized"]] == pytest.approx([bits, 1.01 * bits])
    assert base["bpb_adapted"] == pytest.approx(base["val_bpb_mean"]) == pytest.approx(1.17, abs=0.002)
    assert (base["steps"], base["ms_per_step"]) == (5000, 118.0)
    assert base["validation_set"] == {
        "data": "v" * 64, "documents": 6, "tokens": int(TOKENS.sum()), "bytes": int(SIZES.sum()),
    }  # fmt: skip
    assert base["cost"] == pytest.approx(3 * 3 * 0.1)
    assert (base["same_code"], base["same_settings"], base["confirmations"]) == (True, True, 7)
    shipped, source = base["bytes"]["code_shipped"], base["bytes"]["code_source"]
    assert shipped < source
    assert base["headroom"]["strict"] == {"bytes": 100_000 - source, "train_seconds": -40.0, "eval_seconds": 290.0}
    assert base["headroom"]["accepted"]["bytes"] == 100_000 - shipped == LIMIT_BYTES - base["bytes_total"]
    assert shown["none"]["p_paired"] > 0.999
    assert shown["leak"]["p_paired"] is None


def test_earlier_sweeps_hold_the_records_and_jobs_are_read_at_once(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(place, later("spring"), lambda job: score(job) + 0.01)
    play(place, file("elsewhere"), lambda job: score(job) - 0.1, val_digest="w" * 64)
    summer = play(place, file("summer"))
    for method in ("attempts", "job", "trials"):
        monkeypatch.setattr(Store, method, None)
    shown = rows(summer, place)
    assert shown["base"]["incumbent"] == "spring/base"
    assert shown["base"]["difference_mbpb"] == pytest.approx(-10)
    assert shown["base"]["confirmations"] == 14


def test_entries_of_an_edited_file_replace_those_of_the_old_one(place: Workplace) -> None:
    play(place, file("spring"))
    summer = play(place, file("summer"))
    rows(summer, place)
    play(place, file("spring", seeds={"confirm": [3, 4]}))
    assert rows(summer, place)["base"]["confirmations"] == 5 + 7


def test_public_records_stand_beside_a_sweeps_rows(place: Workplace) -> None:
    place.store.put_record("2026-03-17_LoRA_TTT", RECORD)
    alone = board_of(None, place).table()
    shown = rows(play(place, file("one")), place)
    assert shown["2026-03-17_LoRA_TTT"]["track"] == "unverified"
    assert [(row["name"], row["rank"]) for row in alone] == [("2026-03-17_LoRA_TTT", 1)]


def test_a_sweep_half_way_shows_what_is_finished(place: Workplace) -> None:
    sweep = play(place, file("one"), steps=0)
    assert rows(sweep, place) == {}
    play(place, file("one", arm=[{"name": "none", "eval": {"preset": "none"}}]))
    driver = sweep.driver(place.store, read_only=True)
    assert {chain.entry for chain in driver.confirmed()} == {"none"}
    assert list(rows(sweep, place)) == ["none"]


def test_a_copied_validation_document_is_a_finding_and_a_quotation_is_not() -> None:
    copied, quoted = ({"document": place, "windows": 100, "shared": place, "first": 7} for place in (90, 5))
    outputs = {"judged": True, "findings": [], "length_effect": 0.0, "overlap": [quoted, copied]}
    assert [finding.code for finding in audit_findings(outputs)] == ["overlap"]
    assert "document 90" in audit_findings(outputs)[0].detail
    assert audit_findings({**outputs, "overlap": None}) == ()


@pytest.mark.parametrize(
    ("effect", "code", "tracks"),
    [(0.0049, "length", ("legal", "flagged")), (0.0056, "length-effect", ("flagged", "flagged"))],
)
def test_an_effect_of_length_above_the_margin_is_a_breach(effect: float, code: str, tracks: tuple[str, str]) -> None:
    finding = {"condition": "length", "document": 0, "position": 3, "measured": 2.0, "detail": "x"}
    findings = audit_findings({"judged": True, "findings": [finding], "length_effect": effect, "overlap": []})
    assert [finding.code for finding in findings] == [code]
    assert (choose_track(findings, "accepted"), choose_track(findings, "strict")) == tracks


def test_a_stored_record_is_read_back(place: Workplace) -> None:
    content = {
        "name": "PR 1514", "track": "flagged", "seeds": {"42": 1.07, "?": None}, "date": 1.0, "total_bytes": 5,
        "findings": [{"code": "seeds", "detail": "two logs"}],
    }  # fmt: skip
    record = ImportedEntry.from_json(content)
    assert record.findings == (RuleFinding(code="seeds", detail="two logs"),)
    place.store.put_record("PR 1514", content)
    [row] = board_of(None, place).table()
    assert (row["track"], row["seeds"], row["bytes_total"]) == ("flagged", {"42": 1.07, "?": None}, 5)


def test_an_entry_is_found_by_name(place: Workplace) -> None:
    play(place, file("spring"))
    latest = play(place, file("summer"))
    board = board_of(latest.spec.name, place).entries()
    assert find_entry("base", board, "summer").sweep == "summer"
    assert find_entry("spring/base", board, "summer").sweep == "spring"
    with pytest.raises(InputError, match='entry "bsae": no confirmed entry of that name; did you mean base'):
        find_entry("bsae", board, "summer")
    pair = pair_of("base", "spring/none", place)
    assert (pair.challenger.sweep, pair.incumbent.sweep) == ("summer", "spring")
    assert len(pair.peers) == 4
    assert pair.recipes[0]["eval"]["lr"] == 0.01


def test_a_sweep_of_another_version_does_not_hide_the_others(place: Workplace) -> None:
    broken = play(place, file("spring"))
    summer = play(place, file("summer"))
    spec = {"file": {"name": "spring"}, "data": 5}
    place.store.put_entries("spring", place.store.entries("spring"), version=1, spec=spec)
    assert rows(summer, place)["base"]["confirmations"] == 14
    with pytest.raises(InputError, match="sweep spring: written by another version"):
        board_of(broken.spec.name, place)


@pytest.mark.parametrize(
    ("field", "number"),
    [
        *(
            (field, 10**400)
            for field in ("date", "pull_request", "evidence_time", "total_bytes", "steps", "trained_bpb")
        ),
        *(("date", 1e18), ("bpb_per_nat", 0), ("seeds", 10**400), ("seeds", "low"), ("clocks", -1e300)),
        ("train_seconds", "long"),
    ],
    ids=lambda value: str(value)[:9],
)
def test_a_number_of_a_record_that_nothing_measures_is_a_finding_and_no_crash(
    place: Workplace, field: str, number: Any
) -> None:
    value = {"seeds": {"1": number, "2": 1.2}, "clocks": {"eval.total": number}}.get(field, number)
    place.store.put_record("odd", RECORD | {"name": "odd", field: value})
    place.store.put_record("sound", RECORD | {"name": "sound"})
    board = board_of(None, place)
    shown = {row["name"]: row for row in board.table()}
    board.changes()
    json.dumps(shown, allow_nan=False)
    assert (shown["odd"]["track"], shown["sound"]["track"]) == ("flagged", "unverified")
    [finding] = shown["odd"]["findings"]
    assert finding["code"] == "evidence" and finding["detail"].startswith(field)
