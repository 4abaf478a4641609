"""The audit against a zoo of scorers: the legal pass, the leaky are refused by name, and nothing crashes it."""

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
from golf.audit.probes.chance import DRAWN, FIRST_SEEN, least_mean
from golf.audit.probes.vocabulary import OFFERED, loss_scale, places
from golf.audit.scorer.documents import make_up
from golf.audit.scorer.engine import EngineScorer
from golf.audit.scorer.precision import Precision, half_spacing, is_noise, significant_bits
from golf.audit.verdict import added_up
from golf.errors import InputError
from golf.model.gpt import GPT, ModelConfig
from golf.presets import EVAL_PRESETS
from golf.score_ledger import legality, score_ledgers
from golf.ttt.engine import EvalConfig, evaluate
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
def test_a_scorer_that_looks_at_the_length_passes_with_a_finding_that_says_so(name: str) -> None:
    certificate = judge(zoo.LENGTH[name](), seconds=0.6)
    assert certificate.passed
    (finding,) = certificate.findings
    assert finding.condition == "length"
    assert finding.measured > 0.01
    assert "nats/token" in finding.detail


@pytest.mark.parametrize("name", [*zoo.LEAKY, *zoo.BROKEN])
def test_leaky_and_broken_scorers_are_refused_by_name(name: str) -> None:
    leaky = (zoo.LEAKY | zoo.BROKEN)[name]
    certificate = judge(leaky.make(), seconds=3.0)
    found = conditions(certificate.findings)
    assert not certificate.passed
    assert leaky.all_of <= found, certificate.findings
    assert not leaky.any_of or leaky.any_of & found, certificate.findings
    assert all(np.isfinite(finding.measured) for finding in certificate.findings)


@pytest.mark.parametrize("period", [4, 6, 7, 18, 37])
def test_what_moves_without_a_change_is_no_evidence_of_anything_else(period: int) -> None:
    certificate = judge(zoo.NowAndThen(period), seconds=3.0)
    assert conditions(certificate.findings) == {"nondeterminism"}, certificate.findings
    assert certificate.findings[0].measured == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["score first", "loss scaled by 0.98", "last epoch", "state over the list"])
def test_documents_given_are_judged_and_numbered_as_given(name: str) -> None:
    rng = np.random.default_rng(5)
    given = [make_up(length, VOCAB, rng).astype(np.uint16) for length in (2, 150, 37, 600, 41, 1400)]
    make = zoo.LEGAL.get(name) or zoo.LEAKY[name].make
    certificate = judge(make(), documents=given, seconds=2.0)
    judged = certificate.placement["documents"]["judged"]
    assert {one["document"] for one in judged if one["origin"] == "given"} >= {0, 1, 3}
    assert all(one["tokens"] == len(given[one["document"]]) for one in judged if one["origin"] == "given")
    assert all(one["document"] >= len(given) for one in judged if one["origin"] != "given")
    assert certificate.passed == (name in zoo.LEGAL)


def test_documents_longer_than_any_that_is_wanted_are_judged_too() -> None:
    given = [make_up(length, VOCAB, np.random.default_rng(length)) for length in (2700, 9000)]
    certificate = judge(each(bigram), documents=given, seconds=3.0)
    assert certificate.passed, certificate.findings


def test_a_hanging_scorer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golf.audit.auditor.LEAST_CALL_SECONDS", 0.2)
    certificate = audit(zoo.hangs, vocab_size=VOCAB, seconds=0.2)  # returns at all
    assert not certificate.passed
    assert "no answer within 0.2 s" in certificate.findings[0].detail


def test_too_small_a_budget_is_no_pass() -> None:
    certificate = judge(each(bigram), seconds=0.01, token_seconds=1e-3)
    assert certificate.findings == ()
    assert not certificate.judged
    assert not certificate.passed
    assert certificate.placement["not_probed"]


