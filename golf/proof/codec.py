"""Compress documents with a recipe's predictions, and decompress them with artifact, settings and compressed file.

A range coder (the library `constriction`) uses −log2 p(token) bits for each token, so the file size equals the score.
The decoder predicts each token before it knows it, so a score that it reproduces cannot have looked ahead.
Probabilities are rounded to 24-bit integers above 0, so that every token can be coded.

    python -m golf.proof.codec ARTIFACT SETTINGS FILE OUT

decodes FILE into a token shard OUT in a process that has no other input, and prints the number of tokens decoded so
far.
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
from golf.ttt.adapters import AdapterRanks, Multipliers
from golf.ttt.config import EvalConfig

REPORT_EVERY = 64
"""Positions between two progress reports."""

Progress = Callable[[int], None]
"""Called with the number of tokens coded so far."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictor:
    """What encoder and decoder share: an artifact's content and the settings of its evaluation.

    Raises:
        InputError: a decoder cannot reproduce scores of this protocol.
    """

    artifact: bytes
    config: EvalConfig
    seed: int
    """Seed of the adapters' initial A."""

    def __post_init__(self) -> None:
        check_decodable(self.config)

    def settings(self) -> bytes:
        """The settings as JSON for the decoder."""
        return json.dumps({"eval": asdict(self.config), "seed": self.seed}, sort_keys=True).encode()

    @classmethod
    def read(cls, artifact: bytes, settings: bytes, where: str) -> "Predictor":
        """Rebuild a predictor from an artifact and the result of `settings`.

        Raises:
            InputError: the settings are invalid; the message starts with `where`.
        """
        try:
            content = json.loads(settings)
            return cls(artifact=artifact, config=_config(content["eval"]), seed=int(content["seed"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{where}: not the settings of a decodable evaluation ({error})") from None

    def digests(self) -> tuple[bytes, bytes]:
        """The first bytes of the SHA-256 of artifact and settings."""
        artifact, settings = (hashlib.sha256(part).digest()[:DIGEST_BYTES] for part in (self.artifact, self.settings()))
        return artifact, settings

    def model(self) -> GPT:
        """Load the artifact on the CPU."""
        return load_bytes(self.artifact, "artifact")


def encode(documents: Sequence[Tokens], predictor: Predictor, *, progress: Progress | None = None) -> Container:
    """Compress documents, with the same predictions in the same order as `decode`.

    Raises:
        InputError: a document does not start with BOS, has fewer than two tokens or a token outside the vocabulary, or
            the documents have too many tokens.
    """
    model = predictor.model()
    for index, document in enumerate(documents):
        if check_document(document, f"document {index}", model.config.vocab_size)[0] != BOS:
            raise InputError(f"document {index} starts with token {document[0]}; expected BOS ({BOS})")
    lengths = tuple(len(document) for document in documents)
    if sum(lengths) > MAX_TOKENS:
        raise InputError(f"{sum(lengths)} tokens; expected at most {MAX_TOKENS}")
    encoder, family = stream.queue.RangeEncoder(), stream.model.Categorical(perfect=False)

    def code(prediction: Prediction) -> NDArray[np.int64]:
        tokens = np.array([documents[index][prediction.position] for index in prediction.documents], np.int64)
        encoder.encode(tokens.astype(np.int32), family, prediction.probabilities_MV)
        return tokens

    _code_all(model, lengths, predictor, code, progress)
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
    """Decompress documents, int64 [n] each.

    Args:
        content: a file's content, which may be untrusted.
        predictor: the artifact and settings that compressed it.
        where: the file's name in error messages.
        progress: called with the number of tokens decoded so far.

    Raises:
        InputError: the file is damaged, no such file, made with another artifact or other settings, or made on a
        machine
            with different arithmetic.
    """
    file = unpack(content, where)
    for name, given in zip(("artifact", "settings"), predictor.digests(), strict=True):
        if (stored := getattr(file, name)) != given:
            raise InputError(f"{where}: made with another {name} ({stored.hex()}…); expected {given.hex()}…")
    wrong_machine = InputError(f"{where}: decodes to other tokens; expected a machine of the class that wrote it")
    documents = [np.full(length, BOS, np.int64) for length in file.lengths]
    decoder, family = stream.queue.RangeDecoder(file.words), stream.model.Categorical(perfect=False)

    def code(prediction: Prediction) -> NDArray[np.int64]:
        try:
            tokens: NDArray[np.int64] = decoder.decode(family, prediction.probabilities_MV).astype(np.int64)
        except AssertionError:  # the content is invalid for these distributions
            raise wrong_machine from None
        for index, token in zip(prediction.documents, tokens, strict=True):
            documents[index][prediction.position] = token
        return tokens

    _code_all(predictor.model(), file.lengths, predictor, code, progress)
    if _checksum(documents) != file.checksum:
        raise wrong_machine
    return documents


def _code_all(
    model: GPT,
    lengths: Sequence[int],
    predictor: Predictor,
    code: Callable[[Prediction], NDArray[np.int64]],
    progress: Progress | None,
) -> None:
    """Code the tokens of every prediction with `code`, and send them to the predictor."""
    done = 0
    with one_thread(), closing(predictions(model, lengths, predictor.config, seed=predictor.seed)) as generator:
        prediction = next(generator, None)
        while prediction is not None:
            tokens = code(prediction)
            done += len(tokens)
            if progress is not None and prediction.position % REPORT_EVERY == 0:
                progress(done)
            try:
                prediction = generator.send(tokens)
            except StopIteration:
                prediction = None
    if progress is not None:
        progress(done)


def _checksum(documents: Sequence[Tokens]) -> int:
    return zlib.crc32(b"".join(np.asarray(document, "<u4").tobytes() for document in documents))


def _config(fields: Mapping[str, Any]) -> EvalConfig:
    """Rebuild settings from JSON, which stores tuples as lists."""
    plain = {name: _tuples(value) for name, value in fields.items() if name not in ("ranks", "multipliers")}
    multipliers = {name: _tuples(value) for name, value in fields["multipliers"].items()}
    return EvalConfig(**plain, ranks=AdapterRanks(**fields["ranks"]), multipliers=Multipliers(**multipliers))


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
