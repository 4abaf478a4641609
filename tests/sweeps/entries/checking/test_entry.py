"""An entry is checked against its evidence: jobs, score tables, and the sweep."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from jobs.database import tables
from jobs.workplace import Workplace
from sweeps.entries import reading
from sweeps.entries.checking import verify_entry
from sweeps.entries.reading import board_of
from sweeps.views.show import describe
from tests.sweeps.conftest import Command
from tests.sweeps.entries.checking.conftest import HUGE, entry_of, tamper
from tests.sweeps.made_up import file, play


def test_every_entry_agrees_with_its_evidence(place: Workplace) -> None:
    for entry in place.store.entries():
        assert verify_entry(entry, place) == [], entry.name
    assert {row["name"]: row["track"] for row in board_of("one", place).table()} == {
        "base": "legal", "none": "legal", "leak": "flagged",
    }  # fmt: skip


def set_nll(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["nll"] *= 0.99


def set_settings(content: Any, evidence: Any) -> None:
    content["settings"]["eval"]["lr"] = 0.5


def set_size(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["model_bytes"] = 5


def set_seed(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["seed"] = 9


def set_audited(content: Any, evidence: Any) -> None:
    content["audit"] = evidence["audit"] = None


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


def set_audit_job(content: Any, evidence: Any) -> None:
    evidence["audit"]["job"] = "0" * 64


def drop_eval_job(content: Any, evidence: Any) -> None:
    del evidence["seeds"]["3"]["jobs"]["eval"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            set_audit_job,
            "its its audit job is missing: the store has no audit job 000000000000 whose settings give that key",
        ),
        (drop_eval_job, "seed 3: the store has no eval job (its evidence names none) whose settings give that key"),
        (set_settings, "seed 3: its eval job has other settings than the entry"),
        (set_size, "seed 3: its artifact has 15900000 bytes, the entry says 5"),
        (set_seed, "it has evaluations of seeds 4, 5, 9, and evidence of others"),
        (set_audited, "it says that it is audited, without a certificate"),
        (set_nll, "seed 3: its score table gives nll "),
        (set_tokens, "seed 3: its score table gives tokens "),
        (set_scores, "seed 3: its scores are 000000000000, its evidence has "),
        (set_certificate, "its audit made certificate "),
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
    mismatches = [mismatch.line for mismatch in verify_entry(spoilt, place) if mismatch.lost is None]
    assert mismatches[0].startswith(words)
    # All seeds are of one text, and of one recipe with a digest, audited on each with its settings.
    assert len(mismatches) == {set_tokens: 3, set_settings: 9}.get(spoil, 1), mismatches
    others = [other for other in place.store.entries("one") if other.name != "base"]
    place.store.put_entries("one", [spoilt, *others], version=1)
    shown = describe("one/base", place)
    assert shown["mismatches"] == mismatches
    out = " ".join(golfsweep("show", "one/base", "--home", place.home.root)[1].split())
    assert f"{'Evidence contradicts this entry' if shown['mismatches'] else 'Lost'}: {words.split(':')[0]}" in out


def test_show_has_the_evidence_jobs_and_certificate(place: Workplace) -> None:
    shown = describe("one/base", place)
    assert [job["label"] for job in shown["jobs"]][:3] == ["train seed 3", "quantize seed 3", "base seed 3"]
    assert [job["label"] for job in shown["jobs"]][-3:] == [f"audit base seed {seed}" for seed in (3, 4, 5)]
    assert shown["evidence"]["arithmetic"] == {"train": 1, "quantize": 3, "eval": 3, "audit": 4}
    assert shown["evidence"]["code"]["commits"] == ["c0ffee"]
    assert shown["certificate"]["passed"] is True
    assert json.loads(json.dumps(shown))["rank"] == 1


@pytest.mark.parametrize(
    ("change", "stage", "made", "words"),
    [
        ({"limit_bytes": None}, "", {}, "seed 3: its limit_bytes is None, its sweep gave 16000000"),
        ({"limit_bytes": 10**9}, "", {}, "seed 3: its limit_bytes is 1000000000, its sweep gave 16000000"),
        (
            {},
            "train",
            {"train_seconds": 700.0},
            "seed 3: its jobs took 700.0 s (train.train_seconds), the entry says 590.0 s",
        ),
        ({}, "eval", {"eval_seconds": 9.0}, "seed 3: its jobs took 9.0 s (eval.eval_seconds), the entry says 300.0"),
    ],
)
def test_what_decides_a_track_is_not_taken_from_the_row(
    place: Workplace, change: dict[str, Any], stage: str, made: dict[str, float], words: str
) -> None:
    entry = entry_of(place)
    content = copy.deepcopy(dict(entry.content))
    content["evaluations"][0] |= change
    if stage:
        key, table = entry.evidence["seeds"]["3"]["jobs"][stage], tables.jobs
        engine = create_engine(place.home.database_url)
        with engine.begin() as connection:
            outputs = dict(connection.execute(select(table.c.outputs).where(table.c.key == key)).scalar_one())
            outputs["clocks"] = {**outputs["clocks"], **made}
            connection.execute(table.update().where(table.c.key == key).values(outputs=outputs))
        engine.dispose()
    [mismatch] = verify_entry(replace(entry, content=content), place)
    assert mismatch.line.startswith(words)


@pytest.mark.parametrize("clocks", [{"train_seconds": "long"}, {"train_seconds": 10**400}, 5, None], ids=str)
def test_a_job_whose_row_holds_no_numbers_is_a_finding_and_no_crash(place: Workplace, clocks: Any) -> None:
    key, table = entry_of(place).evidence["seeds"]["3"]["jobs"]["train"], tables.jobs
    engine = create_engine(place.home.database_url)
    with engine.begin() as connection:
        outputs = dict(connection.execute(select(table.c.outputs).where(table.c.key == key)).scalar_one())
        connection.execute(table.update().where(table.c.key == key).values(outputs=outputs | {"clocks": clocks}))
    engine.dispose()
    rows = {row["name"]: row for row in board_of("one", place).table()}
    assert rows["base"]["track"] == "flagged" and rows["base"]["findings"][0]["code"] == "evidence"


def test_a_number_of_more_digits_than_python_reads_is_a_finding_too(place: Workplace) -> None:
    engine = create_engine(place.home.database_url)
    with engine.begin() as connection:
        name, content = connection.exec_driver_sql("select name, content from entries where name = 'base'").one()
        nll = json.loads(content)["evaluations"][0]["nll"]
        longer = content.replace(str(nll), "9" * 5000, 1)
        connection.exec_driver_sql("update entries set content = ? where name = ?", (longer, name))
    engine.dispose()
    rows = {row["name"]: row for row in board_of("one", place).table()}
    assert (rows["base"]["track"], rows["none"]["track"]) == ("flagged", "legal")


def change_sweep(place: Workplace, part: str, **values: Any) -> None:
    """Change a table of a sweep's record."""
    engine, table = create_engine(place.home.database_url), tables.sweeps
    with engine.begin() as connection:
        spec = copy.deepcopy(connection.execute(select(table.c.spec).where(table.c.name == "one")).scalar_one())
        spec[part] |= values
        connection.execute(table.update().where(table.c.name == "one").values(spec=spec))
    engine.dispose()