@pytest.mark.parametrize("name", [*zoo.WIDE_LEGAL, *zoo.WIDE_LEAKY])
def test_a_slow_scorer_has_one_vocabulary_added_up_all_the_same(name: str) -> None:
    slow = {"vocab_size": zoo.WIDE, "seconds": 20.0, "document_seconds": 0.01}
    make = zoo.WIDE_LEGAL.get(name) or zoo.WIDE_LEAKY[name].make
    certificate = judge(make(), **slow)
    assert certificate.judged
    assert any(one.complete for one in certificate.sums)
    assert conditions(certificate.findings) == (set() if name in zoo.WIDE_LEGAL else {"C2"})


def test_a_scorer_too_slow_for_any_complete_sum_does_not_pass() -> None:
    certificate = judge(zoo.WIDE_LEGAL["wide"](), vocab_size=zoo.WIDE, seconds=20.0, document_seconds=0.5)
    assert (certificate.judged, certificate.passed, certificate.findings) == (False, False, ())
    assert any("over all 1024 tokens, which takes 5" in left for left in certificate.placement["not_probed"])


def test_in_half_precision_one_complete_sum_is_not_enough() -> None:
    one = judge(zoo.LEGAL["uniform"](), seconds=0.3).sums[0]
    fine, rough = Precision(bits=24, coarse=False), Precision(bits=16, coarse=True)
    assert added_up([replace(one, complete=True)], fine)
    assert not added_up([replace(one, complete=False)], fine)
    assert not added_up([replace(one, complete=True)], rough)
    assert added_up([replace(one, complete=True)] * 2, rough)


def test_more_budget_probes_more_places() -> None:
    few = judge(each(zoo.mixture), seconds=0.3)
    more = judge(each(zoo.mixture), seconds=1.2)
    assert len(more.sums) > len(few.sums)
    assert few.placement["budget"]["seconds"] == 0.3


def test_what_the_original_methods_steal_is_measured() -> None:
    """The sum at an entry is what the scorer's own probabilities add up to, computed here without the audit."""
    certificate = judge(zoo.LEAKY["last epoch"].make(), seconds=2.0)
    complete = [one for one in certificate.sums if one.tokens == VOCAB]
    assert complete
    documents = {one["document"]: one["tokens"] for one in certificate.placement["documents"]["judged"]}
    assert {one.document for one in complete} <= documents.keys()
    worst = max(complete, key=lambda one: one.total)
    (finding,) = [one for one in certificate.findings if one.condition == "C3"]
    assert finding.measured == worst.total > 1.5


def test_an_offered_distribution_saves_calls_and_a_false_one_is_found() -> None:
    honest = judge(zoo.Offers(), seconds=0.6)
    offered = [one for one in honest.contexts if one.kind == OFFERED]
    assert offered and not any(one.beyond for one in offered)
    lying = judge(zoo.Offers(lie=0.02), seconds=0.6)
    assert any(one.beyond for one in lying.contexts if one.kind == OFFERED)


def test_the_certificate_is_plain_json_with_every_field_of_a_finding() -> None:
    certificate = judge(zoo.LEAKY["last epoch"].make(), seconds=1.0)
    content = json.loads(json.dumps(certificate.to_json(), allow_nan=False))
    assert content["passed"] is False
    assert {"condition", "document", "position", "measured", "detail"} == content["findings"][0].keys()
    assert content["probes"]["vocabulary"] and content["probes"]["future"] and content["probes"]["context"]
    assert content["probes"]["not_probed"] is not None
    finding = Finding(condition="C1", document=0, position=3, measured=0.5, detail="…")
    assert (finding.condition, finding.document, finding.position, finding.measured) == ("C1", 0, 3, 0.5)


def test_what_the_length_does_is_told_in_bits_per_byte_where_text_is_known() -> None:
    given = [make_up(length, VOCAB, np.random.default_rng(length)) for length in (2, 40, 150, 600)]
    scorer = zoo.LENGTH["weight by length"]
    certificate = judge(scorer(), documents=given, seconds=0.6, decode=lambda tokens: "four" * len(tokens))
    (finding,) = certificate.findings
    found = re.search(r"([\d.e-]+) nats/token .*, ([\d.e-]+) bits/token, ([\d.e-]+) BPB$", finding.detail)
    assert found is not None
    nats, bits, bpb = map(float, found.groups())
    assert nats == pytest.approx(max(abs(one.mean) for one in certificate.changes if one.beyond), rel=0.01)
    assert bits == pytest.approx(nats / math.log(2), rel=0.01)
    assert bpb == pytest.approx(bits / 4, rel=0.05)
    (untold,) = judge(scorer(), documents=given, seconds=0.6).findings
    assert untold.detail.endswith("bits/token")


