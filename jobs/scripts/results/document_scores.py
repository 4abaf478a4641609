"""Scores of single documents that a script writes: an .npz or Parquet file with document, nll, tokens and bytes."""

import io
import math
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from golf.errors import InputError
from golf.files import read_regular
from golf.limits import MAX_DOCUMENTS
from jobs.scores import SCHEMA, read_table, write_table

MOST_BYTES = 2**30
MOST = 2**40
"""Of a number of a document; sums of them can be held."""
_WHERE = "GOLFSWEEP_SCORES"


def read_document_scores(path: Path) -> tuple[bytes, dict[str, float]]:
    """The content of a score table, sorted by document, as our own evaluations leave one, and its totals.

    Raises:
        InputError: it is no such file, or its columns are not numbers of as many documents, each once, that can be.
    """
    content = read_regular(path, MOST_BYTES, f"expected the file named by {_WHERE}")
    columns = _read_parquet(content) if content[:4] == b"PAR1" else _read_npz(content)
    document = _whole(columns["document"], "document")
    nll, tokens, sizes = (
        columns["nll"].astype(np.float64),
        _whole(columns["tokens"], "tokens"),
        _whole(columns["bytes"], "bytes"),
    )
    if len({len(column) for column in (document, nll, tokens, sizes)}) > 1:
        raise InputError(f"{_WHERE}: columns of different lengths; expected one value a document in each")
    if not len(document) or len(document) > MAX_DOCUMENTS:
        raise InputError(f"{_WHERE}: {len(document)} documents; expected 1 to {MAX_DOCUMENTS}")
    if len(np.unique(document)) < len(document):
        raise InputError(f"{_WHERE}: a document is there twice; expected each once")
    lower = ((document, 0), (nll, 0), (tokens, 1), (sizes, 0))
    if not all(((column >= least) & (column <= MOST)).all() for column, least in lower) or not sizes.any():
        raise InputError(
            f"{_WHERE}: an impossible value; expected finite nats, at least one token a document, and bytes"
        )
    order = np.argsort(document)
    content = write_table(document[order].tolist(), nll[order], tokens[order], sizes[order])
    totals = {"nll": math.fsum(nll), "documents": len(document)}
    return content, totals | {"tokens": int(tokens.sum()), "bytes": int(sizes.sum())}


def _read_parquet(content: bytes) -> dict[str, NDArray[np.generic]]:
    table = read_table(content)
    return {name: table[name].to_numpy() for name in SCHEMA.names}


def _read_npz(content: bytes) -> dict[str, NDArray[np.generic]]:
    """The four arrays of an archive; nothing of it is unpickled."""
    expected = f"expected an .npz or Parquet file with {', '.join(SCHEMA.names)}"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        wanted = {f"{name}.npy" for name in SCHEMA.names}
        if not wanted <= sizes.keys() or sum(sizes[name] for name in wanted) > MOST_BYTES:
            raise InputError(f"{_WHERE}: has {', '.join(sorted(sizes)[:8]) or 'nothing'}; {expected}")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            columns = {name: np.atleast_1d(arrays[name]) for name in SCHEMA.names}
    except (OSError, ValueError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{_WHERE}: not an archive of arrays ({error}); {expected}") from None
    if any(column.ndim != 1 or column.dtype.kind not in "iuf" for column in columns.values()):
        raise InputError(f"{_WHERE}: an array is no list of numbers; {expected}")
    return columns


def _whole(column: NDArray[np.generic], name: str) -> NDArray[np.int64]:
    whole = column.astype(np.int64)
    if not np.array_equal(whole, column):
        raise InputError(f"{_WHERE}: {name} has values that are no whole numbers")
    return whole
