"""A data folder whose validation set is cut from the training shards: trials must not see the contest's own.

The last documents of the training shards become the validation set and leave the training shards. What does not change
is linked. Where the data set counts bytes in files of its own, the held-out documents get one, too: a token has the
bytes that the given files name for it. A document with a token for which they name none, or two values, stays in
training.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golf.data.byte_table import ByteTable
from golf.data.texts import byte_files
from golf.data.tokens import Tokens, find_shards, find_starts, read_shard, write_shard
from golf.errors import InputError
from jobs.machine.digests import digest_of

VERSION = 1
"""Of the choice of documents; it is in the folder's name."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """One training shard without the documents that are held out."""

    shard: Path
    tokens: Tokens
    taken: tuple[slice, ...]

    def rest(self) -> Tokens:
        """The tokens that stay in training."""
        edges = [0, *(edge for span in self.taken for edge in (span.start, span.stop)), len(self.tokens)]
        kept = [self.tokens[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True)]
        return np.concatenate(kept)


def make_holdout(tokens: Path, *, documents: int, shards: int, folder: Path) -> Path:
    """Make the data folder of trials, or find it as it was made before.

    Args:
        tokens: the given folder of shards.
        documents: how many to hold out.
        shards: least number of training shards, e.g. the most ranks of any stage.
        folder: where such folders are kept, each under the digest of what it was made from.

    Returns:
        A folder DIGEST/datasets/NAME, beside which the given tokenizers are linked as DIGEST/tokenizers.

    Raises:
        InputError: the shards cannot be read, or have too few documents that can be held out.
    """
    train, val = find_shards(tokens, "train"), find_shards(tokens, "val")
    counts = byte_files(val)
    settings = json.dumps([VERSION, documents, shards, [path.name for path in (*train, *val)]])
    made_of = hashlib.sha256(f"{settings} {digest_of([*train, *val, *counts])}".encode()).hexdigest()[:32]
    place = folder / made_of / "datasets" / tokens.name
    if place.is_dir():
        return place
    table = ByteTable.learn(val, counts) if counts else None
    cuts = _choose(train, documents, table)
    temporary = folder / f".{made_of}.{secrets.token_hex(8)}"
    try:
        _write(temporary / "datasets" / tokens.name, tokens, cuts, val[0], counts, table, shards)
        tokenizers = tokens.parent.parent / "tokenizers"
        if tokenizers.is_dir():
            (temporary / "tokenizers").symlink_to(tokenizers.resolve())
        try:
            temporary.rename(folder / made_of)
        except OSError:
            if not place.is_dir():  # nobody else was first
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return place


def _choose(train: Sequence[Path], documents: int, table: ByteTable | None) -> list[_Cut]:
    """The last documents of the training shards that lie within one shard and whose bytes are known."""
    cuts: list[_Cut] = []
    missing, unknown = documents, 0
    next_starts = True  # the end of the last shard ends a document
    for shard in reversed(train):
        tokens = read_shard(shard)
        starts = find_starts(tokens)
        ends = starts[1:].tolist() + ([len(tokens)] if next_starts and len(starts) else [])
        next_starts = len(starts) > 0 and int(starts[0]) == 0
        taken: list[slice] = []
        for start, end in reversed(list(zip(starts.tolist(), ends, strict=False))):
            if missing == 0:
                break
            if end - start < 2:
                continue
            if table is not None and not table.knows(tokens[start:end]):
                unknown += 1
                continue
            taken.append(slice(start, end))
            missing -= 1
        if taken:
            cuts.append(_Cut(shard, tokens, tuple(reversed(taken))))
        if missing == 0:
            break
    is_left = len(cuts) < len(train) or any(len(cut.rest()) for cut in cuts)
    if missing or not is_left:
        where, count = train[0].parent, documents - missing
        why = f"; {unknown} have tokens whose bytes its byte files do not give" if unknown else ""
        raise InputError(
            f"{where}: {count} of {documents} documents can be held out of its training shards, and some must be left"
            f'{why}; name fewer as data.tuning_documents, or set data.validation = "given"'
        )
    return list(reversed(cuts))


def _write(
    place: Path,
    tokens: Path,
    cuts: Sequence[_Cut],
    val: Path,
    counts: Sequence[Path],
    table: ByteTable | None,
    shards: int,
) -> None:
    """Write the changed files into a new folder, and link the others."""
    place.mkdir(parents=True)
    train = _with_enough_shards(find_shards(tokens, "train"), {cut.shard: cut.rest() for cut in cuts}, shards)
    replaced = {path.name for path in (*train, *find_shards(tokens, "val"), *counts)}
    for path in sorted(tokens.iterdir()):
        if path.name not in replaced and path.is_file():
            (place / path.name).symlink_to(path.resolve())
    for shard, pieces in train.items():
        for number, piece in enumerate(pieces):
            write_shard(place / (f"{shard.stem}_{number:03d}.bin" if number else shard.name), piece)
    held_out = np.concatenate([cut.tokens[span] for cut in cuts for span in cut.taken])
    write_shard(place / val.name, held_out)
    if table is not None:
        write_shard(place / counts[0].name, table.count(held_out))


def _with_enough_shards(train: Sequence[Path], rests: Mapping[Path, Tokens], shards: int) -> dict[Path, list[Tokens]]:
    """The shards that change, in pieces: those with documents held out, and the largest while there are too few."""
    changed = {shard: [rest] if len(rest) else [] for shard, rest in rests.items()}
    missing = shards - (len(train) - sum(not pieces for pieces in changed.values()))
    for shard in sorted(train, key=lambda path: -len(rests.get(path, read_shard(path)))):
        if missing <= 0:
            break
        pieces = _split(rests[shard] if shard in rests else read_shard(shard), 1 + missing)
        if len(pieces) > 1:
            changed[shard] = pieces
            missing -= len(pieces) - 1
    return changed


def _split(stream: Tokens, parts: int) -> list[Tokens]:
    """Cut a stream into at most so many parts of about equal length, where documents start."""
    starts = find_starts(stream)
    if not len(starts):
        return [stream]
    wanted = np.searchsorted(starts, [len(stream) * part // parts for part in range(1, parts)])
    cuts = sorted({int(starts[min(index, len(starts) - 1)]) for index in wanted} - {0})
    return list(np.split(stream, cuts))