def test_the_same_seed_judges_the_same_documents() -> None:
    def documents(seed: int) -> list[tuple[int, ...]]:
        seen: list[tuple[int, ...]] = []

        def scorer(given: list[Any]) -> Any:
            seen.extend(tuple(one.tolist()) for one in given)
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
def test_impossible_arguments_are_the_callers_error(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        audit(each(bigram), **({"vocab_size": VOCAB} | arguments))


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(InputError, match="not callable"):
        audit(3, vocab_size=VOCAB)  # type: ignore[arg-type]


def test_two_tokens_are_a_vocabulary() -> None:
    half = each(lambda document: np.full(len(document) - 1, np.log(2.0)))
    assert judge(half, vocab_size=2, seconds=0.3).passed
    assert "C2" in conditions(judge(lambda ds: [0.98 * one for one in half(ds)], vocab_size=2, seconds=0.3).findings)


# The project's own engine


@pytest.fixture(scope="module")
def model() -> GPT:
    """A model whose every parameter is moved away from its start."""
    generator = torch.Generator().manual_seed(3)
    model = GPT(TINY)
    model.initialize(generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.requires_grad_(False)


def small(preset: str) -> EvalConfig:
    """A preset with lengths a quarter of its own, and two epochs at most."""
    config = TypeAdapter(EvalConfig).validate_python(dict(EVAL_PRESETS[preset]))
    least, epochs = config.min_document_tokens // 4, min(2, config.epochs)
    return replace(config, chunk=config.chunk // 4, window=config.window // 4, min_document_tokens=least, epochs=epochs)


@pytest.mark.parametrize(
    ("preset", "passed", "expected"),
    [
        ("score-first", True, set()),
        ("lora-ttt", True, {"length"}),
        ("deepquant-596", False, {"C1", "C2", "C3", "C4"}),
        ("chimera-611", False, {"C1", "C2", "C3", "C4"}),
        ("klora-minnll-614", False, {"C1", "C2", "C3", "C4"}),
    ],
)
def test_the_engines_presets_are_judged_by_what_they_do(
    model: GPT, preset: str, passed: bool, expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golf.audit.scorer.documents.LENGTHS", (2, 40, 150, 300))
    monkeypatch.setattr("golf.audit.scorer.documents.MORE_LENGTHS", ())
    scorer = EngineScorer(model, small(preset), seed=1)
    certificate = audit(scorer, vocab_size=VOCAB, seconds=2.0, clock=scorer.clock)
    assert certificate.passed == passed, certificate.findings
    assert conditions(certificate.findings) == expected, certificate.findings
    # The engine's own ledger says the same of where scores are taken after training on their targets.
    document = np.random.default_rng(0).integers(1, VOCAB, 400)
    ledger = legality(score_ledgers(evaluate(model, [document], small(preset)), small(preset)))
    assert (ledger.tokens_seen > 0) == ("C3" in expected)


def test_on_a_clock_of_work_an_audit_is_the_same_every_time(model: GPT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golf.audit.scorer.documents.LENGTHS", (2, 40, 150))
    monkeypatch.setattr("golf.audit.scorer.documents.MORE_LENGTHS", ())
    found = []
    for slow in (False, True):
        scorer = EngineScorer(model, small("score-first"))
        if slow:
            monkeypatch.setattr("golf.audit.auditor.time.monotonic", itertools.count(0.0, 100.0).__next__)
        found.append(audit(scorer, vocab_size=VOCAB, seconds=0.3, clock=scorer.clock).to_json())
    assert found[0] == found[1]


# Precision and places


def test_significant_bits_and_spacing_are_those_of_the_formats() -> None:
    values = np.random.default_rng(0).uniform(0.1, 9.0, 500)
    assert significant_bits(values.astype(np.float32).astype(np.float64)).max() == 24
    assert significant_bits(values.astype(np.float16).astype(np.float64)).max() == 11
    assert significant_bits(zoo.to_bfloat16(values).astype(np.float64)).max() == 8
    np.testing.assert_array_equal(
        half_spacing(values.astype(np.float32).astype(np.float64), 24),
        np.spacing(values.astype(np.float32)).astype(np.float64) / 2,
    )


def test_noise_has_no_direction_and_is_everywhere() -> None:
    rng = np.random.default_rng(0)
    nll, noise = np.full(400, 3.0), rng.normal(0, 0.005, 400)
    assert is_noise(noise, nll)
    assert not is_noise(noise + 0.005, nll)  # leans
    assert not is_noise(np.where(np.arange(400) == 7, 0.05, 0.0), nll)  # one place
    assert not is_noise(40 * noise, nll)  # too much


def test_noise_is_let_pass_where_an_accelerator_may_have_made_it_and_the_certificate_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("golf.audit.scorer.black_box.on_accelerator", lambda: True)
    certificate = judge(zoo.LEAKY["normal noise of 0.001"].make(), seconds=0.6)
    assert certificate.passed, certificate.findings
    noise = certificate.placement["precision"]["noise"]
    assert 0.001 < noise < 0.01
    assert (
        f"differences of less than {noise:.2g} nats, by which equal scores differ"
        in (certificate.placement["not_probed"])
    )


@pytest.mark.parametrize("scale", [0.5, 0.98, 1.0, 1.02])
def test_a_scaled_loss_tells_its_scale(scale: float) -> None:
    p_V = np.random.default_rng(0).dirichlet(np.ones(50))
    assert loss_scale(-scale * np.log(p_V)) == pytest.approx(scale, abs=1e-6)


@pytest.mark.parametrize("size", [2, 3, 5, 64, 300])
def test_places_are_every_entry_once_the_ends_first(size: int) -> None:
    found = places(size, np.random.default_rng(0))
    assert sorted(found) == list(range(1, size))
    assert found[0] == size - 1
    if size == 300:
        assert {256, 257, 128, 129, 1} <= set(found[:20])


# Chance


@given(
    values=st.lists(st.floats(0.0, 20.0), min_size=2, max_size=6),
    weights=st.lists(st.integers(1, 9), min_size=6, max_size=6),
    seed=st.integers(0, 9),
)
def test_a_mean_is_hardly_ever_below_its_bound(values: list[float], weights: list[int], seed: int) -> None:
    share = np.array(weights[: len(values)], float) / sum(weights[: len(values)])
    mean = float(share @ values)
    draws = np.random.default_rng(seed).choice(values, (50, 24), p=share)
    assert all(least_mean(one) <= mean + 1e-9 for one in draws)


def test_the_bound_tells_much_from_few_draws_and_is_what_equal_draws_are() -> None:
    assert 1.1 < least_mean(np.array([2.0] * 24)) < 2.0
    assert least_mean(np.full(100_000, 3.0)) == pytest.approx(3.0, rel=0.01)
    assert least_mean(np.zeros(24)) < 1e-15


@pytest.mark.parametrize(("losses", "beyond"), [(math.log(16.0), False), (math.log(16.0) - 0.2, True)])
def test_random_tokens_told_better_than_chance_are_a_finding(losses: float, beyond: bool) -> None:
    certificate = judge(each(lambda document: np.full(len(document) - 1, losses)), seconds=0.3)
    (found,) = (one for one in certificate.contexts if one.kind == DRAWN)
    assert found.beyond is beyond
    assert found.mean == pytest.approx(math.log(16.0) - losses, abs=1e-6)


def test_what_was_seen_first_gains_by_as_much_as_is_remembered() -> None:
    certificate = judge(zoo.LEAKY["keeps to what it saw first"].make(), seconds=1.0)
    (found,) = (one for one in certificate.contexts if one.kind == FIRST_SEEN)
    # log of (0.1 p + 0.9) / 0.1 p′ on average over tokens drawn at random
    assert found.beyond
    assert 4.0 < found.mean < 7.0
