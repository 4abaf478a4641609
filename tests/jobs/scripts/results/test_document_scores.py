"""Scores of documents that a script writes: read without trusting them, and kept as our own evaluations' are."""

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from golf.errors import InputError
from jobs.scores import SCHEMA, read_table
from jobs.scripts.results.document_scores import read_document_scores

GOOD: dict[str, Any] = {"document": [1, 0], "nll": [3.0, 2.0], "tokens": [4, 5], "bytes": [10, 20]}


def npz(folder: Path, **changes: Any) -> Path:
    path = folder / "scores.npz"
    columns = {**GOOD, **changes}
    np.savez(path, **{name: np.array(column) for name, column in columns.items() if column is not None})
    return path


def test_an_archive_becomes_a_table_sorted_by_document_with_its_totals(tmp_path: Path) -> None:
    content, totals = read_document_scores(npz(tmp_path))
    assert read_table(content).to_pydict() == {
        "document": [0, 1], "nll": [2.0, 3.0], "tokens": [5, 4], "bytes": [20, 10],
    }  # fmt: skip
    assert totals == {"nll": 5.0, "tokens": 9, "bytes": 30, "documents": 2}


def test_a_parquet_file_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    pq.write_table(pa.table(GOOD, schema=SCHEMA), path)
    assert read_document_scores(path) == read_document_scores(npz(tmp_path))


class Evil:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("it was unpickled",))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"nll": [math.nan, 1.0]}, "an impossible value"),
        ({"nll": [-1.0, 1.0]}, "an impossible value"),
        ({"tokens": [0, 1]}, "an impossible value"),
        ({"nll": [1e308, 1e308]}, "an impossible value"),
        ({"document": [-1, 0]}, "an impossible value"),
        ({"bytes": [0, 0]}, "an impossible value"),
        ({"tokens": [1.5, 1]}, "tokens has values that are no whole numbers"),
        ({"document": [0, 0]}, "a document is there twice"),
        ({"bytes": [1]}, "columns of different lengths"),
        ({"bytes": None}, "has document.npy, nll.npy, tokens.npy; expected an .npz or Parquet file"),
        ({"bytes": ["a", "b"]}, "an array is no list of numbers"),
        ({"nll": [[1.0], [2.0]]}, "an array is no list of numbers"),
        ({"bytes": np.array([Evil(), Evil()], object)}, "not an archive of arrays"),
        ({"document": [], "nll": [], "tokens": [], "bytes": []}, "0 documents; expected 1 to"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^GOLFSWEEP_SCORES: .*{words}"):
        read_document_scores(npz(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"PAR1nothing", b"text"])
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError):
        read_document_scores(tmp_path / "x")


def test_an_archive_that_claims_much_is_not_unpacked(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in SCHEMA.names:
            archive.writestr(f"{name}.npy", b"")
    huge = content.getvalue().replace(b"document.npy", b"document.npy")
    place = huge.index(b"PK\1\2") + 24
    (tmp_path / "x").write_bytes(huge[:place] + (2**31).to_bytes(4, "little") + huge[place + 4 :])
    with pytest.raises(InputError, match="GOLFSWEEP_SCORES: has "):
        read_document_scores(tmp_path / "x")


def test_an_archive_that_is_damaged_or_claims_too_much_is_refused(tmp_path: Path) -> None:
    compressed = tmp_path / "compressed.npz"
    np.savez_compressed(compressed, **{name: np.arange(1.0, 2000.0) for name in GOOD})
    damaged = bytearray(compressed.read_bytes())
    damaged[60:400] = bytes(340)
    compressed.write_bytes(damaged)
    with pytest.raises(InputError, match="not an archive of arrays"):
        read_document_scores(compressed)
    header = io.BytesIO()
    shape = {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
    np.lib.format.write_array_header_1_0(header, shape)
    huge = tmp_path / "huge.npz"
    with zipfile.ZipFile(huge, "w") as archive:
        for name in GOOD:
            archive.writestr(f"{name}.npy", header.getvalue())
    with pytest.raises(InputError, match="not an archive of arrays"):
        read_document_scores(huge)
