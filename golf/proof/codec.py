"""Compress documents into bytes with a recipe's own predictions, and read them back with artifact, settings and bytes.

A range coder (the library `constriction`) spends −log2 p(token) bits on every token, so the size of the file is the
score; and since the decoder makes the same predictions before it learns each token, a score that it reproduces cannot
have looked ahead. Probabilities become integers of 24 bits, none of which is 0: every token can be coded.

    python -m golf.proof.codec ARTIFACT SETTINGS FILE OUT

decodes FILE into a token shard OUT in a process that has nothing else, and prints the number of tokens found so far.
"""

import hashlib
import json
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

from golf.artifact.packing import load_bytes
from golf.data.tokens import BOS, Tokens, check_document, write_shard
from golf.errors import InputError
from golf.model.gpt import GPT
from golf.proof.compressed import DIGEST_BYTES, MAX_TOKENS, Container, unpack
from golf.proof.predict import Prediction, check_decodable, one_thread, predictions
from golf.ttt.adapters import Multipliers, Ranks
from golf.ttt.config import EvalConfig

REPORT_EVERY = 64
"""Entries between two reports of progress."""

Progress = Callable[[int], None]
"""Told the number of tokens coded so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictor:
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
    def read(cls, artifact: bytes, settings: bytes, where: str) -> "Predictor":
        """Put artifact and settings together again.

        Raises:
            InputError: the settings are not what `settings` gave.
        """
        try:
            content = json.loads(settings)
            return cls(artifact=artifact, config=_config(content["eval"]), seed=int(content["seed"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{where}: not the settings of an evaluation that can be decoded ({error})") from None

    def digests(self) -> tuple[bytes, bytes]:
        """What a file remembers of artifact and settings."""
        artifact, settings = (hashlib.sha256(part).digest()[:DIGEST_BYTES] for part in (self.artifact, self.settings()))
        return artifact, settings

    def model(self) -> GPT:
        """The artifact, loaded on the CPU."""
        return load_bytes(self.artifact, "artifact")


def encode(documents: Sequence[Tokens], predictor: Predictor, *, progress: Progress | None = None) -> Container:
    """Compress documents, predicting them by the very steps that `decode` takes.

    Raises:
        InputError: a document does not open with BOS, has no other token, or one outside the vocabulary.
    """
    model = predictor.model()
    for index, document in enumerate(documents):
        if check_document(document, f"document {index}", model.config.vocab_size)[0] != BOS:
            raise InputError(f"document {index} opens with token {document[0]}; expected BOS ({BOS})")
    lengths = tuple(len(document) for document in documents)
    if sum(lengths) > MAX_TOKENS:
        raise InputError(f"{sum(lengths)} tokens; a file holds {MAX_TOKENS} at most")
    encoder, family = stream.queue.RangeEncoder(), stream.model.Categorical(perfect=False)

    def code(asked: Prediction) -> NDArray[np.int64]:
        found = np.array([documents[index][asked.entry] for index in asked.documents], np.int64)
        encoder.encode(found.astype(np.int32), family, asked.probabilities_MV)
        return found

    _walk(model, lengths, predictor, code, progress)
    artifact, settings = predictor.digests()
    return Container(
        artifact=artifact,
        settings=settings,
        checksum=_checksum(documents),
        lengths=lengths,
        words=encoder.get_compressed(),
    )


def decode(
    content: bytes, predictor: Predictor, where: str, *, progress: Progress | None = None
) -> list[NDArray[np.int64]]:
    """Read documents back.

    Args:
        content: a file's content.
        predictor: the artifact and settings that it was made with.
        where: what the file is called in an error.
        progress: told the number of tokens found so far.

    Raises:
        InputError: the file is damaged, foreign, of another artifact or other settings, or was made on a machine whose
            arithmetic differs.
    """
    file = unpack(content, where)
    for name, given in zip(("artifact", "settings"), predictor.digests(), strict=True):
        if (found := getattr(file, name)) != given:
            raise InputError(f"{where}: made with another {name}, {found.hex()}…; given is {given.hex()}…")
    astray = InputError(f"{where}: decodes to other tokens than were coded; expected the machine class that wrote it")
    documents = [np.full(length, BOS, np.int64) for length in file.lengths]
    decoder, family = stream.queue.RangeDecoder(file.words), stream.model.Categorical(perfect=False)

    def code(asked: Prediction) -> NDArray[np.int64]:
        try:
            found: NDArray[np.int64] = decoder.decode(family, asked.probabilities_MV).astype(np.int64)
        except AssertionError:  # words that no encoder writes for these distributions
            raise astray from None
        for index, token in zip(asked.documents, found, strict=True):
            documents[index][asked.entry] = token
        return found

    _walk(predictor.model(), file.lengths, predictor, code, progress)
    if _checksum(documents) != file.checksum:
        raise astray
    return documents


def _walk(
    model: GPT,
    lengths: Sequence[int],
    predictor: Predictor,
    code: Callable[[Prediction], NDArray[np.int64]],
    progress: Progress | None,
) -> None:
    """Answer every prediction with the tokens that `code` codes or finds."""
    done = 0
    with one_thread(), closing(predictions(model, lengths, predictor.config, seed=predictor.seed)) as asking:
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


def _checksum(documents: Sequence[Tokens]) -> int:
    return zlib.crc32(b"".join(np.asarray(document, "<u4").tobytes() for document in documents))


def _config(fields: Mapping[str, Any]) -> EvalConfig:
    """Settings from JSON, where tuples are lists."""
    plain = {name: _tuples(value) for name, value in fields.items() if name not in ("ranks", "multipliers")}
    multipliers = {name: _tuples(value) for name, value in fields["multipliers"].items()}
    return EvalConfig(**plain, ranks=Ranks(**fields["ranks"]), multipliers=Multipliers(**multipliers))


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _main(artifact: str, settings: str, file: str, out: str) -> None:
    predictor = Predictor.read(Path(artifact).read_bytes(), Path(settings).read_bytes(), settings)
    documents = decode(Path(file).read_bytes(), predictor, file, progress=lambda done: print(done, flush=True))
    write_shard(Path(out), np.concatenate([np.empty(0, np.int64), *documents]))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: python -m golf.proof.codec ARTIFACT SETTINGS FILE OUT")
    try:
        _main(*sys.argv[1:])
    except (InputError, OSError) as error:
        sys.exit(f"golf.proof.codec: {error}")
