"""The audit against a zoo of scorers: legal ones pass, leaky ones fail by name, and none crashes it."""

import itertools
import json
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from golf.audit import Finding, audit
from golf.audit.probes.betting_bound import mean_lower_bound
from golf.audit.probes.random_tokens import FIRST_SEEN, RANDOM_TOKENS
from golf.audit.probes.vocabulary import DECLARED, loss_scale, probe_order
from golf.audit.scorer.documents import make_document
from golf.audit.scorer.engine import EngineScorer
from golf.audit.scorer.precision import Precision, half_spacing, is_noise, significant_bits
from golf.audit.stored import find_contradictions
from golf.audit.verdict import has_enough_complete_sums
from golf.errors import InputError
from golf.model.gpt import GPT, ModelConfig
from golf.presets import EVAL_PRESETS
from golf.ttt.engine import EvalConfig
from tests.golf import zoo
from tests.golf.zoo import VOCAB, bigram, conditions, each, judge

TINY = ModelConfig(
    num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, vocab_size=VOCAB,
    bigram_buckets=32, bigram_dim=8, rope_length=64,
)  # fmt: skip


@pytest.mark.parametrize("name", zoo.LEGAL)
def test_legal_scorers_pass(name: str) -> None:
    certificate = judge(zoo.LEGAL[name](), seconds=0.6)
    assert certificate.passed, certificate.findings
    assert certificate.findings == ()


@pytest.mark.parametrize("name", zoo.LENGTH)
def test_a_scorer_that_depends_on_the_length_passes_with_a_length_finding(name: str) -> None:
    certificate = judge(zoo.LENGTH[name](), seconds=0.6)
    assert certificate.passed
    (finding,) = certificate.findings
    assert finding.condition == "length"
    assert finding.measured > 0.01
    assert 0 < certificate.length_effect < 0.005
    assert "nats/token" in finding.detail


@pytest.mark.parametrize("name", zoo.LENGTH_BREACH)
def test_a_length_that_changes_scores_by_more_than_the_margin_is_a_breach(name: str) -> None:
    certificate = judge(zoo.LENGTH_BREACH[name](), seconds=0.6)
    assert conditions(certificate.findings) == {"length"}
    assert certificate.judged and not certificate.passed
    assert certificate.length_effect > 0.005
    assert "(0.005 is allowed)" in certificate.findings[0].detail
    stored = json.loads(json.dumps(certificate.to_json()))
    assert find_contradictions(stored) == []
    assert "says passed: True" in find_contradictions(stored | {"passed": True})[0]


@pytest.mark.parametrize("name", [*zoo.LEAKY, *zoo.BROKEN])
def test_leaky_and_broken_scorers_fail_by_name(name: str) -> None:
    leaky = (zoo.LEAKY | zoo.BROKEN)[name]
    certificate = judge(leaky.make(), seconds=3.0)
    broken = conditions(certificate.findings)
    assert not certificate.passed
    assert leaky.all_of <= broken, certificate.findings
    assert not leaky.any_of or leaky.any_of & broken, certificate.findings
    assert all(np.isfinite(finding.measured) for finding in certificate.findings)


@pytest.mark.parametrize("period", [4, 6, 7, 18, 37])
def test_losses_that_vary_between_identical_calls_are_reported_as_nothing_else(period: int) -> None:
    certificate = judge(zoo.Intermittent(period), seconds=3.0)
    assert conditions(certificate.findings) == {"nondeterminism"}, certificate.findings
    assert certificate.findings[0].measured == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["score first", "loss scaled by 0.98", "last epoch", "state over the list"])
def test_given_documents_are_audited_under_their_own_numbers(name: str) -> None:
    rng = np.random.default_rng(5)
    given = [make_document(length, VOCAB, rng).astype(np.uint16) for length in (2, 150, 37, 600, 41, 1400)]
    make = zoo.LEGAL.get(name) or zoo.LEAKY[name].make
    certificate = judge(make(), documents=given, seconds=2.0)
    judged = certificate.placement["documents"]["judged"]
    assert {entry["document"] for entry in judged if entry["origin"] == "given"} >= {0, 1, 3}
    assert all(entry["tokens"] == len(given[entry["document"]]) for entry in judged if entry["origin"] == "given")
    assert all(entry["document"] >= len(given) for entry in judged if entry["origin"] != "given")
    assert certificate.passed == (name in zoo.LEGAL)


