"""What may be deleted is found with its reason, what is needed or young stays, and a crash leaves nothing unseen."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from golf.errors import InputError
from jobs.files import REWRITTEN_SECONDS
from jobs.garbage import SPARED_SECONDS, Unneeded, delete_garbage, find_garbage
from jobs.spec import Order
from jobs.state import EventKind, JobState
from jobs.store import JobRecord, Store, SubmittedContent
from jobs.store.work.garbage import OUTPUTS_DELETED, Reason
from jobs.workplace import Workplace
from tests.jobs.stores import DONE, FACTS, order

OLD = time.time() - SPARED_SECONDS - 60


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    opened = Workplace.open(tmp_path / "it's home")
    for sweep in ("s", "other"):
        opened.store.put_sweep(sweep, {})
    opened.store.beat("a")
    yield opened
    opened.store.close()


def age(place: Workplace) -> None:
    """Let everything that lies there be older than what is spared."""
    for path in [*place.home.files.rglob("*"), *place.home.attempts.rglob("*")]:
        os.utime(path, (OLD, OLD))


def run(place: Workplace, wanted: Order) -> JobRecord:
    """Start a job."""
    place.store.put_job(wanted)
    [record] = place.store.claim("a", 1)
    place.store.start_attempt(record.key, "a", **FACTS)
    return record


def finish(place: Workplace, wanted: Order, content: bytes) -> tuple[JobRecord, str]:
    """A finished job that has made a content."""
    record = run(place, wanted)
    digest = place.files.put(content)
    place.store.finish(record.key, 1, {"weights": digest, "steps": 3}, sizes={digest: len(content)}, **DONE)
    return record, digest


def reading(seed: int, digest: str) -> Order:
    base = order(seed)
    inputs = {"weights": digest, "tokens": "t" * 64}
    return replace(base, job=replace(base.job, inputs=inputs), places={"tokens": "/t"})


def reasons(garbage: list[Unneeded]) -> dict[str | None, Reason]:
    return {item.digest: item.reason for item in garbage}


def stored(place: Workplace) -> list[Path]:
    return [path for path in place.home.files.rglob("*") if path.is_file()]


def test_what_a_sweep_needs_is_never_garbage(place: Workplace) -> None:
    _, made = finish(place, order(1), b"weights")
    running = run(place, reading(2, made))
    shard, checkpoint = place.files.put(b"shard"), place.files.put(b"checkpoint")
    place.store.put_shard(running.key, 1, 0, shard, 5)
    place.store.put_checkpoint(running.key, 1, checkpoint, 10)
    age(place)
    assert find_garbage(place) == []
    place.store.fail(running.key, 1, "crash", counted=True, final=True)
    assert find_garbage(place) == [], "a failed job goes on from them when it is requested again"


def test_shards_of_a_finished_evaluation_go_and_its_table_stays(place: Workplace) -> None:
    record = run(place, order(1))
    shard, table = place.files.put(b"shard"), place.files.put(b"table")
    place.store.put_shard(record.key, 1, 0, shard, 5)
    place.store.finish(record.key, 1, {"scores": table}, sizes={table: 5}, **DONE)
    age(place)
    garbage = find_garbage(place)
    assert reasons(garbage) == {shard: Reason.SHARD}
    assert delete_garbage(place, garbage) == garbage
    assert (place.files.has(shard), place.files.has(table), place.store.shards(record.key)) == (False, True, {})
    event = place.store.events()[-1]
    assert event.kind == EventKind.CONTENT_DELETED
    assert event.detail == {"reason": "shard of a finished evaluation", "digests": [shard]}


def test_outputs_that_no_sweep_needs_go_and_their_job_would_run_again(place: Workplace) -> None:
    record, made = finish(place, order(1), b"weights")
    reader, _ = finish(place, reading(2, made), b"scores")
    place.store.withdraw("s", [record.key])
    age(place)
    assert find_garbage(place) == [], "a job that a sweep needs reads them"
    place.store.withdraw("s", [reader.key])
    garbage = find_garbage(place)
    assert {item.reason for item in garbage} == {Reason.NO_SWEEP} and len(garbage) == 2
    delete_garbage(place, garbage)
    assert not place.files.has(made)
    renewed = place.store.put_job(order(1))
    assert (renewed.state, renewed.reason) == (JobState.QUEUED, OUTPUTS_DELETED)
    assert place.store.claim("a", 9)[0].key == record.key


def test_what_a_sweep_has_come_to_need_since_it_was_listed_stays(place: Workplace) -> None:
    record, made = finish(place, order(1), b"weights")
    place.store.withdraw("s", [record.key])
    age(place)
    garbage = find_garbage(place)
    assert reasons(garbage) == {made: Reason.NO_SWEEP}
    assert place.store.put_job(order(1, sweep="other")).state == JobState.DONE
    assert delete_garbage(place, garbage) == []
    assert place.files.has(made)


def test_what_is_young_stays(place: Workplace) -> None:
    stray = place.files.put(b"a put is under way")
    assert find_garbage(place) == []
    age(place)
    garbage = find_garbage(place)
    assert reasons(garbage) == {stray: Reason.UNREGISTERED}
    place.files.put(b"a put is under way")  # once more, by a job that is about to write its row
    assert delete_garbage(place, garbage) == []
    assert place.files.has(stray)


def test_an_old_content_that_is_put_once_more_is_young_again(place: Workplace) -> None:
    digest = place.files.put(b"weights")
    [path] = stored(place)
    for seconds, rewritten in ((REWRITTEN_SECONDS / 2, False), (REWRITTEN_SECONDS + 60, True)):
        os.utime(path, (time.time() - seconds, time.time() - seconds))
        place.files.put(b"weights")
        assert (time.time() - path.stat().st_mtime < 60) == rewritten
    assert place.files.get(digest) == b"weights"


def test_working_folders_of_finished_jobs_go_and_others_stay(place: Workplace) -> None:
    record, _ = finish(place, order(1), b"weights")
    running = run(place, order(2))
    for key in (record.key, running.key, "f" * 64):
        folder = place.home.attempt(key, 1)
        folder.mkdir(parents=True)
        (folder / "log.txt").write_text("x" * 9)
    assert find_garbage(place) == []
    age(place)
    garbage = find_garbage(place)
    assert [(item.reason, item.size) for item in garbage] == [(Reason.FOLDER, 9)]
    delete_garbage(place, garbage)
    assert {path.name for path in place.home.attempts.iterdir()} == {running.key[:16], "f" * 16}


def test_a_file_store_of_another_database_is_not_emptied(place: Workplace, tmp_path: Path) -> None:
    finish(place, order(1), b"weights")
    age(place)
    files = str(place.home.files)
    stranger = Workplace.open(tmp_path / "another home", None, files)
    garbage = find_garbage(stranger)
    assert len(garbage) == 1
    with pytest.raises(InputError, match="give the --db and --files that belong together"):
        delete_garbage(stranger, garbage)
    assert len(stored(place)) == 1
    same = Workplace.open(tmp_path / "a third home", str(place.home.database_url), files)
    assert delete_garbage(same, find_garbage(same)) == []
    for opened in (stranger, same):
        opened.store.close()


class Crash(BaseException):
    """The process ends here."""


def crash(*_: object, **__: object) -> None:
    raise Crash


@pytest.mark.parametrize("step", ["open", "mv", "row"])
@pytest.mark.parametrize("what", ["checkpoint", "shard", "output"])
def test_a_crash_between_a_file_and_its_row_leaves_nothing_that_is_not_found(
    place: Workplace, what: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = run(place, order(1))

    def put() -> None:
        digest = place.files.put(b"content")
        if what == "checkpoint":
            place.store.put_checkpoint(record.key, 1, digest, 7)
        elif what == "shard":
            place.store.put_shard(record.key, 1, 0, digest, 7)
        else:
            place.store.finish(record.key, 1, {"weights": digest}, sizes={digest: 7}, **DONE)

    with monkeypatch.context() as patch, pytest.raises(Crash):
        if step == "row":
            patch.setattr("jobs.store.transactions.write_events", crash)  # the last moment before the commit
        else:
            patch.setattr(place.files._system, step, crash)
            patch.setattr(place.files._system, "rm", crash)  # a process that ends does not tidy up
        put()
    age(place)
    expected = {"open": [], "mv": [Reason.TEMPORARY], "row": [Reason.UNREGISTERED]}[step]
    garbage = find_garbage(place)
    assert {item.path for item in garbage} == {str(path) for path in stored(place)}
    assert [item.reason for item in garbage] == expected
    assert delete_garbage(place, garbage) == garbage
    assert stored(place) == []
    put()
    age(place)
    assert find_garbage(place) == []


def test_a_crash_of_the_deletion_itself_leaves_files_that_the_next_one_finds(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, made = finish(place, order(1), b"weights")
    place.store.withdraw("s", [record.key])
    age(place)
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(place.files._system, "rm_file", crash)
        delete_garbage(place, find_garbage(place))
    garbage = find_garbage(place)
    assert reasons(garbage) == {made: Reason.UNREGISTERED}
    assert delete_garbage(place, garbage) == garbage and not place.files.has(made)


class TestDatabases:
    """The queries, on either database."""

    def test_each_reason_is_found_and_forgotten(self, store: Store) -> None:
        made, shard, checkpoint, read = (digit * 64 for digit in "1234")
        store.beat("a")
        store.put_job(reading(1, read))
        [record] = store.claim("a", 1)
        store.start_attempt(record.key, "a", **FACTS)
        store.put_checkpoint(record.key, 1, checkpoint, 3)
        store.put_shard(record.key, 1, 0, shard, 2)
        assert store.known_contents() == dict.fromkeys((shard, checkpoint, read), None)
        assert store.finish(record.key, 1, {"weights": made}, sizes={made: 1}, **DONE) == checkpoint
        assert store.known_contents() == {made: None, shard: Reason.SHARD, read: None}
        assert store.forget_contents([made, shard, checkpoint, read]) == [shard]
        store.withdraw("s", [record.key])
        assert store.known_contents() == {made: Reason.NO_SWEEP, read: Reason.NO_SWEEP}
        assert store.forget_contents([made, shard, checkpoint, read]) == [made, read]
        assert store.known_contents() == {}


def test_files_of_a_submitted_sweep_stay_until_another_version_replaces_them(place: Workplace) -> None:
    digest = place.files.put(b"print('loss=1')")
    place.store.submit("new", SubmittedContent(file="x", files={"a.py": digest}))
    age(place)
    assert find_garbage(place) == []
    place.store.submit("new", SubmittedContent(file="y"))
    assert [item.digest for item in find_garbage(place)] == [digest]
