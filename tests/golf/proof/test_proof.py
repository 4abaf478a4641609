"""Proofs with the golden model and a decoder process, and proofs that must fail."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golf.data.texts import count_texts
from golf.data.tokens import Tokenizer
from golf.errors import InputError
from golf.proof import proof
from golf.proof.codec import Predictor, decode, encode
from golf.proof.compressed import Container
from golf.proof.proof import Proof, prove
from golf.selftest import BUNDLED
from golf.ttt.engine import EvalConfig, evaluate

GOLDEN = BUNDLED[0]
CONFIG = EvalConfig(chunk=32, window=64, epochs=2)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(artifact=(GOLDEN / "model.safetensors").read_bytes(), config=CONFIG, seed=7)


@pytest.fixture(scope="module")
def documents() -> list[np.ndarray[Any, Any]]:
    found = json.loads((GOLDEN / "cases.json").read_text())["documents"]
    return [np.array(found[index][:length]) for index, length in ((0, 160), (1, 90))]


@pytest.fixture(scope="module")
def claimed(predictor: Predictor, documents: list[np.ndarray[Any, Any]]) -> float:
    """Nats that the engine gives the documents."""
    return float(evaluate(predictor.model(), documents, CONFIG, seed=7).nll.sum())


def proof_of(documents: Sequence[np.ndarray[Any, Any]], predictor: Predictor, claimed: float) -> Proof:
    tokenizer = Tokenizer(GOLDEN / "sp1024.model")
    return prove(documents, predictor, tokenizer, text_bytes(documents), claimed, lambda stage, done: None)


def text_bytes(documents: Sequence[np.ndarray[Any, Any]]) -> int:
    return sum(count_texts(list(documents), Tokenizer(GOLDEN / "sp1024.model")).num_bytes)


def test_a_legal_score_is_proved_in_another_process(
    documents: list[np.ndarray[Any, Any]],
    predictor: Predictor,
    claimed: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof.tempfile, "tempdir", str(tmp_path))
    seen: dict[str, int] = {}
    tokenizer = Tokenizer(GOLDEN / "sp1024.model")
    size = text_bytes(documents)
    found = prove(documents, predictor, tokenizer, size, claimed, lambda stage, done: seen.update({stage: done}))
    assert found.proved, found.reason
    assert "byte for byte" in found.reason
    assert found.documents == 2
    assert found.tokens == 159 + 89
    assert seen == {"encode": found.tokens, "decode": found.tokens}
    text = "".join(tokenizer.decode(document[1:]) for document in documents)
    assert found.text_bytes == len(text.encode())
    assert found.length_bytes == 2 + 1
    assert found.header_bytes == 21
    assert found.bpb == pytest.approx(8 * (found.compressed_bytes - found.length_bytes) / found.text_bytes)
    assert found.claimed_bpb == pytest.approx(claimed / np.log(2) / found.text_bytes)
    assert found.difference == pytest.approx(found.bpb - found.claimed_bpb)
    assert 0 <= found.difference <= found.allowed_difference
    assert found.allowed_difference == pytest.approx(1e-4 * found.claimed_bpb + 8 * 8 / found.text_bytes)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode in this process, where a new one makes no difference."""

    def decoded(content: bytes, predictor: Predictor, _: Any) -> tuple[np.ndarray[Any, Any], str]:
        return np.concatenate(decode(content, predictor, "file")), ""

    monkeypatch.setattr(proof, "_decode_in_process", decoded)


@pytest.mark.usefixtures("here")
def test_many_documents_are_allowed_no_more_than_one_is(
    documents: list[np.ndarray[Any, Any]], predictor: Predictor
) -> None:
    pieces = [documents[0][:1].tolist() + documents[0][first : first + 8].tolist() for first in range(1, 153, 8)]
    short = [np.array(piece) for piece in pieces]
    nats = float(evaluate(predictor.model(), short, CONFIG, seed=7).nll.sum())
    found = proof_of(short, predictor, nats)
    assert found.proved, found.reason
    assert found.length_bytes == len(short) == 19
    assert 8 * found.text_bytes * found.allowed_difference / 8 < 8.1 * 8
    # What was allowed before: 0.1 % and 8 bytes a document.
    assert not proof_of(short, predictor, nats - 0.5 * (8 * 8 * len(short)) * np.log(2)).proved


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_score_that_is_no_probability_is_not_proved(
    documents: list[np.ndarray[Any, Any]], predictor: Predictor, claimed: float, factor: float
) -> None:
    found = proof_of(documents[:1], predictor, factor * claimed)
    assert not found.proved
    assert "the score claims" in found.reason


def with_encode(monkeypatch: pytest.MonkeyPatch, changed: Any) -> None:
    """An encoder whose file is changed on the way to the decoder."""

    def encode_and_change(documents: Any, predictor: Predictor, **rest: Any) -> Container:
        made: Container = changed(encode(documents, predictor, **rest), predictor)
        return made

    monkeypatch.setattr(proof, "encode", encode_and_change)


def test_a_decoder_that_fails_proves_nothing(
    documents: list[np.ndarray[Any, Any]], predictor: Predictor, claimed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_encode(monkeypatch, lambda file, _: replace(file, words=file.words[::-1].copy()))
    found = proof_of(documents[1:], predictor, claimed)
    assert not found.proved
    assert found.reason.startswith("decoder: golf.proof.codec: file: decodes to other tokens")


@pytest.mark.usefixtures("here")
def test_other_tokens_prove_nothing(
    documents: list[np.ndarray[Any, Any]], predictor: Predictor, claimed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = documents[1].copy()
    other[50] += 1
    with_encode(monkeypatch, lambda _, predictor: encode([other], predictor))
    found = proof_of(documents[1:], predictor, claimed)
    assert not found.proved
    assert found.reason == f"document 0: at position 50, token {other[50] - 1} came back as {other[50]}"
    with_encode(monkeypatch, lambda _, predictor: encode([other[:40]], predictor))
    assert proof_of(documents[1:], predictor, claimed).reason == "40 tokens came back of 90"


def test_documents_of_another_tokenizer_are_an_input_error(predictor: Predictor) -> None:
    with pytest.raises(InputError, match="has 1024 pieces, the document holds token 2000"):
        proof_of([np.array([1, 2000])], predictor, 1.0)