def test_very_long_documents_are_audited() -> None:
    given = [make_document(length, VOCAB, np.random.default_rng(length)) for length in (2700, 9000)]
    certificate = judge(each(bigram), documents=given, seconds=3.0)
    assert certificate.passed, certificate.findings


def test_a_hanging_scorer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golf.audit.auditor.MIN_CALL_SECONDS", 0.2)
    certificate = audit(zoo.hangs, vocab_size=VOCAB, seconds=0.2)  # returns at all
    assert not certificate.passed
    assert "no answer within 0.2 s" in certificate.findings[0].detail


def test_a_budget_that_is_too_small_does_not_pass() -> None:
    certificate = judge(each(bigram), seconds=0.01, token_seconds=1e-3)
    assert certificate.findings == ()
    assert not certificate.judged
    assert not certificate.passed
    assert certificate.placement["not_probed"]


@pytest.mark.parametrize("name", [*zoo.WIDE_LEGAL, *zoo.WIDE_LEAKY])
def test_a_slow_scorer_gets_one_complete_vocabulary_sum(name: str) -> None:
    slow = {"vocab_size": zoo.WIDE, "seconds": 20.0, "document_seconds": 0.01}
    make = zoo.WIDE_LEGAL.get(name) or zoo.WIDE_LEAKY[name].make
    certificate = judge(make(), **slow)
    assert certificate.judged
    assert any(probe.complete for probe in certificate.sums)
    assert conditions(certificate.findings) == (set() if name in zoo.WIDE_LEGAL else {"C2"})


def test_a_scorer_too_slow_for_any_complete_sum_does_not_pass() -> None:
    certificate = judge(zoo.WIDE_LEGAL["wide"](), vocab_size=zoo.WIDE, seconds=20.0, document_seconds=0.5)
    assert (certificate.judged, certificate.passed, certificate.findings) == (False, False, ())
    assert any("over all 1024 tokens, which takes 5" in skipped for skipped in certificate.placement["not_probed"])


def test_in_half_precision_one_complete_sum_is_not_enough() -> None:
    probe = judge(zoo.LEGAL["uniform"](), seconds=0.3).sums[0]
    fine, rough = Precision(bits=24, coarse=False), Precision(bits=16, coarse=True)
    assert has_enough_complete_sums([replace(probe, complete=True)], fine)
    assert not has_enough_complete_sums([replace(probe, complete=False)], fine)
    assert not has_enough_complete_sums([replace(probe, complete=True)], rough)
    assert has_enough_complete_sums([replace(probe, complete=True)] * 2, rough)


def test_more_budget_probes_more_places() -> None:
    few = judge(each(zoo.mixture), seconds=0.3)
    more = judge(each(zoo.mixture), seconds=1.2)
    assert len(more.sums) > len(few.sums)
    assert few.placement["budget"]["seconds"] == 0.3


def test_the_gain_of_the_original_methods_is_measured() -> None:
    """A score taken after learning its target shows as a vocabulary sum far above 1."""
    certificate = judge(zoo.LEAKY["last epoch"].make(), seconds=2.0)
    complete = [probe for probe in certificate.sums if probe.tokens == VOCAB]
    assert complete
    documents = {entry["document"] for entry in certificate.placement["documents"]["judged"]}
    assert {probe.document for probe in complete} <= documents
    worst = max(complete, key=lambda probe: probe.total)
    (finding,) = [finding for finding in certificate.findings if finding.condition == "C3"]
    assert finding.measured == worst.total > 1.5


def test_a_declared_distribution_is_used_and_a_false_one_is_detected() -> None:
    honest = judge(zoo.Declares(), seconds=0.6)
    declared = [probe for probe in honest.comparisons if probe.kind == DECLARED]
    assert declared and not any(probe.exceeds_tolerance for probe in declared)
    lying = judge(zoo.Declares(lie=0.02), seconds=0.6)
    assert any(probe.exceeds_tolerance for probe in lying.comparisons if probe.kind == DECLARED)


def test_the_certificate_is_plain_json_with_every_field_of_a_finding() -> None:
    certificate = judge(zoo.LEAKY["last epoch"].make(), seconds=1.0)
    content = json.loads(json.dumps(certificate.to_json(), allow_nan=False))
    assert content["passed"] is False
    assert {"condition", "document", "position", "measured", "detail"} == content["findings"][0].keys()
    assert content["probes"]["vocabulary"] and content["probes"]["future"] and content["probes"]["context"]
    assert content["probes"]["not_probed"] is not None
    finding = Finding(condition="C1", document=0, position=3, measured=0.5, detail="…")
    assert (finding.condition, finding.document, finding.position, finding.measured) == ("C1", 0, 3, 0.5)