def test_seeds_and_coverage_are_those_of_the_sweep(place: Workplace) -> None:
    change_sweep(place, "file", seeds={"tune": [3], "confirm": [4]})
    assert [mismatch.line for mismatch in verify_entry(entry_of(place), place)] == [
        "seed 3: its fresh_seed is True, its sweep gave False"
    ]
    change_sweep(place, "data", val_documents=7)
    assert "seed 4: its whole_set is True, the documents of its sweep's validation set gave False" in [
        mismatch.line for mismatch in verify_entry(entry_of(place), place)
    ]


def finish_again(place: Workplace, key: str, **clocks: float) -> None:
    """Write a second success of a job, whose output was lost, with other clocks."""
    engine, jobs, attempts = create_engine(place.home.database_url), tables.jobs, tables.attempts
    with engine.begin() as connection:
        outputs = dict(connection.execute(select(jobs.c.outputs).where(jobs.c.key == key)).scalar_one())
        connection.execute(
            jobs.update()
            .where(jobs.c.key == key)
            .values(outputs={**outputs, "clocks": {**outputs["clocks"], **clocks}})
        )
        first = dict(connection.execute(select(attempts).where(attempts.c.key == key)).mappings().one())
        connection.execute(attempts.insert(), {**first, "number": 2, "cost": 7.0})
    engine.dispose()


def test_a_job_that_was_made_again_may_take_another_time_but_no_longer_than_allowed(place: Workplace) -> None:
    key = entry_of(place).evidence["seeds"]["3"]["jobs"]["train"]
    finish_again(place, key, train_seconds=595.0)
    assert verify_entry(entry_of(place), place) == []
    engine, jobs = create_engine(place.home.database_url), tables.jobs
    with engine.begin() as connection:
        outputs = dict(connection.execute(select(jobs.c.outputs).where(jobs.c.key == key)).scalar_one())
        outputs["clocks"] = {**outputs["clocks"], "train_seconds": 605.0}
        connection.execute(jobs.update().where(jobs.c.key == key).values(outputs=outputs))
    engine.dispose()
    [mismatch] = verify_entry(entry_of(place), place)
    assert mismatch.line == "seed 3: its jobs took 605.0 s (train.train_seconds), the entry says 590.0 s"


