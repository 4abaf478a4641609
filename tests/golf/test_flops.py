"""Operation counts against counting each matrix product."""

import pytest

from golf.flops import block_weights, document_flops, training_flops
from golf.model.gpt import GPT, ModelConfig
from golf.ttt.config import EvalConfig

MODEL = ModelConfig(num_layers=2, model_dim=8, num_heads=2, num_kv_heads=1, mlp_hidden=12, vocab_size=20)


UNADAPTED = EvalConfig(protocol="none", adapters=())


def test_block_weights_are_those_of_the_model() -> None:
    matrices = [p.numel() for name, p in GPT(MODEL).blocks[0].named_parameters() if name.endswith(".weight")]
    assert block_weights(MODEL) == sum(matrices)


def test_the_published_shape_takes_about_193_million_operations_per_token() -> None:
    assert training_flops(ModelConfig(), 1024) == pytest.approx(193e6, rel=0.01)


def test_an_unadapted_document_is_one_forward_pass() -> None:
    attention = 2 * 4 * 8 * 10 * 10 / 2
    expected = 2 * 10 * (2 * block_weights(MODEL) + 20 * 8) + attention
    assert document_flops(10, UNADAPTED, MODEL) == expected


def test_adapting_adds_a_backward_pass_to_every_chunk_but_the_last() -> None:
    still, moving = EvalConfig(chunk=4, window=8, adapters=()), EvalConfig(chunk=4, window=8)
    assert document_flops(4, moving, MODEL) == document_flops(4, still, MODEL)
    assert document_flops(4, still, MODEL) == document_flops(4, UNADAPTED, MODEL)
    assert document_flops(6, EvalConfig(min_document_tokens=8), MODEL) == document_flops(6, UNADAPTED, MODEL)
    backward = sum(2 * w * 2 * block_weights(MODEL) + 8 * 8 * 2 * w * w / 2 + 2 * 4 * 20 * 8 for w in (4, 8))
    assert document_flops(12, moving, MODEL) - document_flops(12, still, MODEL) == backward
    twice = EvalConfig(chunk=4, window=8, protocol="min-epoch", epochs=2)
    assert document_flops(12, twice, MODEL) == 2 * document_flops(12, moving, MODEL)
