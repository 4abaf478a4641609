"""Prove a score: compress documents with its predictions, decompress them in another process, and compare.

If all tokens and all bytes of text come back, the predictions did not look ahead. If the file is as large as the score
claims, the score is made of probabilities.
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from golf.data.tokens import Tokenizer, Tokens, read_shard
from golf.proof.codec import Predictor, encode
from golf.proof.compressed import Container
from golf.score import bits_per_byte

RELATIVE_TOLERANCE = 1e-4
"""Relative tolerance of the size, for rounding and for probabilities as integers."""
TOLERANCE_BYTES = 8
"""Additional tolerance of all documents together, for the coder's last words."""

ProgressCallback = Callable[[Literal["encode", "decode"], int], None]
"""Called with the number of tokens encoded or decoded so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The result of compressing and decompressing documents."""

    proved: bool
    reason: str
    """Why it is proved, or what failed."""
    documents: int
    tokens: int
    """Predictions: all tokens except each document's initial BOS."""
    text_bytes: int
    """UTF-8 bytes of the text predicted."""
    compressed_bytes: int
    """Bytes of the documents' lengths and the coded tokens."""
    length_bytes: int
    """Bytes of the lengths."""
    header_bytes: int
    """Bytes of the file's header: digests of artifact and settings, checksums."""
    bpb: float
    """8 · (compressed_bytes − length_bytes) / text_bytes: a score says nothing of the documents' lengths."""
    claimed_bpb: float
    """Bits per byte of the evaluation."""
    difference: float
    """bpb − claimed_bpb."""
    allowed_difference: float
    """Tolerance of the difference, in bits per byte."""
    encode_seconds: float
    decode_seconds: float
    """Time of the whole decoder process, its start included."""


def prove(
    documents: Sequence[Tokens],
    predictor: Predictor,
    tokenizer: Tokenizer,
    text_bytes: int,
    claimed_nll: float,
    show: ProgressCallback,
) -> Proof:
    """Compress documents here, decompress them in a new process that has only artifact, settings and file, and compare.

    Args:
        documents: BOS first.
        predictor: the artifact and the settings of its evaluation.
        tokenizer: the documents' tokenizer.
        text_bytes: UTF-8 bytes of the documents' targets, at least 1.
        claimed_nll: total NLL of these documents in the evaluation, in nats.
        show: called with progress.

    Raises:
        InputError: documents, artifact and tokenizer do not fit together.
    """
    started = time.monotonic()
    compressed = encode(documents, predictor, progress=lambda done: show("encode", done))
    encoded = time.monotonic()
    content = compressed.pack()
    decoded, error = _decode_in_process(content, predictor, lambda done: show("decode", done))
    decode_seconds = time.monotonic() - encoded
    bpb, claimed = 8 * compressed.token_bytes / text_bytes, bits_per_byte(claimed_nll, text_bytes)
    allowed = RELATIVE_TOLERANCE * claimed + 8 * TOLERANCE_BYTES / text_bytes
    problem = error or _compare(documents, decoded, tokenizer) or _compare_size(compressed, bpb, claimed, allowed)
    return Proof(
        proved=not problem,
        reason=problem or "tokens and text came back byte for byte, and the file is as large as the score claims",
        documents=len(documents),
        tokens=sum(len(document) - 1 for document in documents),
        text_bytes=text_bytes,
        compressed_bytes=compressed.message_bytes,
        length_bytes=compressed.length_bytes,
        header_bytes=len(content) - compressed.message_bytes,
        bpb=bpb,
        claimed_bpb=claimed,
        difference=bpb - claimed,
        allowed_difference=allowed,
        encode_seconds=encoded - started,
        decode_seconds=decode_seconds,
    )


def _decode_in_process(content: bytes, predictor: Predictor, progress: Callable[[int], None]) -> tuple[Tokens, str]:
    """All tokens that a new process decodes, and an error message, empty if it succeeded."""
    with tempfile.TemporaryDirectory(prefix="golfsweep-") as name:
        folder = Path(name)
        for file, part in (
            ("artifact", predictor.artifact),
            ("settings.json", predictor.settings()),
            ("file", content),
        ):
            (folder / file).write_bytes(part)
        with (folder / "errors.txt").open("w+", encoding="utf-8") as errors:
            process = _start(folder, errors.fileno())
            try:
                for done in _numbers(process):
                    progress(done)
                process.wait()
            finally:
                process.kill()
                process.wait()
            errors.seek(0)
            lines = errors.read().splitlines()
        if process.returncode:
            return np.empty(0, np.uint16), f"decoder: {lines[-1] if lines else f'ended by {process.returncode}'}"
        return np.array(read_shard(folder / "out.bin")), ""


def _start(folder: Path, errors: int) -> "subprocess.Popen[str]":
    """Start the decoder in a folder with only its three inputs; it runs the same code as this process."""
    code = str(Path(__file__).resolve().parents[2])
    paths = [code, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "golf.proof.codec", "artifact", "settings.json", "file", "out.bin"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8:backslashreplace"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        encoding="utf-8",
        errors="replace",
    )


def _numbers(process: "subprocess.Popen[str]") -> Iterator[int]:
    """The progress that a decoder prints."""
    assert process.stdout is not None
    with process.stdout as lines:
        yield from map(int, lines)


def _compare(documents: Sequence[Tokens], tokens: Tokens, tokenizer: Tokenizer) -> str:
    """The first difference, or an empty string."""
    if len(tokens) != sum(map(len, documents)):
        return f"{len(tokens)} tokens came back of {sum(map(len, documents))}"
    ends = np.cumsum([len(document) for document in documents])[:-1]
    for index, (document, decoded) in enumerate(zip(documents, np.split(tokens, ends), strict=True)):
        if not np.array_equal(document, decoded):
            position = int(np.flatnonzero(document != decoded)[0])
            problem = f"token {document[position]} came back as {decoded[position]}"
            return f"document {index}: at position {position}, {problem}"
        if tokenizer.decode(document).encode() != tokenizer.decode(decoded).encode():
            return f"document {index}: its text came back changed"
    return ""


def _compare_size(compressed: Container, bpb: float, claimed: float, allowed: float) -> str:
    """How the file's size differs from the claim, or an empty string if it is within the tolerance."""
    if math.isclose(bpb, claimed, rel_tol=0, abs_tol=allowed):
        return ""
    return (
        f"the file takes {compressed.token_bytes} bytes without lengths, {bpb:.5f} bits per byte; "
        f"the score claims {claimed:.5f} ± {allowed:.5f}"
    )
