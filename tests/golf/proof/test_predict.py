"""Token-by-token predictions against the batched engine: the same probabilities, without looking ahead."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.artifact.packing import load
from golf.errors import InputError
from golf.model.gpt import GPT
from golf.presets import EVAL_PRESETS
from golf.proof.cache import WindowCache
from golf.proof.predict import check_decodable, length_uses, one_thread, predictions
from golf.selftest import BUNDLED
from golf.ttt import adapters
from golf.ttt import engine as ttt
from golf.ttt.adapters import AdapterBatch, AdapterRanks, Multipliers
from golf.ttt.engine import EvalConfig, evaluate
from tests.golf.tiny import TINY, documents_of, tiny_model

Document = np.ndarray[Any, np.dtype[np.int64]]


@pytest.fixture(scope="module", autouse=True)
def on_one_thread() -> Iterator[None]:
    """As whoever predicts does; operations this small only wait for other threads."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def model() -> GPT:
    return tiny_model()


@st.composite
def decodable(draw: st.DrawFn) -> EvalConfig:
    """Settings of every kind that have a decoder."""
    chunk = draw(st.integers(3, 12))
    return EvalConfig(
        protocol=draw(st.sampled_from(["none", "score-first", "score-first"])),
        adapters=tuple(draw(st.lists(st.sampled_from(adapters.KINDS), unique=True))),
        ranks=AdapterRanks(q=draw(st.integers(1, 3)), head=draw(st.integers(1, 3))),
        multipliers=Multipliers(k=draw(st.floats(0.1, 2.0))),
        lr=draw(st.floats(1e-4, 2e-2)),
        alpha=draw(st.sampled_from([None, 3.0])),
        schedule=draw(st.sampled_from(["constant", "cosine", "per-chunk"])),
        epochs=draw(st.integers(1, 3)),
        chunk=chunk,
        window=chunk + draw(st.integers(0, 30)),
        min_document_tokens=draw(st.sampled_from([0, 20])),
        length_blind=draw(st.booleans()),
        eps=1e-4,  # at 1e-10 Adam's first step is the sign of a rounding error where a gradient is none
    )


def predict_all(model: GPT, documents: list[Document], config: EvalConfig, seed: int = 0) -> list[Document]:
    """The NLL of every token by predictions that receive each token afterwards."""
    losses = [np.full(len(document) - 1, np.nan) for document in documents]
    generator = predictions(model, [len(document) for document in documents], config, seed=seed)
    prediction = next(generator, None)
    while prediction is not None:
        np.testing.assert_allclose(prediction.probabilities_MV.sum(axis=1), 1.0, rtol=1e-12)
        tokens = np.array([documents[index][prediction.position] for index in prediction.documents], np.int64)
        for index, token, row in zip(prediction.documents, tokens, prediction.probabilities_MV, strict=True):
            assert np.isnan(losses[index][prediction.position - 1]), "a position is predicted twice"
            losses[index][prediction.position - 1] = -np.log(row[token])
        try:
            prediction = generator.send(tokens)
        except StopIteration:
            prediction = None
    return losses


@settings(max_examples=25)
@given(config=decodable(), lengths=st.lists(st.integers(2, 50), min_size=1, max_size=4))
def test_predictions_are_the_engines_scores(model: GPT, config: EvalConfig, lengths: list[int]) -> None:
    documents = documents_of(lengths)
    scores = evaluate(model, documents, config, seed=5)
    for expected, found in zip(scores.token_nll, predict_all(model, documents, config, seed=5), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)  # fp32 rounding through some updates


def test_documents_that_exceed_memory_are_split_into_batches(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    documents, config = documents_of([20, 33, 9]), EvalConfig(chunk=8, window=16)
    together = predict_all(model, documents, config)
    monkeypatch.setitem(ttt.ACTIVATION_BYTES, "cpu", 1)
    for one, other in zip(together, predict_all(model, documents, config), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(1, 29), unique=True, max_size=4), adapted=st.booleans())
