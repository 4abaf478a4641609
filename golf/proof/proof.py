"""Prove a score: compress documents with it, decompress them in a process that never saw them, compare.

What came back token for token, and as text byte for byte, was predicted without looking ahead; a file as large as the
score claims shows that the score was a probability.
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

SHARE = 0.001
"""The file may differ from the claim by this share of it: rounding, and probabilities as integers."""
SLACK_BYTES = 8
"""And by this for every document: its length, and the last words of the coder."""

Show = Callable[[Literal["encode", "decode"], int], None]
"""Told the number of tokens coded or decoded so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What compressing and decompressing showed."""

    proved: bool
    reason: str
    documents: int
    tokens: int
    """Predictions, one for every token but the BOS that opens a document."""
    text_bytes: int
    """UTF-8 bytes of the text predicted."""
    compressed_bytes: int
    """What the text cost: the documents' lengths and the coded tokens."""
    length_bytes: int
    """The lengths alone."""
    header_bytes: int
    """What stands before it in the file: names of artifact and settings, checksums."""
    bpb: float
    """8 · compressed_bytes / text_bytes."""
    claimed_bpb: float
    difference: float
    """bpb − claimed_bpb."""
    allowed_difference: float
    encode_seconds: float
    decode_seconds: float
    """Whole process of the decoder, its start included."""


def prove(
    documents: Sequence[Tokens],
    predictor: Predictor,
    tokenizer: Tokenizer,
    text_bytes: int,
    claimed_nll: float,
    show: Show,
) -> Proof:
    """Compress here, decompress in a new process that has artifact, settings and file alone, and compare.

    Args:
        documents: BOS first.
        predictor: the artifact and how it is evaluated.
        tokenizer: the documents' own.
        text_bytes: UTF-8 bytes that the documents predict, at least 1.
        claimed_nll: what the evaluation says of these documents, in nats.
        show: told of progress.

    Raises:
        InputError: documents, artifact or tokenizer do not belong together.
    """
    started = time.monotonic()
    compressed = encode(documents, predictor, progress=lambda done: show("encode", done))
    encoded = time.monotonic()
    content = compressed.pack()
    found, error = _decoded_elsewhere(content, predictor, lambda done: show("decode", done))
    decode_seconds = time.monotonic() - encoded
    bpb, claimed = 8 * compressed.message_bytes / text_bytes, bits_per_byte(claimed_nll, text_bytes)
    allowed = SHARE * claimed + 8 * SLACK_BYTES * len(documents) / text_bytes
    fault = error or _compare(documents, found, tokenizer) or _weigh(compressed, bpb, claimed, allowed)
    return Proof(
        proved=not fault,
        reason=fault or "tokens and text came back byte for byte, and the file is as large as the score claims",
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


def _decoded_elsewhere(content: bytes, predictor: Predictor, progress: Callable[[int], None]) -> tuple[Tokens, str]:
    """All tokens that a new process decoded, and an empty string or why it did not."""
    with tempfile.TemporaryDirectory(prefix="golfsweep-") as name:
        folder = Path(name)
        for file, part in (
            ("artifact", predictor.artifact),
            ("settings.json", predictor.settings()),
            ("file", content),
        ):
            (folder / file).write_bytes(part)
        with (folder / "errors.txt").open("w+") as errors:
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
    """The decoder, in a folder with its three inputs and nothing else; the code is this process's own."""
    code = str(Path(__file__).resolve().parents[2])
    paths = [code, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "golf.proof.codec", "artifact", "settings.json", "file", "out.bin"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


def _numbers(process: "subprocess.Popen[str]") -> Iterator[int]:
    assert process.stdout is not None
    with process.stdout as lines:
        yield from map(int, lines)


def _compare(documents: Sequence[Tokens], found: Tokens, tokenizer: Tokenizer) -> str:
    """What differs, or an empty string."""
    if len(found) != sum(map(len, documents)):
        return f"{len(found)} tokens came back of {sum(map(len, documents))}"
    ends = np.cumsum([len(document) for document in documents])[:-1]
    for index, (document, decoded) in enumerate(zip(documents, np.split(found, ends), strict=True)):
        if not np.array_equal(document, decoded):
            entry = int(np.flatnonzero(document != decoded)[0])
            return f"document {index}: entry {entry} came back as {decoded[entry]}, it is {document[entry]}"
        if tokenizer.decode(document).encode() != tokenizer.decode(decoded).encode():
            return f"document {index}: its text came back differently"
    return ""


def _weigh(compressed: Container, bpb: float, claimed: float, allowed: float) -> str:
    """How far the file's size is from the claim, or an empty string where that is near enough."""
    if math.isclose(bpb, claimed, rel_tol=0, abs_tol=allowed):
        return ""
    return (
        f"the file takes {compressed.message_bytes} bytes, {bpb:.5f} bits per byte; "
        f"claimed are {claimed:.5f}, at most {allowed:.5f} away"
    )
