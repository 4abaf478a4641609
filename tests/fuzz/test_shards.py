"""Hostile shards: headers that claim more or fewer tokens than there are, holes instead of tokens, byte files."""

import os
import random
from pathlib import Path

import numpy as np

from golf.data.stream import Stream
from golf.data.texts import read_texts
from golf.data.tokens import HEADER_BYTES, MAGIC, Tokenizer, read_shard, split_documents, write_shard
from golf.selftest import BUNDLED
from tests.fuzz.harness import fuzz, is_refused
from tests.fuzz.mutations import NUMBERS, mutate


def test_every_changed_shard_is_refused_or_read_as_its_header_says(tmp_path: Path) -> None:
    tokenizer = Tokenizer(BUNDLED[0] / "sp1024.model")
    write_shard(
        tmp_path / "valid.bin", [1, *tokenizer.encode("The union is strong."), 1, *tokenizer.encode("So it is.")]
    )
    content = (tmp_path / "valid.bin").read_bytes()
    path, counts = tmp_path / "a_val_0.bin", tmp_path / "a_val_bytes_0.bin"

    def attempt(chance: random.Random) -> None:
        path.unlink(missing_ok=True)
        counts.unlink(missing_ok=True)
        if chance.random() < 0.5:
            path.write_bytes(mutate(content, chance))
        else:
            _write_sparse(path, chance)
        if chance.random() < 0.3:
            counts.write_bytes(mutate(content, chance))
        if not is_refused(lambda: read_shard(path)):
            tokens = read_shard(path)
            assert HEADER_BYTES + 2 * len(tokens) == path.stat().st_size
            documents = split_documents(tokens)
            assert all(document[0] == 1 and len(document) >= 2 for document in documents)
        is_refused(lambda: read_texts([path], tokenizer))
        is_refused(lambda: Stream.open([path]).hold_out(1))

    fuzz(attempt, name="shard", attempts=1250)


def _write_sparse(path: Path, chance: random.Random) -> None:
    """A shard of zeros that takes no room on the disk, which may have the size that its header says."""
    claimed = chance.choice([*(number for number in NUMBERS if abs(number) < 2**31), 2**26, 2**29, 2**30])
    header = np.zeros(256, "<i4")
    header[:3] = MAGIC, 1, claimed
    size = HEADER_BYTES + 2 * max(0, claimed) if chance.random() < 0.7 else chance.choice([1024, 2**31, 2**32 + 1024])
    path.write_bytes(header.tobytes())
    os.truncate(path, max(0, size + chance.choice([0, 0, 0, -1, 1])))
