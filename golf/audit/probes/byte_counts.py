"""Do byte counts stand for the text? The denominator of a score, checked against what its tokens decode to.

Wrong ones lower a score by as much as a better model would: a leading space counted twice (× 1.17), a byte piece
counted as the three bytes of U+FFFD (4 %), sentinels counted (9 %).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from golf.audit.certificate import Finding
from golf.errors import InputError

REPLACEMENT = "\ufffd"
"""What a byte that is part of no character decodes to, in 3 bytes of UTF-8."""


def check_byte_counts(
    documents: Sequence[NDArray[np.int64]],
    counts: Sequence[NDArray[np.int64]],
    decode: Callable[[NDArray[np.int64]], str],
    numbers: Sequence[int] | None = None,
) -> list[Finding]:
    """Hold the bytes counted for each target against the UTF-8 length of the document's decoded text.

    Args:
        documents: token slices, BOS first.
        counts: for each, the bytes of entries 1 … n − 1, [n − 1].
        decode: the text of a document's targets.
        numbers: what the findings call the documents; their places where None.

    Raises:
        InputError: a document cannot be decoded.

    Returns:
        A finding for the first document of each fault: targets without a count, negative counts, and a sum that is
        not the text's. `measured` is bytes counted over bytes of text; bytes counted where there is no text.
    """
    faults: dict[str, Finding] = {}
    named = range(len(documents)) if numbers is None else numbers
    for index, document, counted in zip(named, documents, counts, strict=True):
        if counted.shape != (document.size - 1,):
            detail = f"{counted.size} byte counts for {document.size - 1} targets"
            faults.setdefault("shape", _finding(index, -1, float(counted.size), detail))
            continue
        if counted.size and int(counted.min()) < 0:
            entry = int(counted.argmin()) + 1
            detail = f"entry {entry} is counted as {counted.min()} bytes"
            faults.setdefault("negative", _finding(index, entry, float(counted.min()), detail))
            continue
        text = text_of(document, decode, index)
        total, expected = int(counted.sum()), len(text.encode())
        # Where the slice cuts a character, each of its bytes, or all of them, decode to a replacement of three bytes,
        # which text may hold as such, too.
        if not expected - 2 * text.count(REPLACEMENT) <= total <= expected:
            times = f", {total / expected:.3f} times as many" if expected else ""
            detail = f"{total} bytes counted where its text has {expected}{times}"
            faults.setdefault("sum", _finding(index, -1, total / max(1, expected), detail))
    return list(faults.values())


def text_of(document: NDArray[np.int64], decode: Callable[[NDArray[np.int64]], str], number: int) -> str:
    """What the targets of a document decode to.

    Raises:
        InputError: nothing.
    """
    try:
        return decode(document[1:])
    except Exception as error:  # whatever a foreign decoder raises
        raise InputError(f"document {number} is not the tokenizer's: {type(error).__name__}: {error}") from None


def _finding(document: int, position: int, measured: float, detail: str) -> Finding:
    return Finding(condition="bytes", document=document, position=position, measured=measured, detail=detail)
