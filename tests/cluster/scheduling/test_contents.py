"""Contents that tasks are handed: read once, and not all kept."""

from pathlib import Path

import pytest

from cluster.scheduling.state.contents import KEPT, Contents
from golf.errors import InputError
from jobs.files import FileStore


def test_a_content_is_read_once_while_it_is_kept_and_gone_when_it_is_deleted(tmp_path: Path) -> None:
    files = FileStore(tmp_path)
    contents = Contents(files)
    digests = [files.put(bytes([number])) for number in range(KEPT + 1)]
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
    digests = [files.put(bytes([number])) for number in range(KEPT + 1)]
    for digest in digests:
        contents.get(digest)
    files.delete(digests[0])
    files.delete(digests[1])
    assert contents.get(digests[1]) == b"\x01"
    with pytest.raises(InputError):
        contents.get(digests[0])
