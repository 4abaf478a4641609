"""Audits of the engine in bfloat16: legal presets pass, published leaks do not, and rounding is told from a leak."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter

from golf.audit import own_precision
from golf.audit.audit_engine import audit_engine
from golf.audit.own_precision import MAX_DOCUMENT_MEAN_NATS, MAX_MEAN_NATS, measure_own_precision
from golf.audit.scorer.checked_scorer import Floats, Tokens
from golf.audit.scorer.engine import EngineScorer
from golf.model.gpt import GPT
from golf.presets import EVAL_PRESETS
from golf.ttt.config import EvalConfig
from sweeps.views.certificates import describe_verdict
from tests.golf.tiny import TINY, documents_of, tiny_model

LENGTHS = (24, 60, 150, 300)
VOCAB = 24
SMALL = replace(TINY, num_layers=2, vocab_size=VOCAB)
"""Half of the tiny model's tokens and two layers: whole vocabulary sums are most of what an audit costs here."""


@pytest.fixture(scope="module")
def model() -> GPT:
    return tiny_model(SMALL)


def documents(*lengths: int) -> list[Tokens]:
    return documents_of([*lengths], config=SMALL)


@pytest.fixture(autouse=True)
def _short_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golf.audit.reference.LENGTHS", (2, 40, 150, 300))
    monkeypatch.setattr("golf.audit.reference.MORE_LENGTHS", ())
    monkeypatch.setattr(own_precision, "LENGTHS", LENGTHS)


def small(preset: str) -> EvalConfig:
    """A preset with all lengths divided by four, and two epochs at most, in bfloat16."""
    config = TypeAdapter(EvalConfig).validate_python(dict(EVAL_PRESETS[preset]))
    least, epochs = config.min_document_tokens // 4, min(2, config.epochs)
    shorter = replace(config, chunk=config.chunk // 4, window=config.window // 4, min_document_tokens=least)
    return replace(shorter, epochs=epochs, precision="bfloat16")


LEAK = {"C1", "C2", "C3", "C4"}


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("none", {"length"}),
        ("score-first", set()),
        ("lora-ttt", {"length"}),
        ("deepquant-596", LEAK),
        ("chimera-611", LEAK),
        ("klora-minnll-614", LEAK),
    ],
)
def test_in_bfloat16_legal_presets_pass_and_published_leaks_do_not(model: GPT, preset: str, expected: set[str]) -> None:
    """The protocol is judged by its losses in float32, and again by a short pass in bfloat16."""
    seconds = 0.25 if expected == LEAK else 0.5  # a leak shows soon
    certificate = audit_engine(model, small(preset), documents(300, 150, 60, 40), seconds=seconds, seed=1)
    assert {finding.condition for finding in certificate.findings} == expected, certificate.findings
    assert certificate.passed == (expected != LEAK and certificate.length_effect <= 0.005), certificate.findings
    in_own_precision = {finding.condition for finding in certificate.findings if "in bfloat16" in finding.detail}
    assert in_own_precision == ({"C1"} if expected == LEAK else set()), certificate.findings
    rounding = certificate.to_json()["probes"]["own_precision"]
    assert rounding["precision"] == "bfloat16"
    assert 1e-5 < rounding["from_float32"]["largest"] < 1.0
    assert rounding["sum_error"] < 1e-5
    for deviation in rounding["deviations"][:3]:
        assert deviation["document_mean"] <= MAX_DOCUMENT_MEAN_NATS
        assert abs(deviation["mean"]) <= MAX_MEAN_NATS


def test_the_table_of_presets_is_complete() -> None:
    assert set(EVAL_PRESETS) == {
        "none", "score-first", "lora-ttt", "deepquant-596", "chimera-611", "klora-minnll-614"
    }  # fmt: skip


def test_in_float32_there_is_no_second_pass(model: GPT) -> None:
    config = replace(small("score-first"), precision="float32")
    certificate = audit_engine(model, config, documents(150, 60), seconds=0.1)
    assert "own_precision" not in certificate.to_json()["probes"]


