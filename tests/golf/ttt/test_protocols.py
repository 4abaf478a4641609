"""Protocols: each is one line of a table, and everything that depends on it asks the table."""

from dataclasses import replace

import numpy as np
import pytest

from golf.errors import InputError
from golf.flops import document_flops
from golf.model.gpt import GPT
from golf.proof.predict import check_decodable
from golf.ttt import EvalConfig, Protocol, evaluate
from golf.ttt.protocols import PROTOCOLS
from tests.golf.tiny import documents_of, tiny_model

LEGAL = EvalConfig(chunk=8, window=16, lr=0.01, epochs=2, max_seconds=None)


@pytest.fixture(scope="module")
def model() -> GPT:
    return tiny_model()


@pytest.mark.parametrize(
    ("protocol", "adapts", "passes", "updates", "lowest"),
    [
        ("none", False, 3, 1, False),
        ("score-first", True, 1, 3, False),
        ("last-epoch", True, 3, 1, False),
        ("min-epoch", True, 3, 1, True),
    ],
)
def test_what_three_epochs_mean(protocol: str, adapts: bool, passes: int, updates: int, lowest: bool) -> None:
    config = EvalConfig(protocol=protocol, epochs=3)
    meaning = (config.adapts, config.passes, config.steps_per_chunk, config.lowest_counts)
    assert meaning == (adapts, passes, updates, lowest)


def test_an_unknown_protocol_is_refused_with_those_known() -> None:
    with pytest.raises(InputError, match=r"eval\.protocol = \'fast\': no such protocol; known are none, score-first"):
        EvalConfig(protocol="fast")


def test_a_new_protocol_is_one_line(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the updates at half the epochs: the same scores, work and decoder as the protocol it is made of."""
    twice = Protocol(passes=lambda epochs: 1, updates=lambda epochs: 2 * epochs)
    monkeypatch.setitem(PROTOCOLS, "twice", twice)
    config = replace(LEGAL, protocol="twice", epochs=1)
    documents = documents_of([40, 21])
    assert np.array_equal(evaluate(model, documents, config).nll, evaluate(model, documents, LEGAL).nll)
    assert document_flops(40, config, model.config) == document_flops(40, LEGAL, model.config)
    check_decodable(config)


def test_several_passes_have_no_decoder_whatever_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROTOCOLS, "thrice", Protocol(passes=lambda epochs: 3, updates=lambda epochs: 1))
    with pytest.raises(InputError, match="thrice: has no decoder: every document is passed over 3 times"):
        check_decodable(replace(LEGAL, protocol="thrice"))
