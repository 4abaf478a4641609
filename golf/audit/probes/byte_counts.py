"""Check byte counts, the denominator of bits per byte, against the text that the tokens decode to.

Wrong counts lower a score as much as a better model would: a leading space counted twice (× 1.17), a byte piece
counted as the three bytes of U+FFFD (4 %), control pieces counted (9 %).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from golf.audit.certificate import Finding
from golf.errors import InputError

REPLACEMENT = "\ufffd"
"""A byte that is part of no character decodes to this, 3 bytes in UTF-8."""


def check_byte_counts(
    documents: Sequence[NDArray[np.int64]],
    counts: Sequence[NDArray[np.int64]],
    decode: Callable[[NDArray[np.int64]], str],
    numbers: Sequence[int] | None = None,
) -> list[Finding]:
    """Compare the bytes counted for each document's targets with the UTF-8 length of its decoded text.

    Args:
        documents: token slices, BOS first.
        counts: for each document the bytes at positions 1 … n − 1, [n − 1].
        decode: decodes a document's targets to text.
        numbers: the documents' numbers in findings; their indices by default.

    Returns:
        A finding for the first document of each error: a wrong number of counts, a negative count, or a sum that is
        not the text's. `measured` is bytes counted / bytes of text, or bytes counted if there is no text.

    Raises:
        InputError: a document cannot be decoded.
    """
    findings: dict[str, Finding] = {}
    named = range(len(documents)) if numbers is None else numbers
    for number, document, counted in zip(named, documents, counts, strict=True):
        if counted.shape != (document.size - 1,):
            detail = f"{counted.size} byte counts for {document.size - 1} targets; expected one per target"
            findings.setdefault("shape", _finding(number, -1, float(counted.size), detail))
            continue
        if counted.size and int(counted.min()) < 0:
            position = int(counted.argmin()) + 1
            detail = f"the byte count at position {position} is {counted.min()}; expected at least 0"
            findings.setdefault("negative", _finding(number, position, float(counted.min()), detail))
            continue
        text = decode_targets(document, decode, number)
        total, expected = int(counted.sum()), len(text.encode())
        # A character cut in two decodes to replacements of three bytes each, for one byte of it or for several. Text
        # may also contain the replacement character itself.
        if not expected - 2 * text.count(REPLACEMENT) <= total <= expected:
            ratio = f", {total / expected:.3f} times as many" if expected else ""
            detail = f"counts {total} bytes; the text has {expected}{ratio}"
            findings.setdefault("sum", _finding(number, -1, total / max(1, expected), detail))
    return list(findings.values())


def decode_targets(document: NDArray[np.int64], decode: Callable[[NDArray[np.int64]], str], number: int) -> str:
    """Decode the targets of a document.

    Raises:
        InputError: the decoder fails.
    """
    try:
        return decode(document[1:])
    except Exception as error:  # a foreign decoder may raise anything
        raise InputError(
            f"document {number} cannot be decoded ({type(error).__name__}: {error}); expected its own tokenizer"
        ) from None


def _finding(document: int, position: int, measured: float, detail: str) -> Finding:
    return Finding(condition="bytes", document=document, position=position, measured=measured, detail=detail)