def test_a_setting_of_precision_or_kernel_does_not_change_the_verdict_in_float32(model: GPT) -> None:
    given = documents(60, 40)
    config = small("score-first")
    exact = audit_engine(model, replace(config, precision="float32"), given, seconds=0.1)
    half = audit_engine(model, replace(config, attention="sdpa"), given, seconds=0.1)
    assert exact.sums == half.sums
    assert exact.changes == half.changes


Losses = list[Floats]


def _noisy(losses: Losses, documents: list[Tokens], rng: np.random.Generator) -> Losses:
    return [nll + rng.normal(0, 0.03, nll.size) for nll in losses]


def _better_in_company(losses: Losses, documents: list[Tokens], _: np.random.Generator) -> Losses:
    return [nll - 0.01 * (len(documents) > 1) for nll in losses]


def _drifting(losses: Losses, documents: list[Tokens], rng: np.random.Generator) -> Losses:
    shift = 0.1 * rng.random()
    return [nll + shift for nll in losses]


def _reads_the_last_token(losses: Losses, documents: list[Tokens], _: np.random.Generator) -> Losses:
    return [nll + 0.02 * (document[-1] / VOCAB) for nll, document in zip(losses, documents, strict=True)]


def _scaled(losses: Losses, documents: list[Tokens], _: np.random.Generator) -> Losses:
    return [0.98 * nll for nll in losses]


def _not_a_number(losses: Losses, documents: list[Tokens], _: np.random.Generator) -> Losses:
    return [nll * (np.nan if len(documents) == 1 else 1.0) for nll in losses]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_noisy, set()),
        (_better_in_company, {"cross-document"}),
        (_drifting, {"nondeterminism", "cross-document", "C1"}),
        (_reads_the_last_token, {"C1"}),
        (_scaled, {"C2"}),
        (_not_a_number, {"cross-document"}),
    ],
)
def test_noise_is_rounding_and_a_direction_is_a_finding(
    model: GPT, change: Callable[[Losses, list[Tokens], np.random.Generator], Losses], expected: set[str]
) -> None:
    config = replace(small("none"), precision="float32")
    scorer, rng = EngineScorer(model, config), np.random.default_rng(0)

    def own(documents: list[Tokens]) -> Losses:
        losses = [nll.astype(np.float64) for nll in scorer(documents)]
        summed = len(documents) == VOCAB and change is not _scaled  # only that one is about the sum
        return losses if summed else change(losses, documents, rng)

    result = measure_own_precision(scorer, own, "bfloat16", documents(300, 150, 60), vocab_size=VOCAB)
    conditions = {finding.condition for finding in result.findings}
    assert conditions == expected, result.findings


@pytest.mark.parametrize(("shift", "spread", "same"), [(0.04, 0.0, True), (0.06, 0.0, False), (0.0, 0.2, False)])
def test_what_differs_from_float32_by_more_than_rounding_is_not_what_was_judged(
    model: GPT, shift: float, spread: float, same: bool
) -> None:
    """A kernel with another mask, say, which float32 does not use: its calls may agree with each other."""
    config = replace(small("none"), precision="float32")
    scorer = EngineScorer(model, config)

    def own(documents: list[Tokens]) -> Losses:
        waves = [np.sin(np.arange(1, document.size)) for document in documents]
        return [nll + shift + spread * wave for nll, wave in zip(scorer(documents), waves, strict=True)]

    result = measure_own_precision(scorer, own, "bfloat16", documents(300, 150, 60), vocab_size=VOCAB)
    assert {finding.condition for finding in result.findings} <= {"C2"}
    assert result.same is same
    assert result.to_json()["same"] is same


def test_an_entry_that_computes_something_else_in_its_own_precision_does_not_pass(
    model: GPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_precision, "MAX_SIZE_NATS", 1e-9)
    certificate = audit_engine(model, small("score-first"), documents(150, 60), seconds=0.1)
    assert not certificate.findings
    assert not certificate.passed
    verdict = describe_verdict(certificate.to_json())
    assert verdict == "Not passed: its results in bfloat16 differ from those in float32, in which it was judged"
