"""Compression and decompression: every kind of adapter, size against the score, and files that do not fit."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.artifact.packing import QuantizeConfig, load_bytes, pack
from golf.errors import InputError
from golf.model.gpt import GPT
from golf.proof.codec import Predictor, decode, encode
from golf.proof.compressed import unpack
from golf.score import LN2
from golf.ttt.adapters import KINDS, AdapterRanks, Multipliers
from golf.ttt.engine import EvalConfig, evaluate
from tests.golf.proof.test_predict import decodable
from tests.golf.tiny import TINY, documents_of, tiny_model

CONFIG = EvalConfig(chunk=8, window=20, epochs=2)


@pytest.fixture(scope="module")
def artifact() -> bytes:
    return pack(tiny_model().state_dict(), TINY, QuantizeConfig(codec="zstd", level=1))[0]


def predictor_of(artifact: bytes, config: EvalConfig = CONFIG, seed: int = 4) -> Predictor:
    return Predictor(artifact=artifact, config=config, seed=seed)


def check_round_trip(predictor: Predictor, documents: list[np.ndarray[Any, Any]]) -> None:
    """Tokens come back, and take as many bits as the evaluation says, plus what coding costs."""
    file = encode(documents, predictor)
    found = decode(file.pack(), predictor, "file")
    assert [one.tolist() for one in found] == [one.tolist() for one in documents]
    scores = evaluate(load_bytes(predictor.artifact, "a"), documents, predictor.config, seed=predictor.seed)
    claimed = float(scores.nll.sum()) / LN2 / 8
    assert abs(4 * len(file.words) - claimed) < 0.001 * claimed + 8  # the last words are not all used


@settings(max_examples=12)
@given(config=decodable(), lengths=st.lists(st.integers(2, 50), max_size=3), seed=st.integers(0, 9))
def test_documents_round_trip_with_any_settings(
    artifact: bytes, config: EvalConfig, lengths: list[int], seed: int
) -> None:
    check_round_trip(predictor_of(artifact, config, seed), documents_of(lengths, seed))


@pytest.mark.parametrize(
    "changes",
    [
        {"adapters": KINDS},  # every kind, two steps a chunk, a window that slides
        {"adapters": ()},
        {"protocol": "none", "adapters": ()},  # windows beyond the trained length, each rotated by its own
        {"length_blind": False, "schedule": "cosine", "min_document_tokens": 30, "weight_decay": 0.1},
        {"chunk": 64, "window": 512},  # a document within one chunk
    ],
)
def test_documents_round_trip(artifact: bytes, changes: dict[str, Any]) -> None:
    check_round_trip(predictor_of(artifact, replace(CONFIG, **changes)), documents_of([70, 9, 33, 33, 2, 90, 70]))


def test_a_repeated_text_takes_fewer_bytes_when_adapted_to(artifact: bytes) -> None:
    document = np.concatenate([[1], np.tile(np.arange(5, 13), 30)])
    adapting, static = (
        encode([document], predictor_of(artifact, EvalConfig(chunk=16, window=32, lr=0.01, adapters=kinds)))
        for kinds in (CONFIG.adapters, ())
    )
    assert adapting.message_bytes < 0.9 * static.message_bytes


def test_a_token_of_probability_zero_can_be_coded() -> None:
    model = GPT(replace(TINY, softcap=200.0))
    model.initialize(torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.tok_emb.weight[5] = 100.0 * torch.sign(torch.randn(16, generator=torch.Generator().manual_seed(1)))
        model.tok_emb.weight[6] = -model.tok_emb.weight[5]
    artifact, _ = pack(model.state_dict(), model.config, QuantizeConfig(codec="zstd", level=1))
    predictor = predictor_of(artifact, EvalConfig(protocol="none", adapters=()))
    documents = [np.array([1, *[5, 6] * 6])]
    nll = evaluate(load_bytes(artifact, "a"), documents, predictor.config).token_nll[0]
    assert nll.max() > 24 * math.log(2)  # rarer than a count of 24 bits can say
    assert decode(encode(documents, predictor).pack(), predictor, "file")[0].tolist() == documents[0].tolist()


def test_no_documents_make_an_empty_file(artifact: bytes) -> None:
    predictor = predictor_of(artifact)
    assert decode(encode([], predictor).pack(), predictor, "file") == []


def test_equal_input_gives_equal_bytes_whatever_the_threads(artifact: bytes) -> None:
    documents, before = documents_of([40, 30]), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = encode(documents, predictor_of(artifact)).pack()
        torch.set_num_threads(2)
        two = encode(documents, predictor_of(artifact)).pack()
        assert torch.get_num_threads() == 2  # put back as it was
    finally:
        torch.set_num_threads(before)
    assert one == two


def test_progress_counts_tokens_up_to_the_end(artifact: bytes) -> None:
    seen: list[int] = []
    encode(documents_of([70, 130]), predictor_of(artifact), progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == 69 + 129


# What does not fit


def test_a_file_belongs_to_its_artifact_and_settings(artifact: bytes) -> None:
    predictor = predictor_of(artifact)
    content = encode(documents_of([20]), predictor).pack()
    with pytest.raises(InputError, match="file: made with another settings"):
        decode(content, replace(predictor, config=replace(CONFIG, lr=0.002)), "file")
    with pytest.raises(InputError, match="file: made with another settings"):
        decode(content, replace(predictor, seed=5), "file")
    with pytest.raises(InputError, match="file: made with another artifact"):
        decode(content, replace(predictor, artifact=artifact + b" "), "file")


def test_a_decoder_with_other_arithmetic_says_so(artifact: bytes) -> None:
    """As on a machine that rounds differently: file, artifact and settings are valid."""
    predictor, documents = predictor_of(artifact), documents_of([40, 30])
    file = encode(documents, predictor)
    other = encode(documents, replace(predictor, config=replace(CONFIG, lr=0.02)))
    with pytest.raises(InputError, match="file: decodes to other tokens; expected a machine of the class"):
        decode(replace(file, words=other.words).pack(), predictor, "file")
    for first in range(8):  # words that no encoder writes
        words = np.full(4, 2**32 - 1 - first, np.uint32)
        with pytest.raises(InputError, match="expected a machine of the class"):
            decode(replace(file, words=words).pack(), predictor, "file")


@settings(max_examples=20)
@given(place=st.integers(0), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_file_is_one_line(artifact: bytes, place: int, bit: int, cut: bool) -> None:
    content = bytearray(encode(documents_of([9]), predictor_of(artifact)).pack())
    place %= len(content)
    content[place] ^= 1 << bit
    with pytest.raises(InputError, match="file: "):
        decode(bytes(content[:place] if cut else content), predictor_of(artifact), "file")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (np.array([1]), "document 0 has shape .* at least 2"),
        (np.array([2, 3]), r"document 0 starts with token 2; expected BOS \(1\)"),
        (np.array([1, 48]), "document 0 holds token 48"),
        (np.array([1, -1]), "document 0 holds token -1 at position 1"),
    ],
)
def test_bad_documents_are_input_errors(artifact: bytes, document: np.ndarray[Any, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        encode([document], predictor_of(artifact))


def test_a_protocol_without_decoder_has_no_predictor(artifact: bytes) -> None:
    with pytest.raises(InputError, match="min-epoch: has no decoder"):
        predictor_of(artifact, EvalConfig(protocol="min-epoch", epochs=2))


# Settings on their way to the decoder


def test_settings_round_trip_to_another_process(artifact: bytes) -> None:
    config = EvalConfig(
        adapters=("q", "head"),
        ranks=AdapterRanks(q=3),
        multipliers=Multipliers(q=(0.5, 1.0, 0.3)),
        betas=(0.8, 0.9),
        max_seconds=None,
    )
    predictor = predictor_of(artifact, config)
    assert Predictor.read(artifact, predictor.settings(), "settings.json") == predictor


@pytest.mark.parametrize("settings", [b"", b"\xff", b"[]", b"{}", b'{"eval": {"lr": 1}, "seed": 0}', b'{"eval": 1}'])
def test_invalid_settings_are_one_line_errors(artifact: bytes, settings: bytes) -> None:
    with pytest.raises(InputError, match=r"settings\.json: not the settings of a decodable evaluation"):
        Predictor.read(artifact, settings, "settings.json")


def test_the_decoder_rejects_settings_that_it_cannot_decode(artifact: bytes) -> None:
    content = json.loads(predictor_of(artifact).settings())
    content["eval"]["nll_factor"] = 0.98
    with pytest.raises(InputError, match="no decoder"):
        Predictor.read(artifact, json.dumps(content).encode(), "settings.json")


def test_the_length_of_the_words_is_the_message(artifact: bytes) -> None:
    file = encode(documents_of([40, 300]), predictor_of(artifact))
    assert unpack(file.pack(), "file").lengths == (40, 300)
    assert file.length_bytes == 3