def test_a_row_that_names_another_entry_changes_none(place: Workplace) -> None:
    def pose(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        for evaluation in content["evaluations"]:
            evaluation |= {"row": "base", "sweep": "elsewhere"}

    before = {row["name"]: (row["track"], row["seeds"]) for row in board_of("one", place).table()}
    tamper(place, pose, "leak")
    assert {row["name"]: (row["track"], row["seeds"]) for row in board_of("one", place).table()} == before


@pytest.mark.parametrize("number", [10**400, math.nan, -math.inf, 1e308, "many"], ids=lambda number: str(number)[:9])
@pytest.mark.parametrize(
    "path",
    [
        *(("nll",), ("score",), ("trained_bpb",), ("bpb_per_nat",), ("seed",), ("code_bytes",), ("steps",)),
        *(("text", "bytes"), ("text", "tokens"), ("clocks", "train.train_seconds"), ("stage", 0)),
    ],
    ids=str,
)
def test_a_number_that_nothing_measures_is_a_finding_and_no_crash(
    place: Workplace, path: tuple[Any, ...], number: Any
) -> None:
    def spoil(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        table: Any = content["evaluations"][0]
        for name in path[:-1]:
            table = table[name]
        table[path[-1]] = number

    tamper(place, spoil, "base")
    board = board_of("one", place)
    rows = {row["name"]: row for row in board.table()}
    board.changes()
    assert (rows["base"]["track"], rows["none"]["track"]) == ("flagged", "legal")
    [finding] = [finding for finding in rows["base"]["findings"] if finding["code"] == "evidence"]
    assert len(finding["detail"]) < 300
    assert json.loads(json.dumps(rows["base"], allow_nan=False)) == rows["base"]
    unknown = path in [("nll",), ("text", "bytes"), ("text", "tokens")]
    assert (rows["base"]["seeds"].get("3") is None) is (unknown or path == ("seed",))


@pytest.mark.parametrize("name", ["model_bytes", "seed"])
def test_an_entry_with_a_number_beyond_all_floats_is_off_its_track_and_breaks_nothing(
    place: Workplace, name: str
) -> None:
    def forge(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        content["evaluations"][0][name] = HUGE

    tamper(place, forge, "base")
    assert [row["name"] for row in board_of("one", place).table() if row["track"] == "legal"] == ["none"]


def test_a_score_that_its_table_does_not_give_takes_an_entry_off_its_track(place: Workplace) -> None:
    def lower(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        for evaluation in content["evaluations"]:
            evaluation["nll"] *= 0.9

    tamper(place, lower, "none")
    rows = {row["name"]: row for row in board_of("one", place).table()}
    assert (rows["none"]["track"], rows["base"]["rank"]) == ("flagged", 1)
    assert "its score table gives nll" in rows["none"]["findings"][0]["detail"]


def test_a_job_whose_settings_do_not_give_its_key_bears_nothing_out(place: Workplace) -> None:
    key, table = entry_of(place).evidence["seeds"]["4"]["jobs"]["eval"], tables.jobs
    engine = create_engine(place.home.database_url)
    with engine.begin() as connection:
        job = json.loads(connection.execute(select(table.c.job).where(table.c.key == key)).scalar_one())
        job["settings"]["eval"]["lr"] = 0.5
        connection.execute(table.update().where(table.c.key == key).values(job=json.dumps(job)))
    engine.dispose()
    [row] = [row for row in board_of("one", place).table() if row["name"] == "base"]
    assert row["track"] == "flagged"
    assert f"seed 4: the store has no eval job {key[:12]} whose settings give that key" in row["findings"][0]["detail"]


def test_of_other_sweeps_those_are_judged_that_a_shown_entry_would_have_to_beat(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hidden entry that leads by a forged score is flagged, and the next one takes its place."""
    later = file("two")
    play(place, later)
    honest = {row["name"]: row["incumbent"] for row in board_of("two", place).table()}
    assert honest["base"] == "one/base"

    def lower(content: dict[str, Any], evidence: dict[str, Any]) -> None:
        for evaluation in content["evaluations"]:
            evaluation["nll"] *= 0.9

    tamper(place, lower, "none")
    judged: list[str] = []
    judge = reading.judge_evidence

    def watch(entries: Any, *rest: Any) -> Any:
        judged.extend(f"{entry.sweep}/{entry.name}" for entry in entries)
        return judge(entries, *rest)

    monkeypatch.setattr(reading, "judge_evidence", watch)
    assert {row["name"]: row["incumbent"] for row in board_of("two", place).table()} == honest
    assert judged[:3] == ["two/base", "two/none", "two/leak"] and set(judged[3:]) == {"one/base", "one/none"}
