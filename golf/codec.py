"""Compress documents into bytes with a recipe's own predictions, and read them back with artifact, settings and bytes.

A range coder (the library `constriction`) spends −log2 p(token) bits on every token, so the size of the file is the
score; and since the decoder makes the same predictions before it learns each token, a score that it reproduces cannot
have looked ahead. Probabilities become integers of 24 bits, none of which is 0: every token can be coded.

Layout of a file:

    header   magic, CRC-32 of all that follows, first 4 bytes of the artifact's and of the settings' SHA-256, CRC-32 of
             the tokens, number of documents: what tells a wrong file, artifact, setting or machine
    message  the documents' lengths, then the range coder's words

Integers of the header and words are little-endian, counts LEB128 (7 bits a byte, low ones first).

    python -m golf.codec ARTIFACT SETTINGS FILE OUT

decodes FILE into a token shard OUT in a process that has nothing else, and prints the number of tokens found so far.
"""

import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from constriction import stream
from numpy.typing import NDArray

from golf.adapters import Multipliers, Ranks
from golf.artifact import load_bytes
from golf.errors import InputError
from golf.model import GPT
from golf.predict import Prediction, check_decodable, one_thread, predictions
from golf.tokens import BOS, Tokens, write_shard
from golf.ttt import EvalConfig

MAGIC = b"GLZ\x01"
DIGESTS = struct.Struct("<4s4sI")
MAX_TOKENS = 2**26
"""A file that claims more is refused before memory is taken for it; the challenge's whole validation set has fewer."""
REPORT_EVERY = 64
"""Entries between two reports of progress."""

