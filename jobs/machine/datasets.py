"""Data sets of this machine: found by what is in them where they do not lie where a sweep was started."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from golf.data.corpus import bundled_corpus
from golf.data.texts import with_byte_files
from golf.data.tokens import find_shards
from golf.errors import InputError
from jobs.errors import NotReady
from jobs.machine.digests import digest_folder, digest_of
from jobs.spec import Order

VARIABLE = "GOLFSWEEP_DATA"
"""Folders of this machine, separated as in PATH, at or below which its data sets lie."""
MOST_DEPTH = 4
"""Levels of folders below each that are looked through."""
MOST_TOKENIZER_BYTES = 2**26
Digest = Callable[[Path], str]


def order_here(order: Order) -> Order:
    """An order that names its data as they lie on this machine: at its own places, or wherever the same content is.

    Raises:
        NotReady: data are neither there nor in a folder that VARIABLE names.
    """
    missing = {name: path for name, path in order.places.items() if not Path(path).exists()}
    if not missing:
        return order
    digests = order.job.inputs
    found = {name: _find(name, path, digests[name]) for name, path in missing.items() if name in digests}
    return replace(order, places={**order.places, **found})


def _find(name: str, path: str, digest: str) -> str:
    """Where this machine has what lies at a path elsewhere."""
    for candidates in (_own_data(), _bundled()):
        for candidate, kinds in candidates:
            if any(_digest(kind, candidate) == digest for kind in kinds):
                return str(candidate)
    roots = os.environ.get(VARIABLE)
    below = f"below {VARIABLE}={roots}" if roots else f"in a folder named by {VARIABLE}, which is not set"
    raise NotReady(f"{name} of digest {digest[:12]}… are neither at {path} nor {below}; put a copy at either")


def _own_data() -> Iterator[tuple[Path, tuple[Digest, ...]]]:
    """Folders of shards, and tokenizers, with the ways in which jobs know what is in them."""
    for root in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        for folder, below, names in os.walk(root):
            if len(Path(folder).relative_to(root).parts) >= MOST_DEPTH:
                below.clear()
            below.sort()
            if any(name.endswith(".bin") for name in names):
                yield Path(folder), FOLDERS
            yield from ((Path(folder, name), TOKENIZERS) for name in sorted(names) if not name.endswith(".bin"))


def _bundled() -> Iterator[tuple[Path, tuple[Digest, ...]]]:
    """The bundled corpus, which every machine with a cache folder can make."""
    try:
        demo = bundled_corpus()
    except OSError:
        return
    yield demo.tokenizer, TOKENIZERS
    yield demo.tokens, FOLDERS


def _digest(kind: Digest, path: Path) -> str | None:
    """None where a candidate is nothing of that kind."""
    try:
        return kind(path)
    except InputError:
        return None


def _digest_split(split: Literal["train", "val"], folder: Path) -> str:
    paths = find_shards(folder, split)
    return digest_of(with_byte_files(paths) if split == "val" else paths)


def _digest_file(path: Path) -> str:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if size > MOST_TOKENIZER_BYTES:
        raise InputError(f"{path}: too large for a tokenizer")
    return digest_of([path])


FOLDERS: tuple[Digest, ...] = (partial(_digest_split, "val"), partial(_digest_split, "train"), digest_folder)
TOKENIZERS: tuple[Digest, ...] = (_digest_file,)
