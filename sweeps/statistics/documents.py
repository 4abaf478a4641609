"""Tests over documents: two evaluations of the same documents, and seeds and documents together.

Documents pair two *evaluation* settings on the same artifacts, which makes a powerful test. They cannot support a claim
about *training*: with three seeds such a test claims falsely 15 times in 100 at a nominal 1 %.

A score table has one row for each document: document, nll (nats), tokens, bytes. It may be a pandas frame, or arrays by
the names of the columns; pandas is not imported here, since that takes longer than the tests.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from golf.score import LN2
from sweeps.statistics.estimate import Floats, Moments, TestResult, finite, moments, result

if TYPE_CHECKING:
    import pandas as pd

SCORE_COLUMNS = ("document", "nll", "tokens", "bytes")
Documents = Mapping[str, NDArray[Any]]
"""A score table by column, each [documents]."""
ScoreTable: TypeAlias = "Documents | pd.DataFrame"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Paired:
    """A difference in total bits per byte with its standard error over documents."""

    difference: float
    error: float
    documents: int


def paired_test(challenger_scores: ScoreTable, incumbent_scores: ScoreTable) -> TestResult:
    """Test the difference in total bits per byte of two evaluations, paired by document.

        D = Σ d_k / B,  d_k = (a_k − b_k)/ln 2,  B = Σ bytes_k
        SE² = n/(n − 1) · Σ (d_k − D·bytes_k)² / B²          (linearized ratio, clustered by document)

    so that a long document has the weight that it has in the score; df = n − 1. Sources: Miller 2024, arXiv 2411.00640,
    for pairing and clustering; Cochran, Sampling Techniques, 6.3, for the ratio.

    Args:
        challenger_scores: a table of scores [documents].
        incumbent_scores: a table of the same documents, in any order.

    Returns:
        Difference and interval in bits per byte.

    Raises:
        ValueError: the documents, tokens or bytes differ, a document appears twice, there are fewer than two documents,
            or a loss is not finite.
    """
    paired = _paired(_checked(challenger_scores, "challenger"), _checked(incumbent_scores, "incumbent"))
    return result(paired.difference, paired.error, paired.documents - 1)


def two_way_test(
    challenger: Sequence[ScoreTable], incumbent: Sequence[ScoreTable], *, same_artifacts: bool = False
) -> TestResult:
    """Test whether the difference holds on other seeds and on other documents; both add noise.

        Var(D) ≈ s²_c/S_c + s²_i/S_i + SE²_documents             (or s²_d/S + SE²_documents on the same artifacts)

    with the seeds' variances of total bits per byte, SE_documents of the seeds' mean document scores as in
    `paired_test`, and Satterthwaite's degrees of freedom of the sum. The interaction of seeds and documents counts
    twice, so that the test is conservative (0.15 % false claims at 1 % with three seeds).

    Args:
        challenger: one table of scores for each seed, all of the same documents.
        incumbent: likewise.
        same_artifacts: whether the tables of both sides are pairs on one artifact each, which pairs the seeds, too.

    Returns:
        Difference and interval in bits per byte.

    Raises:
        ValueError: a side has fewer than two seeds, paired sides differ in number, or as `paired_test`.
    """
    c = [_checked(table, f"challenger {n + 1}") for n, table in enumerate(challenger)]
    i = [_checked(table, f"incumbent {n + 1}") for n, table in enumerate(incumbent)]
    if min(len(c), len(i)) < 2:
        raise ValueError(f"{len(c)} and {len(i)} seeds: at least 2 on each side are needed to estimate their noise")
    if same_artifacts and len(c) != len(i):
        raise ValueError(f"{len(c)} and {len(i)} tables: on the same artifacts each needs its counterpart")
    over_documents = _paired(_mean(c), _mean(i))
    scores_c, scores_i = (np.array([_bits_per_byte(table) for table in side]) for side in (c, i))
    sides = [moments(scores_c - scores_i)] if same_artifacts else [moments(scores_c), moments(scores_i)]
    parts = [*(_mean_error(side) for side in sides), (over_documents.error**2, over_documents.documents - 1)]
    squared = sum(part for part, _ in parts)
    weights = sum((part / squared) ** 2 / df for part, df in parts) if squared > 0 else 1 / min(df for _, df in parts)
    return result(over_documents.difference, math.sqrt(squared), 1 / weights)


def mean_documents(tables: Sequence[ScoreTable]) -> Documents:
    """Average every document's loss over evaluations, since further seeds are not further documents.

    Args:
        tables: tables of scores of the same documents.

    Returns:
        One table of scores [documents].

    Raises:
        ValueError: the evaluations are of different documents.
    """
    return _mean([_checked(table, f"table {n + 1}") for n, table in enumerate(tables)])


def _mean_error(side: Moments) -> tuple[float, int]:
    return side.variance / side.n, side.n - 1


def _mean(tables: Sequence[Documents]) -> Documents:
    for table in tables[1:]:
        _check_same(tables[0], table)
    nll: Floats = np.sum([table["nll"] for table in tables], axis=0) / len(tables)
    return {**tables[0], "nll": nll}


def _bits_per_byte(table: Documents) -> float:
    return float(table["nll"].sum()) / LN2 / float(table["bytes"].sum())


def _paired(a: Documents, b: Documents) -> _Paired:
    """D and its standard error as in `paired_test`."""
    _check_same(a, b)
    num_bytes = a["bytes"].astype(np.float64)
    d: Floats = finite((a["nll"].astype(np.float64) - b["nll"].astype(np.float64)) / LN2, 2, "documents")
    total = float(num_bytes.sum())
    difference = float(d.sum()) / total
    residual = d - difference * num_bytes
    error = math.sqrt(d.size / (d.size - 1) * float(residual @ residual)) / total
    return _Paired(difference=difference, error=error, documents=d.size)


def _checked(table: ScoreTable, name: str) -> Documents:
    """A score table by column, in the order of its documents."""
    if missing := [column for column in SCORE_COLUMNS if column not in table]:
        raise ValueError(f"{name}: no column {missing[0]}; expected the columns {', '.join(SCORE_COLUMNS)}")
    given = {column: np.asarray(table[column]) for column in SCORE_COLUMNS}
    order = np.argsort(given["document"], kind="stable")
    columns = {column: values[order] for column, values in given.items()}
    documents = columns["document"]
    if (twice := documents[1:] == documents[:-1]).any():
        raise ValueError(f"{name}: document {documents[1:][twice][0]} appears twice")
    finite(columns["nll"].astype(np.float64), 1, f"{name}: losses of documents")
    num_bytes = finite(columns["bytes"].astype(np.float64), 1, f"{name}: bytes")
    if (num_bytes < 0).any() or not num_bytes.sum() > 0:
        raise ValueError(f"{name}: bytes of documents must be 0 or more, and not all 0")
    return columns


def _check_same(a: Documents, b: Documents) -> None:
    for column, shown in (("document", "documents"), ("tokens", "tokens"), ("bytes", "bytes")):
        if not np.array_equal(a[column], b[column]):
            differ = sorted(set(a["document"].tolist()) ^ set(b["document"].tolist()))
            which = f": document {differ[0]} is in one only" if differ else ""
            raise ValueError(
                f"the two evaluations differ in their {shown}{which}; give two evaluations of the same documents"
            )
