"""Data that are not on this machine, or others than the job's: another machine may have them."""

from pathlib import Path

import pytest

from golf.data.tokens import digest_files
from jobs.errors import NotReady
from jobs.events import Failure
from jobs.failures import classify
from jobs.machine.digests import check_digest, find_shards_here


def test_what_is_missing_or_different_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"no \*_train_\*.bin") as missing:
        find_shards_here(tmp_path / "nowhere", "train")
    assert classify(missing.value) == Failure.NOT_READY
    with pytest.raises(NotReady, match="cannot be read"):
        check_digest([tmp_path / "nothing.model"], "0" * 64, "tokenizer")
    path = tmp_path / "a_train_0.bin"
    path.write_bytes(b"tokens")
    with pytest.raises(NotReady, match="training tokens has digest"):
        check_digest([path], "0" * 64, "training tokens")
    assert find_shards_here(tmp_path, "train") == [path]
    check_digest([path], digest_files([path]), "training tokens")
