"""Which step and score count, and where logs and claims disagree."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from golf.errors import InputError
from sweeps.contests.catalog import contest_named
from sweeps.standings.entry import ContestEntry, read_stored_entry
from sweeps.standings.importing import judge_one, read_contest_entries
from tests.sweeps.standings import logs

TRACK_3, TRACK_1 = contest_named("modded-nanogpt-3"), contest_named("modded-nanogpt-1")
GOOD = [{3000: f"val_loss:{loss}", 3025: "val_loss:3.2700"} for loss in ("3.2770", "3.2774", "3.2778", "3.2782")]
"""Logs whose mean at step 3,000 is 3.2776: (3.28 − 3.2776)·√4 = 0.0048."""


def read_entry(record: Path) -> ContestEntry:
    (entry,) = read_contest_entries([record], TRACK_3)
    return entry


def make(tmp_path: Path, texts: Sequence[str], **claim: object) -> ContestEntry:
    record = logs.write_runs(tmp_path / "table/05-20260430_muonh", texts)
    if claim:
        logs.write_claims(tmp_path / "table", [{"folder": "records/05-20260430_muonh", **claim}])
    return read_entry(record)


def codes(entry: ContestEntry) -> list[str]:
    return [finding.code for finding in entry.findings]


def test_a_record_that_its_logs_bear_out_has_no_findings(tmp_path: Path) -> None:
    entry = make(tmp_path, list(map(logs.track_3, GOOD)), row=5, steps=3000, mean=3.2776, n=4, date="2026-05-02")
    assert (entry.step, entry.metric, entry.track, codes(entry)) == (3000, "val_loss", "unverified", [])
    assert [str(run.score) for run in entry.runs.values()] == ["3.2770", "3.2774", "3.2778", "3.2782"]
    assert (entry.date, entry.row) == ("2026-05-02", 5)
    assert read_stored_entry(json.loads(json.dumps(entry.to_json())), TRACK_3) == entry


def test_without_claims_the_earliest_step_of_all_logs_that_passes_counts(tmp_path: Path) -> None:
    early = [{2900: "val_loss:3.2700"} | losses for losses in GOOD[:3]]  # one log has no validation there
    late = {2950: "val_loss:3.2899"} | GOOD[3]
    entry = make(tmp_path, list(map(logs.track_3, [*early, late])))
    assert (entry.step, codes(entry), entry.date) == (3000, [], "2026-04-30")


def test_a_step_that_some_log_lacks_is_a_finding(tmp_path: Path) -> None:
    entry = make(tmp_path, list(map(logs.track_3, [*GOOD[:3], {3025: "val_loss:3.27"}])), steps=3000)
    assert (entry.step, codes(entry)) == (3025, ["steps-differ"])
    assert entry.findings[0].detail == "3,000 steps claimed; 3 of 4 logs have a validation there"


def test_another_mean_than_the_logs_give_is_a_finding(tmp_path: Path) -> None:
    entry = make(tmp_path, list(map(logs.track_3, GOOD)), steps=3000, mean=3.2774, n=4)
    assert codes(entry) == ["mean-differs"]
    assert "a mean of 3.2774 claimed, the logs give 3.2776" in entry.findings[0].detail


def test_more_logs_than_claimed_and_two_kinds_of_machine_are_findings(tmp_path: Path) -> None:
    gpus = ["NVIDIA H100 80GB HBM3", "NVIDIA H100 NVL", "NVIDIA A40", "NVIDIA A40"]
    entry = make(tmp_path, [logs.track_3(losses, gpu) for losses, gpu in zip(GOOD, gpus, strict=True)], steps=3000, n=2)
    assert codes(entry) == ["run-count", "mixed-machines"]
    assert "2 runs claimed, 4 have logs (2 on NVIDIA A40 with a mean of 3.27800; 1 on NVIDIA H100 80GB HBM3" in (
        entry.findings[0].detail
    )
    assert len(entry.runs) == 4  # all logs count: leaving some out would be a choice


def test_two_boards_of_one_chip_are_no_finding(tmp_path: Path) -> None:
    gpus = ["NVIDIA H100 80GB HBM3", "NVIDIA H100 NVL"] * 2
    entry = make(tmp_path, [logs.track_3(losses, gpu) for losses, gpu in zip(GOOD, gpus, strict=True)])
    assert codes(entry) == []


def test_a_score_that_is_not_the_contests_flags_an_entry(tmp_path: Path) -> None:
    losses = [{3000: f"val_loss:3.28{n} val_avg_loss:3.28{n} val_ema_loss:3.277{n}"} for n in range(4)]
    entry = make(tmp_path, list(map(logs.track_3, losses)), steps=3000, mean=3.27715, n=4)
    assert (entry.metric, entry.track, codes(entry)) == ("val_ema_loss", "flagged", ["other-metric"])
    assert entry.findings[0].detail == (
        "counts val_ema_loss, not val_loss, whose mean at step 3,000 is 3.28150, which does not pass the rule"
    )


def test_a_claim_of_significance_that_the_logs_do_not_give_is_a_finding(tmp_path: Path) -> None:
    entry = make(tmp_path, [logs.track_3({3000: "val_loss:3.2779"})], steps=3000, mean=3.2779, significant=True)
    assert codes(entry) == ["not-significant"]
    assert entry.findings[0].detail.startswith("significant as claimed; (target − mean)·√n = 0.00210, below 0.004")


def test_copied_and_doubled_logs_count_once_or_not(tmp_path: Path) -> None:
    texts = list(map(logs.track_3, GOOD))
    doubled = texts[0] + texts[1]
    entry = make(tmp_path, [*texts, texts[0], doubled])
    assert sorted(codes(entry)) == ["ambiguous-log", "duplicate-log"]
    assert sorted(entry.runs) == ["run-0", "run-1", "run-2", "run-3"]


def test_claims_of_the_wrong_form_are_left_out_with_a_finding(tmp_path: Path) -> None:
    record = logs.write_runs(tmp_path / "a", map(logs.track_3, GOOD))
    (tmp_path / "claims.json").write_text('{"folder": "a"}')
    assert codes(read_entry(record)) == ["unread"]
    logs.write_claims(tmp_path, [{"folder": "a", "steps": 3000}, {"folder": "x/a"}, {"folder": 7}, 3])
    assert [finding.detail for finding in read_entry(record).findings] == [
        "claims.json: 2 rows name this folder; none was taken"
    ]
    logs.write_claims(tmp_path, [{"folder": "a", "steps": "many", "mean": [1], "n": -3, "date": "soon", "row": None}])
    assert codes(read_entry(record)) == []


def test_parts_of_a_record_are_entries_and_the_first_is_compared_with_the_next(tmp_path: Path) -> None:
    for part, seconds in (("this_pr", 79.5), ("baseline", 80.6), ("notes", 1.0)):
        logs.write_runs(tmp_path / "2026-07-17_FP8" / part, [logs.track_1(f"3.27{n}", seconds + n) for n in range(3)])
    entries = list(read_contest_entries([tmp_path], TRACK_1))
    assert [(entry.name, entry.compared_with) for entry in entries] == [
        ("2026-07-17_FP8/this_pr", "2026-07-17_FP8/baseline"),
        ("2026-07-17_FP8/baseline", None),
    ]
    assert entries[0].machine is not None and entries[0].machine == entries[1].machine
    assert [entry.date for entry in entries] == ["2026-07-17"] * 2


def test_parts_named_after_their_steps_are_compared_with_the_next_larger(tmp_path: Path) -> None:
    for part in ("1390_steps", "1445"):
        logs.write_runs(tmp_path / "2026-07-17_FP8" / part, [logs.track_1("3.27", 79.5)])
    entries = list(read_contest_entries([tmp_path], TRACK_1))
    assert [(entry.name, entry.compared_with) for entry in entries] == [
        ("2026-07-17_FP8/1390_steps", "2026-07-17_FP8/1445"),
        ("2026-07-17_FP8/1445", None),
    ]


def test_folders_of_one_name_are_one_entry_with_a_finding(tmp_path: Path) -> None:
    for place in ("one", "two"):
        logs.write_runs(tmp_path / place / "same", map(logs.track_3, GOOD))
    (entry,) = read_contest_entries([tmp_path], TRACK_3)
    assert codes(entry) == ["same-name"]


def test_what_holds_no_record_or_several_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no record of modded-nanogpt-3; expected a training log"):
        list(read_contest_entries([tmp_path], TRACK_3))
    for name in ("a", "b"):
        logs.write_runs(tmp_path / name, map(logs.track_3, GOOD))
    with pytest.raises(InputError, match="2 records in it; name one of them"):
        judge_one(tmp_path, TRACK_3)


def test_links_are_not_followed(tmp_path: Path) -> None:
    logs.write_runs(tmp_path / "a", map(logs.track_3, GOOD))
    logs.write_runs(tmp_path / "outside", [logs.track_3({3000: "val_loss:9.9"})])
    (tmp_path / "a/linked.txt").symlink_to(tmp_path / "outside/run-0.txt")
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    entries = list(read_contest_entries([tmp_path], TRACK_3))
    assert [entry.name for entry in entries] == ["a", "outside"]
    assert codes(entries[0]) == ["unread"] and len(entries[0].runs) == 4
