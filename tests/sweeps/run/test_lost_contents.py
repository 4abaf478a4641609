"""Contents that are lost or damaged, of every kind, after a sweep and while it runs.

The evidence of entries is made again, and nothing else is.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.executor import Task
from jobs.files import FileStore
from jobs.stages import registry
from jobs.state import EventKind, JobState
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.board.leaderboard import VARYING
from sweeps.cli.commands import run as run_command
from sweeps.cli.errors import ExitCode
from sweeps.entries import reading
from sweeps.entries.lost import Lost
from sweeps.views.report import report
from sweeps.views.show import describe
from tests.sweeps import inline
from tests.sweeps.inline import Record

KINDS = [(stage.name, name) for stage in registry.STAGES for name in stage.contents]
WHOLE_SWEEP = Counter({"train": 2, "quantize": 2, "eval": 4, "audit": 4})


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "note").write_text("somebody's")


def path_of(place: Workplace, digest: str) -> Path:
    return place.home.files / digest[:2] / digest


def digests(store: Store, stage: str, name: str) -> list[str]:
    """Digests of a kind of output, of all jobs that have made one."""
    done = [job for job in store.jobs(states=[JobState.DONE]) if job.order.job.stage == stage]
    return [job.outputs[name] for job in done if job.outputs and name in job.outputs]


def rows(place: Workplace) -> list[dict[str, Any]]:
    """What two runs of one sweep have in common."""
    table = reading.board_of("small", place).table()
    return [{name: value for name, value in row.items() if name not in VARYING} for row in table]


def lost_digests(place: Workplace) -> set[str]:
    return {event.detail["digest"] for event in place.store.events() if event.kind == EventKind.CONTENT_LOST}


def read_everything(place: Workplace) -> list[str]:
    """What reading commands show; the lines on what is lost."""
    lost = Lost()
    board = reading.board_of("small", place, lost)
    board.table()
    report.write("small", board, place, lost)
    for entry in place.store.entries():
        describe(f"{entry.sweep}/{entry.name}", place)
    for job in place.store.jobs():
        describe(job.key, place)
    reading.pair_of("adapted", "base", place, lost)
    return [*lost.lines()]


@pytest.mark.parametrize(
    ("stage", "name", "damage"),
    [*((*kind, damage) for kind in KINDS for damage in (delete, flip))]
    + [("eval", "scores", damage) for damage in (truncate, empty, make_folder)],  # found out alike for every kind
)
def test_what_is_lost_afterwards_is_made_again_if_an_entry_rests_on_it(
    place: Workplace, data: dict[str, Any], record: Record, stage: str, name: str, damage: Callable[[Path], None]
) -> None:
    before, digest = rows(place), digests(place.store, stage, name)[0]
    damage(path_of(place, digest))
    reading.read_scores.cache_clear()
    lines = read_everything(place)
    assert bool(lines) == (name in ("scores", "certificate", "metrics")), lines
    assert inline.run(inline.spec_of(data), place).done
    is_evidence = name in registry.stage_named(stage).evidence
    assert record.ran == ([stage] if is_evidence else [])
    assert lost_digests(place) == ({digest} if is_evidence else set())
    after = [content for content in digests(place.store, stage, name) if is_evidence or content != digest]
    assert all(place.files.is_whole(content) for content in after)
    reading.read_scores.cache_clear()
    assert rows(place) == before
    assert bool(read_everything(place)) == (name == "metrics")


@pytest.mark.parametrize("damage", [delete, truncate])
def test_what_is_lost_while_the_sweep_runs_is_made_again_before_it_ends(
    finished: Path, tmp_path: Path, data: dict[str, Any], record: Record, damage: Callable[[Path], None]
) -> None:
    """The first output of each kind is damaged as soon as another task begins."""
    place, damaged = Workplace.open(tmp_path / "home"), dict[tuple[str, str], str]()

    def spoil(_: Task) -> None:
        for kind in KINDS:
            for digest in digests(place.store, *kind)[: 0 if kind in damaged else 1]:
                damage(path_of(place, digest))
                damaged[kind] = digest

    record.before = spoil
    assert inline.run(inline.spec_of(data), place).done
    again = Counter(record.ran) - WHOLE_SWEEP
    assert damaged.keys() >= {("train", "weights"), ("quantize", "artifact"), ("eval", "scores")}
    assert again["eval"] == 1 and again["quantize"] == 1 and again["train"] <= 1 and again["audit"] <= 1
    for stage, name in KINDS:
        if name in registry.stage_named(stage).evidence:
            assert all(place.files.is_whole(digest) for digest in digests(place.store, stage, name))
    reading.read_scores.cache_clear()
    assert rows(place) == rows(Workplace.open(shutil.copytree(finished, tmp_path / "undisturbed")))


def test_an_artifact_is_made_again_although_its_weights_are_lost_too(
    place: Workplace, data: dict[str, Any], record: Record
) -> None:
    before = rows(place)
    for stage, name in (("train", "weights"), ("quantize", "artifact"), ("eval", "scores")):
        path_of(place, digests(place.store, stage, name)[0]).unlink()
    said: list[str] = []
    assert inline.run(inline.spec_of(data), place, said).done
    assert Counter(record.ran) == {"train": 1, "quantize": 1, "eval": 1}
    assert "artifact of quantize seed 3" in said[0] and "scores of base seed 3" in said[0]
    assert rows(place) == before


def test_a_training_that_comes_out_otherwise_withdraws_what_rested_on_it_everywhere(
    place: Workplace, data: dict[str, Any], record: Record
) -> None:
    """Another sweep has the same jobs: its entries do not count until it is run again."""
    assert inline.run(inline.spec_of(data, name="other"), place).done
    assert record.ran == []
    record.number = lambda order: order.job.seed + 100
    for stage, name in (("train", "weights"), ("quantize", "artifact")):
        path_of(place, digests(place.store, stage, name)[0]).unlink()
    before = rows(place)
    assert inline.run(inline.spec_of(data), place).done
    assert Counter(record.ran) == {"train": 1, "quantize": 1, "eval": 2, "audit": 2}
    for old, new in zip(before, sorted(rows(place), key=lambda row: row["name"]), strict=True):
        assert new["seeds"]["3"] != old["seeds"]["3"] and new["seeds"]["4"] == old["seeds"]["4"]
    assert all(describe(f"small/{name}", place)["mismatches"] == [] for name in ("base", "adapted"))
    [withdrawn] = reading.withdrawn_of(place)
    assert (withdrawn.sweep, withdrawn.entries) == ("other", ["base", "adapted"])
    assert "weights had to be made again and came out differently" in withdrawn.line
    assert reading.board_of("other", place).table() == []
    assert "withdrawn" in describe("other/base", place)
    record.ran.clear()
    assert inline.run(inline.spec_of(data, name="other"), place).done
    assert (record.ran, reading.withdrawn_of(place)) == ([], [])
    assert [row["seeds"] for row in reading.board_of("other", place).table()] == [row["seeds"] for row in rows(place)]


def test_an_entry_stays_as_it_was_until_its_evidence_is_there_again(
    place: Workplace, data: dict[str, Any], record: Record
) -> None:
    before = rows(place)
    for stage, name in (("quantize", "artifact"), ("eval", "scores"), ("audit", "certificate")):
        for digest in digests(place.store, stage, name):
            path_of(place, digest).unlink(missing_ok=True)
    seen = []

    def look(_: Task) -> None:
        seen.append(rows(place))

    record.before = look
    reading.read_scores.cache_clear()
    inline.run(inline.spec_of(data), place)
    numbers = [[(row["name"], row["seeds"], row["track"]) for row in table] for table in [before, *seen]]
    assert len(seen) == 10 and all(table == numbers[0] for table in numbers)
    assert rows(place) == before


def test_a_loss_can_be_mended_by_every_run_anew(place: Workplace, data: dict[str, Any], record: Record) -> None:
    for _ in range(5):
        path_of(place, digests(place.store, "eval", "scores")[0]).unlink()
        assert inline.run(inline.spec_of(data), place).done
    assert record.ran == ["eval"] * 5


def test_a_file_store_that_keeps_losing_does_not_keep_a_run_busy(
    place: Workplace, data: dict[str, Any], record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, whole = digests(place.store, "eval", "scores")[0], FileStore.is_whole
    monkeypatch.setattr(FileStore, "is_whole", lambda self, other: other != digest and whole(self, other))
    said: list[str] = []
    assert inline.run(inline.spec_of(data), place, said).done
    assert record.ran == ["eval"] * 3
    assert ["not made again" in line for line in said] == [False, False, False, True]
    assert "scores of base seed 3" in said[-1]


def test_a_damaged_report_is_written_anew(place: Workplace, data: dict[str, Any], capsys: Any) -> None:
    path = place.home.report("small")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    run_command.show("small", place, ExitCode.DONE, False)
    assert "</html>" in path.read_text() and "golfsweep open small" in capsys.readouterr().out