def test_the_effect_of_length_is_given_in_bits_per_byte_if_the_text_is_known() -> None:
    given = [make_document(length, VOCAB, np.random.default_rng(length)) for length in (2, 40, 150, 600)]
    scorer = zoo.LENGTH_BREACH["weight by length"]
    certificate = judge(scorer(), documents=given, seconds=0.6, decode=lambda tokens: "four" * len(tokens))
    (finding,) = certificate.findings
    match = re.search(r"([\d.e-]+) nats/token .*, ([\d.e-]+) bits/token, ([\d.e-]+) BPB$", finding.detail)
    assert match is not None
    nats, bits, bpb = map(float, match.groups())
    assert nats == pytest.approx(
        max(abs(probe.mean) for probe in certificate.changes if probe.exceeds_tolerance), rel=0.01
    )
    assert bits == pytest.approx(nats / math.log(2), rel=0.01)
    assert bpb == pytest.approx(bits / 4, rel=0.05)
    (without_text,) = judge(scorer(), documents=given, seconds=0.6).findings
    assert without_text.detail.endswith("bits/token")


def test_the_same_seed_judges_the_same_documents() -> None:
    def documents(seed: int) -> list[tuple[int, ...]]:
        seen: list[tuple[int, ...]] = []

        def scorer(given: list[Any]) -> Any:
            seen.extend(tuple(document.tolist()) for document in given)
            return each(bigram)(given)

        judge(scorer, seconds=0.3, seed=seed)
        return seen[:5]

    assert documents(1) == documents(1) != documents(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocab_size": 1}, "vocab_size = 1"),
        ({"seconds": 0.0}, "seconds = 0"),
        ({"seconds": math.inf}, "seconds = inf: must be above 0, and finite"),
        ({"seconds": math.nan}, "seconds = nan"),
        ({"documents": []}, "no documents"),
        ({"documents": [np.array([1])]}, "document 0"),
        ({"documents": [np.array([1, 2]), np.array([1, VOCAB])]}, "document 1: holds tokens 1 … 16"),
        ({"documents": [np.array([1.0, 2.0])]}, "expected integers"),
    ],
)
def test_invalid_arguments_are_input_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        audit(each(bigram), **({"vocab_size": VOCAB} | arguments))


def test_a_scorer_must_be_callable() -> None:
    with pytest.raises(InputError, match="not callable"):
        audit(3, vocab_size=VOCAB)  # type: ignore[arg-type]


def test_a_vocabulary_of_two_tokens() -> None:
    half = each(lambda document: np.full(len(document) - 1, np.log(2.0)))
    assert judge(half, vocab_size=2, seconds=0.3).passed
    assert "C2" in conditions(
        judge(lambda documents: [0.98 * losses for losses in half(documents)], vocab_size=2, seconds=0.3).findings
    )


# The project's own engine


