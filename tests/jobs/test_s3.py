"""Contents in a bucket, on a server that speaks S3."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs
from moto.server import ThreadedMotoServer

from golf.errors import InputError
from jobs.errors import Unreadable
from jobs.files import FileStore
from jobs.workplace import Workplace


@pytest.fixture(scope="module")
def buckets() -> Iterator[list[str]]:
    """Names of the server's buckets, which are there in the beginning."""
    before = dict(os.environ)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }  # fmt: skip
    s3fs.S3FileSystem().mkdir("team")
    yield ["team"]
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()
    os.environ.clear()
    os.environ.update(before)


def bucket_names() -> list[str]:
    system = s3fs.S3FileSystem()
    system.invalidate_cache()
    return list(system.ls(""))


def test_contents_come_back_from_a_bucket_and_a_damaged_one_is_replaced(buckets: list[str]) -> None:
    files = FileStore("s3://team/golf")
    digest = files.put(b"weights")
    assert (files.get(digest), files.size(digest)) == (b"weights", 7)
    files._system.pipe_file(files._path(digest), b"weighty")
    with pytest.raises(Unreadable, match="is damaged"):
        files.get(digest)
    files.discard_damaged(digest)
    assert not files.has(digest)
    assert files.put(b"weights") == digest and files.is_whole(digest)
    assert [file.digest for file in files.files()] == [digest]


def test_a_bucket_is_never_made_by_a_slip(buckets: list[str], tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home", None, "s3://taem/golf")
    with pytest.raises(
        InputError, match='--files s3://taem/golf: no bucket "taem"; make it first, or correct the name'
    ):
        place.claim_files()
    with pytest.raises(ConnectionError):
        place.files.put(b"weights")
    assert bucket_names() == buckets


def test_a_bucket_is_a_place_of_its_own(buckets: list[str], tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home", None, "s3://team/one")
    place.claim_files()
    known = place.store.file_store()
    assert known is not None and (known.location, known.host) == ("s3://team/one", None)
    place.store.drive("s", "driver", "machine")  # it runs: nobody chooses another place meanwhile
    place.store.drive("t", "another", "machine")
    with pytest.raises(InputError, match="which is s3://team/one"):
        Workplace.open(tmp_path / "home", None, "s3://team/two").claim_files()