Progress = Callable[[int], None]
"""Told the number of tokens coded so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What coder and decoder share: an artifact's content and how it is evaluated.

    Raises:
        InputError: the protocol has no decoder.
    """

    artifact: bytes
    config: EvalConfig
    seed: int
    """Of the adapters' random start."""

    def __post_init__(self) -> None:
        check_decodable(self.config)

    def settings(self) -> bytes:
        """All but the artifact, as the decoder reads it."""
        return json.dumps({"eval": asdict(self.config), "seed": self.seed}, sort_keys=True).encode()

    @classmethod
    def read(cls, artifact: bytes, settings: bytes, where: str) -> "Recipe":
        """Put artifact and settings together again.

        Raises:
            InputError: the settings are not what `settings` gave.
        """
        try:
            content = json.loads(settings)
            return cls(artifact=artifact, config=_config(content["eval"]), seed=int(content["seed"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{where}: not an evaluation's settings ({error})") from None

    def digests(self) -> tuple[bytes, bytes]:
        """What a file remembers of artifact and settings, 4 bytes each."""
        artifact, settings = (hashlib.sha256(part).digest()[:4] for part in (self.artifact, self.settings()))
        return artifact, settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """A file's content and where its bytes go."""

    content: bytes
    header_bytes: int
    """Identification and checksums, which say nothing of the text."""
    length_bytes: int
    """The documents' lengths."""

    @property
    def message_bytes(self) -> int:
        """What the text cost: lengths and coded tokens."""
        return len(self.content) - self.header_bytes


def encode(documents: Sequence[Tokens], recipe: Recipe, *, progress: Progress | None = None) -> Compressed:
    """Compress documents, predicting them by the very steps that `decode` takes.

    Raises:
        InputError: a document does not open with BOS, has no other token, or one outside the vocabulary.
    """
    model = _model(recipe)
    for index, document in enumerate(documents):
        _check(document, f"document {index}", model.config.vocab_size)
    encoder, family = stream.queue.RangeEncoder(), stream.model.Categorical(perfect=False)

    def code(asked: Prediction) -> NDArray[np.int64]:
        found = np.array([documents[index][asked.entry] for index in asked.documents], np.int64)
        encoder.encode(found.astype(np.int32), family, asked.probabilities_MV)
        return found

    lengths = [len(document) for document in documents]
    _walk(model, lengths, recipe, code, progress)
    written = b"".join(map(_leb128, lengths))
    words = encoder.get_compressed().astype("<u4").tobytes()
    header = DIGESTS.pack(*recipe.digests(), _checksum(documents)) + _leb128(len(documents))
    rest = header + written + words
    content = MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest
    return Compressed(content=content, header_bytes=len(content) - len(written + words), length_bytes=len(written))


def decode(content: bytes, recipe: Recipe, where: str, *, progress: Progress | None = None) -> list[NDArray[np.int64]]:
    """Read documents back.

    Args:
        content: a file's content.
        recipe: the artifact and settings that it was made with.
        where: what the file is called in an error.
        progress: told the number of tokens found so far.

    Raises:
        InputError: the file is damaged, foreign, of another artifact or other settings, or was made on a machine whose
            arithmetic differs.
    """
    checksum, lengths, words = _open(content, recipe, where)
    astray = InputError(f"{where}: decodes to other tokens than were coded; expected the machine class that wrote it")
    documents = [np.full(length, BOS, np.int64) for length in lengths]
    decoder, family = stream.queue.RangeDecoder(words), stream.model.Categorical(perfect=False)

    def code(asked: Prediction) -> NDArray[np.int64]:
        try:
            found: NDArray[np.int64] = decoder.decode(family, asked.probabilities_MV).astype(np.int64)
        except AssertionError:  # words that no encoder writes for these distributions
            raise astray from None
        for index, token in zip(asked.documents, found, strict=True):
            documents[index][asked.entry] = token
        return found

    _walk(_model(recipe), lengths, recipe, code, progress)
    if _checksum(documents) != checksum:
        raise astray
    return documents


def _walk(
    model: GPT,
    lengths: Sequence[int],
    recipe: Recipe,
    code: Callable[[Prediction], NDArray[np.int64]],
    progress: Progress | None,
) -> None:
    """Answer every prediction with the tokens that `code` codes or finds."""
    done = 0
    with one_thread(), closing(predictions(model, lengths, recipe.config, seed=recipe.seed)) as asking:
        asked = next(asking, None)
        while asked is not None:
            found = code(asked)
            done += len(found)
            if progress is not None and asked.entry % REPORT_EVERY == 0:
                progress(done)
            try:
                asked = asking.send(found)
            except StopIteration:
                asked = None
    if progress is not None:
        progress(done)


def _open(content: bytes, recipe: Recipe, where: str) -> tuple[int, list[int], NDArray[np.uint32]]:
    """Checksum of the tokens, the documents' lengths and the coder's words of a file that fits the recipe."""
    start = len(MAGIC) + 4
    if not content.startswith(MAGIC) or len(content) < start + DIGESTS.size:
        raise InputError(f"{where}: not a file of compressed documents; expected one that starts with {MAGIC!r}")
    if zlib.crc32(content[start:]) != int.from_bytes(content[len(MAGIC) : start], "little"):
        raise InputError(f"{where}: truncated or damaged; its content has another checksum than it says")
    artifact, settings, checksum = DIGESTS.unpack_from(content, start)
    for found, expected, name in zip((artifact, settings), recipe.digests(), ("artifact", "settings"), strict=True):
        if found != expected:
            raise InputError(f"{where}: made with another {name}, {found.hex()}…; given is {expected.hex()}…")
    count, message = _read_leb128(content[start + DIGESTS.size :], where)
    lengths: list[int] = []
    for _ in range(count):  # ends with an error where the bytes do
        length, message = _read_leb128(message, where)
        lengths.append(length)
    if min(lengths, default=2) < 2 or sum(lengths) > MAX_TOKENS or len(message) % 4:
        raise InputError(f"{where}: damaged; expected whole words and documents of 2 to {MAX_TOKENS} tokens in all")
    return checksum, lengths, np.frombuffer(message, "<u4").astype(np.uint32)


def _check(document: Tokens, name: str, vocab_size: int) -> None:
    if document.ndim != 1 or document.size < 2 or document[0] != BOS:
        raise InputError(f"{name}: expected at least 2 tokens, the first of them BOS ({BOS})")
    if int(document.min()) < 0 or int(document.max()) >= vocab_size:
        raise InputError(f"{name} holds token {int(document.max())}; the model's vocabulary has {vocab_size}")


def _model(recipe: Recipe) -> GPT:
    return load_bytes(recipe.artifact, "artifact")


def _checksum(documents: Sequence[Tokens]) -> int:
    return zlib.crc32(b"".join(np.asarray(document, "<u4").tobytes() for document in documents))


def _leb128(number: int) -> bytes:
    parts = [number >> shift & 0x7F for shift in range(0, max(1, number.bit_length()), 7)]
    return bytes([*(part | 0x80 for part in parts[:-1]), parts[-1]])


def _read_leb128(content: bytes, where: str) -> tuple[int, bytes]:
    """The number at the front, of at most 63 bits, and what follows it."""
    number = 0
    for place, byte in enumerate(content[:9]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, content[place + 1 :]
    raise InputError(f"{where}: truncated or damaged; a count in it does not end")


def _config(fields: Mapping[str, Any]) -> EvalConfig:
    """Settings from JSON, where tuples are lists."""
    plain = {name: _tuples(value) for name, value in fields.items() if name not in ("ranks", "multipliers")}
    multipliers = {name: _tuples(value) for name, value in fields["multipliers"].items()}
    return EvalConfig(**plain, ranks=Ranks(**fields["ranks"]), multipliers=Multipliers(**multipliers))


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _main(artifact: str, settings: str, file: str, out: str) -> None:
    recipe = Recipe.read(Path(artifact).read_bytes(), Path(settings).read_bytes(), settings)
    documents = decode(Path(file).read_bytes(), recipe, file, progress=lambda done: print(done, flush=True))
    write_shard(Path(out), np.concatenate(documents))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: python -m golf.codec ARTIFACT SETTINGS FILE OUT")
    try:
        _main(*sys.argv[1:])
    except (InputError, OSError) as error:
        sys.exit(f"golf.codec: {error}")