@pytest.fixture(scope="module")
def model() -> GPT:
    """A model with every parameter moved away from its initial value."""
    generator = torch.Generator().manual_seed(3)
    model = GPT(TINY)
    model.initialize(generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.requires_grad_(False)


def small(preset: str) -> EvalConfig:
    """A preset with all lengths divided by four, and two epochs at most."""
    config = TypeAdapter(EvalConfig).validate_python(dict(EVAL_PRESETS[preset]))
    least, epochs = config.min_document_tokens // 4, min(2, config.epochs)
    return replace(config, chunk=config.chunk // 4, window=config.window // 4, min_document_tokens=least, epochs=epochs)


def test_on_a_clock_that_counts_work_an_audit_is_repeatable(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golf.audit.reference.LENGTHS", (2, 40, 150))
    monkeypatch.setattr("golf.audit.reference.MORE_LENGTHS", ())
    certificates = []
    for slow in (False, True):
        scorer = EngineScorer(model, small("score-first"))
        if slow:
            monkeypatch.setattr("golf.audit.auditor.time.monotonic", itertools.count(0.0, 100.0).__next__)
        certificates.append(audit(scorer, vocab_size=VOCAB, seconds=0.3, clock=scorer.clock).to_json())
    assert certificates[0] == certificates[1]


# Precision and order of positions


def test_significant_bits_and_spacing_are_those_of_the_formats() -> None:
    values = np.random.default_rng(0).uniform(0.1, 9.0, 500)
    assert significant_bits(values.astype(np.float32).astype(np.float64)).max() == 24
    assert significant_bits(values.astype(np.float16).astype(np.float64)).max() == 11
    assert significant_bits(zoo.to_bfloat16(values).astype(np.float64)).max() == 8
    np.testing.assert_array_equal(
        half_spacing(values.astype(np.float32).astype(np.float64), 24),
        np.spacing(values.astype(np.float32)).astype(np.float64) / 2,
    )


def test_noise_has_no_direction_and_affects_many_tokens() -> None:
    rng = np.random.default_rng(0)
    nll, noise = np.full(400, 3.0), rng.normal(0, 0.005, 400)
    assert is_noise(noise, nll)
    assert not is_noise(noise + 0.005, nll)  # has a direction
    assert not is_noise(np.where(np.arange(400) == 7, 0.05, 0.0), nll)  # a single token
    assert not is_noise(40 * noise, nll)  # too large


def test_noise_passes_on_an_accelerator_and_is_noted_in_the_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("golf.audit.scorer.checked_scorer.uses_accelerator", lambda: True)
    certificate = judge(zoo.LEAKY["normal noise of 0.001"].make(), seconds=0.6)
    assert certificate.passed, certificate.findings
    noise = certificate.placement["precision"]["noise"]
    assert 0.001 < noise < 0.01
    assert (
        f"differences below {noise:.2g} nats, which equal losses show between calls"
        in certificate.placement["not_probed"]
    )


@pytest.mark.parametrize("scale", [0.5, 0.98, 1.0, 1.02])
def test_the_scale_of_a_loss_is_measured(scale: float) -> None:
    p_V = np.random.default_rng(0).dirichlet(np.ones(50))
    assert loss_scale(-scale * np.log(p_V)) == pytest.approx(scale, abs=1e-6)


@pytest.mark.parametrize("size", [2, 3, 5, 64, 300])
def test_the_probe_order_has_every_position_once_and_starts_with_chunk_ends(size: int) -> None:
    order = probe_order(size, np.random.default_rng(0))
    assert sorted(order) == list(range(1, size))
    assert order[0] == size - 1
    if size == 300:
        assert {256, 257, 128, 129, 1} <= set(order[:20])


# Random tokens


@given(
    values=st.lists(st.floats(0.0, 20.0), min_size=2, max_size=6),
    weights=st.lists(st.integers(1, 9), min_size=6, max_size=6),
    seed=st.integers(0, 9),
)
def test_the_lower_bound_hardly_ever_exceeds_the_mean(values: list[float], weights: list[int], seed: int) -> None:
    share = np.array(weights[: len(values)], float) / sum(weights[: len(values)])
    mean = float(share @ values)
    draws = np.random.default_rng(seed).choice(values, (50, 24), p=share)
    assert all(mean_lower_bound(row) <= mean + 1e-9 for row in draws)


def test_the_lower_bound_is_tight_for_equal_draws() -> None:
    assert 1.1 < mean_lower_bound(np.array([2.0] * 24)) < 2.0
    assert mean_lower_bound(np.full(100_000, 3.0)) == pytest.approx(3.0, rel=0.01)
    assert mean_lower_bound(np.zeros(24)) < 1e-15


@pytest.mark.parametrize(("losses", "better"), [(math.log(16.0), False), (math.log(16.0) - 0.2, True)])
def test_predicting_random_tokens_better_than_chance_is_detected(losses: float, better: bool) -> None:
    certificate = judge(each(lambda document: np.full(len(document) - 1, losses)), seconds=0.3)
    (probe,) = (probe for probe in certificate.comparisons if probe.kind == RANDOM_TOKENS)
    assert probe.exceeds_tolerance is better
    assert probe.mean == pytest.approx(math.log(16.0) - losses, abs=1e-6)


def test_the_gain_of_a_remembered_first_continuation_is_measured() -> None:
    certificate = judge(zoo.LEAKY["strongly favors the first continuation"].make(), seconds=1.0)
    (probe,) = (probe for probe in certificate.comparisons if probe.kind == FIRST_SEEN)
    assert probe.exceeds_tolerance
    assert 4.0 < probe.mean < 7.0  # the mean of log((0.1 p + 0.9) / 0.1 p′) over random tokens