def test_a_cache_changes_no_state(model: GPT, cuts: list[int], adapted: bool) -> None:
    tokens_BT = torch.from_numpy(np.stack(documents_of([30, 30])))
    pieces = adapters.layout(TINY, adapters.KINDS, AdapterRanks())
    rows_NP = 0.1 * torch.randn(2, sum(piece.size for piece in pieces), generator=torch.Generator().manual_seed(1))
    batch = AdapterBatch(rows_NP, pieces, torch.float32) if adapted else None
    rotary = model.rotary(30)
    whole = model.hidden(tokens_BT, rotary=rotary, adapters=batch)
    cache = WindowCache(TINY, 2, 30)
    parts = [
        model.hidden(tokens_BT[:, :end], rotary=rotary, adapters=batch, cache=cache) for end in [*sorted(cuts), 30]
    ]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=1e-4, atol=1e-5)
    assert cache.length == 30


def moved(model: GPT, numbers: int) -> GPT:
    """The same weights at addresses that are not multiples of a cache line."""
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            place = torch.empty(weight.numel() + numbers)[numbers:].view(weight.shape)
            setattr(module, name, torch.nn.Parameter(place.copy_(weight), requires_grad=False))
    return model


def test_memory_alignment_of_weights_does_not_change_a_bit() -> None:
    """Matrix products may round by alignment, and no two processes read a file to the same addresses."""
    documents = [np.arange(1, 60), np.arange(1, 41)]
    path, config = BUNDLED[0] / "model.safetensors", EvalConfig(chunk=32, window=64)
    once = predict_all(load(path), documents, config)
    again = predict_all(moved(load(path), 1), documents, config)
    assert [one.tolist() for one in once] == [one.tolist() for one in again]


LENGTH_BLIND = EvalConfig(chunk=8, window=16, epochs=2)


def test_settings_that_use_the_length_say_so_and_the_defaults_do_not_use_it(model: GPT) -> None:
    assert length_uses(LENGTH_BLIND) == []
    for changes, word in (
        ({"length_blind": False}, "eval.length_blind"),
        ({"schedule": "cosine"}, "eval.schedule"),
        ({"min_document_tokens": 50}, "eval.min_document_tokens"),
        ({"protocol": "none"}, "rotary"),
    ):
        config = replace(LENGTH_BLIND, **changes)
        assert word in " ".join(length_uses(config))
        [document] = documents_of([60])
        [whole], [cut] = (predict_all(model, [document[:length]], config) for length in (60, 37))
        assert np.abs(whole[:36] - cut).max() > 1e-4
    [whole], [cut] = (predict_all(model, [document[:length]], LENGTH_BLIND) for length in (60, 37))
    np.testing.assert_allclose(cut, whole[:36], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (EvalConfig(**EVAL_PRESETS["chimera-611"]), ("min-epoch", "no decoder", "lowest of 8")),
        (EvalConfig(**EVAL_PRESETS["deepquant-596"]), ("last-epoch", "no decoder", "after 7 epochs")),
        (EvalConfig(nll_factor=0.98), ("eval.nll_factor = 0.98", "no decoder", "sum to 1")),
    ],
)
def test_settings_without_a_decoder_are_input_errors_with_a_reason(config: EvalConfig, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as refusal:
        check_decodable(config)
    for word in words:
        assert word in str(refusal.value)


def test_every_protocol_with_one_pass_has_a_decoder(model: GPT) -> None:
    documents = documents_of([30])
    for protocol in ("min-epoch", "last-epoch"):
        config = EvalConfig(protocol=protocol, epochs=1, chunk=8, window=16, schedule="cosine")  # type: ignore[arg-type]
        check_decodable(config)
        expected = evaluate(model, documents, config).token_nll[0]
        np.testing.assert_allclose(predict_all(model, documents, config)[0], expected, rtol=2e-4, atol=2e-4)
