"""Contents that tasks are handed: read once, and not all kept."""

from pathlib import Path

import pytest
from sqlalchemy import select

from cluster.scheduling.state.contents import CONTENTS_IN_MEMORY, Contents
from golf.errors import InputError
from jobs.database import tables
from jobs.events import Finished
from jobs.files import FileStore
from jobs.spec import Order
from tests.cluster.dictated import World, shard


def test_a_content_is_read_once_while_it_is_kept_and_gone_when_it_is_deleted(tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    contents = Contents(files)
    digests = [files.put(bytes([number])) for number in range(CONTENTS_IN_MEMORY + 1)]
    first = contents.get(digests[0])
    assert contents.get(digests[0]) is first
    contents.delete(digests[0])
    with pytest.raises(InputError, match="is not in it"):
        contents.get(digests[0])
    read = {digest: contents.get(digest) for digest in digests[1:]}
    assert all(contents.get(digest) is content for digest, content in read.items())


def test_the_oldest_makes_room(tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    contents = Contents(files)
    digests = [files.put(bytes([number])) for number in range(CONTENTS_IN_MEMORY + 1)]
    for digest in digests:
        contents.get(digest)
    files.delete(digests[0])
    files.delete(digests[1])
    assert contents.get(digests[1]) == b"\x01"
    with pytest.raises(InputError):
        contents.get(digests[0])


def test_sizes_are_known_of_what_was_put_until_the_store_has_them(tmp_path: Path) -> None:
    contents = Contents(FileStore(tmp_path))
    weights, log = contents.put(b"weights"), contents.put(b"log")
    outputs = {"weights": weights, "log": log, "steps": 3, "note": "n" * 64}
    assert contents.sizes_of(outputs) == {weights: 7, log: 3}
    contents.forget_sizes([log])
    assert contents.sizes_of(outputs) == {weights: 7}


def test_whatever_a_job_leaves_is_registered_with_it(world: World, evaluation: Order) -> None:
    key = world.put(evaluation)
    world.step()
    first, second = world.executor.tasks
    for task, numbers in ((first, (0, 2)), (second, (1, 3))):
        ended = Finished(outputs={"clocks": {"eval_seconds": 1.0}})
        world.executor.tell(*(shard(number) for number in numbers), ended, task=task)
        world.step()
    scores = (world.job(key).outputs or {})["scores"]
    with world.store._read() as connection:
        rows = connection.execute(select(tables.contents.c.digest, tables.contents.c.size))
        sizes = {row.digest: row.size for row in rows}
        links = connection.execute(select(tables.content_links)).all()
    assert sizes == {digest: world.files.size(digest) for digest in (scores, *world.store.shards(key).values())}
    artifact = evaluation.job.inputs["artifact"]
    assert {(link.digest, link.key, link.role, link.name) for link in links} == {
        (scores, key, "makes", "scores"),
        (artifact, key, "reads", "artifact"),
    }
