"""Leaks that hide from a few calls on a few documents, and odd scorers that hide nothing."""

import copy
import json
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from golf.audit import Certificate, audit
from golf.audit.auditor import BEYOND_REACH
from golf.audit.probes.second_process import SECOND_PROCESS
from golf.audit.scorer.documents import make_document
from golf.audit.stored import find_contradictions
from tests.golf import zoo
from tests.golf.zoo import VOCAB, bigram, conditions, each, judge
from tests.golf.zoo.model import Floats, Scorer, Tokens
from tests.golf.zoo.timed import TOKEN_SECONDS, Timed


class FirstCall:
    """Learns pairs of tokens from its first call, and keeps still afterwards."""

    def __init__(self, learns: bool = True) -> None:
        self.learns, self.counts_VV = learns, np.ones((VOCAB, VOCAB))
        self.called = False

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        if not self.called and self.learns:
            for document in documents:
                np.add.at(self.counts_VV, (document[:-1], document[1:]), 1.0)
        self.called = True
        p_VV = self.counts_VV / self.counts_VV.sum(axis=1, keepdims=True)
        return [-np.log(p_VV[document[:-1], document[1:]]) for document in documents]


def with_restart(scorer: Any, seconds: float = 0.6) -> Certificate:
    """An audit with a second scorer, which is a copy of the first before its first call."""
    timed, fresh = Timed(scorer, TOKEN_SECONDS, 0.0), copy.deepcopy(scorer)
    return audit(timed, vocab_size=VOCAB, seconds=seconds, clock=timed.clock, restart=lambda: nullcontext(fresh))


def test_a_scorer_that_learns_from_its_first_call_is_caught_by_another_first_call() -> None:
    alone = judge(FirstCall(), seconds=0.6)
    assert alone.passed and "a second process, whose first call is another one" in alone.placement["not_probed"]
    certificate = with_restart(FirstCall())
    assert conditions(certificate.findings) == {"cross-document"}
    assert "in a second process, whose first call was another one" in certificate.findings[0].detail
    assert find_contradictions(json.loads(json.dumps(certificate.to_json()))) == []


@pytest.mark.parametrize(
    "name", ["score first", "declared ordered state", "bfloat16 logits", "float32 in padded batches"]
)
def test_a_legal_scorer_is_the_same_in_a_second_process(name: str) -> None:
    certificate = with_restart(zoo.LEGAL[name]())
    assert certificate.passed, certificate.findings
    assert SECOND_PROCESS in {comparison.kind for comparison in certificate.comparisons}


def from_place(first: int, odd: Any, usual: Any = bigram) -> Scorer:
    """Scores the documents from some place of a list on in another way."""
    return lambda documents: [(odd if place >= first else usual)(d) for place, d in enumerate(documents)]


def two_passes(document: Tokens) -> Floats:
    counts_VV = np.ones((VOCAB, VOCAB))
    np.add.at(counts_VV, (document[:-1], document[1:]), 3.0)
    p_VV = counts_VV / counts_VV.sum(axis=1, keepdims=True)
    return -np.log(p_VV[document[:-1], document[1:]])


@pytest.mark.parametrize("first", [60, 300, 3000])
@pytest.mark.parametrize("odd", [two_passes, lambda document: 0.98 * bigram(document), lambda d: np.zeros(d.size - 1)])
def test_what_a_list_does_from_some_place_on_shows_in_thousands_of_documents(first: int, odd: Any) -> None:
    certificate = judge(from_place(first, odd), seconds=8.0)
    assert "cross-document" in conditions(certificate.findings), certificate.findings
    assert not certificate.passed


def test_what_long_lists_do_everywhere_shows_against_a_short_list() -> None:
    scorer: Scorer = lambda documents: [  # noqa: E731
        (two_passes if len(documents) > 1000 else bigram)(document) for document in documents
    ]
    assert "cross-document" in conditions(judge(scorer, seconds=8.0).findings)


def test_a_list_that_costs_too_much_is_shorter_and_the_certificate_says_so() -> None:
    certificate = judge(each(bigram), seconds=1.0, document_seconds=1e-3)
    assert any(skipped.endswith("documents in one call") for skipped in certificate.placement["not_probed"])


def test_a_constant_deficit_gives_nothing_away() -> None:
    padded = judge(each(lambda document: bigram(document) - np.log(0.985)), seconds=0.6)
    assert padded.passed, padded.findings
    assert padded.findings == ()
    [note] = padded.placement["notes"]
    assert note.startswith("probabilities sum to 0.985 everywhere")
    assert judge(each(bigram), seconds=0.6).placement["notes"] == []


def lacks(share: float) -> Scorer:
    """Loses a share of its probability after odd tokens."""
    return each(lambda document: bigram(document) - np.log(1 - share) * (document[:-1] % 2))


def test_a_deficit_may_vary_with_the_context() -> None:
    certificate = judge(lacks(0.02), seconds=0.6)
    assert certificate.passed, certificate.findings
    [note] = certificate.placement["notes"]
    assert note.startswith("probabilities sum to 0.98 to 1: ")
    assert find_contradictions(json.loads(json.dumps(certificate.to_json()))) == []


@pytest.mark.parametrize(
    "scorer",
    [
        each(lambda document: bigram(document) + np.log(0.985)),  # an excess
        lacks(0.1),  # no full distribution
        each(lambda document: 1.01 * bigram(document)),  # a scaled loss
        each(lambda document: bigram(document) + np.where(document[:-1] % 2, 0.03, -0.01)),  # gains elsewhere
        each(lambda document: bigram(document) + np.where(document[1:] % 2, 0.03, -0.06)),  # peeks at the target
    ],
    ids=["excess", "much", "scaled", "gains elsewhere", "peeks"],
)
def test_what_is_no_deficit_breaks_c2(scorer: Scorer) -> None:
    assert "C2" in conditions(judge(scorer, seconds=0.6).findings)


def test_more_seconds_probe_more_places() -> None:
    half = each(lambda document: np.full(document.size - 1, np.log(2.0)))
    few, more = (judge(half, vocab_size=2, seconds=seconds, token_seconds=1e-8) for seconds in (0.1, 0.3))
    assert len(more.sums) > 2 * len(few.sums)
    assert len(more.sums) > 600  # 451 were the end once
    for certificate, seconds in ((few, 0.1), (more, 0.3)):
        assert 0.8 * seconds < certificate.placement["budget"]["spent_seconds"] < 1.3 * seconds
        assert certificate.passed, certificate.findings


def test_when_all_positions_are_probed_there_are_more_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golf.audit.reference.LENGTHS", (2, 3, 110))
    monkeypatch.setattr("golf.audit.reference.MORE_LENGTHS", ())
    monkeypatch.setattr("golf.audit.reference.LONG_SHARE", 0.0)
    monkeypatch.setattr("golf.audit.second_round.FURTHER_TOKENS", (230, 300))
    late = each(lambda document: two_passes(document) if document.size > 220 else bigram(document))
    for scorer, leaks in ((each(bigram), False), (late, True)):
        certificate = judge(scorer, seconds=1.0, token_seconds=1e-6)
        judged = certificate.placement["documents"]["judged"]
        numbers = [document["document"] for document in judged]
        assert len(numbers) == len(set(numbers)) > 3
        assert certificate.passed != leaks, certificate.findings


def test_every_audit_has_eight_whole_sums_where_its_budget_allows() -> None:
    uniform = each(lambda document: np.full(document.size - 1, np.log(zoo.WIDE)))
    certificate = judge(uniform, vocab_size=zoo.WIDE, seconds=20.0)
    places = {(probe.document, probe.position) for probe in certificate.sums if probe.complete}
    assert len(places) >= 8


def test_without_text_a_certificate_says_so() -> None:
    def knows_text(document: Tokens) -> Floats:
        return two_passes(document) if 7 in document[1:3] else bigram(document)

    given = [make_document(size, VOCAB, np.random.default_rng(size)) for size in (2, 3, 40, 150, 600)]
    made_up, on_text = judge(each(bigram), seconds=0.3), judge(each(bigram), seconds=0.3, documents=given)
    assert [one.placement["documents"]["text"] for one in (made_up, on_text)] == ["made up", "given"]
    text = [np.array([1, 7, *document[1:]]) for document in given]
    assert not judge(each(knows_text), seconds=2.0, documents=text).passed


def test_what_is_beyond_reach_is_said() -> None:
    certificate = judge(each(bigram), seconds=0.3)
    calls = certificate.placement["budget"]["calls"]
    assert any(
        skipped.startswith(BEYOND_REACH) and skipped.endswith(f"{calls} calls")
        for skipped in certificate.placement["not_probed"]
    )


class Memo:
    """Keeps the losses of every document that it has scored, by all of its tokens."""

    def __init__(self, by_start: int | None = None) -> None:
        self.by_start, self.known = by_start, dict[bytes, Floats]()

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        return [self._score(document) for document in documents]

    def _score(self, document: Tokens) -> Floats:
        key = document[: self.by_start].tobytes() + bytes([document.size % 251])
        if key not in self.known or self.known[key].size != document.size - 1:
            self.known[key] = bigram(document)
        return self.known[key].copy()


class LoadsLate:
    """Makes its tables in its first call, always the same."""

    def __init__(self) -> None:
        self.shift: float | None = None

    def __call__(self, documents: list[Tokens]) -> list[Floats]:
        self.shift = 0.0 if self.shift is None else self.shift
        return [bigram(document) + self.shift for document in documents]


def longest_first(documents: list[Tokens]) -> list[Floats]:
    order = sorted(range(len(documents)), key=lambda place: -documents[place].size)
    losses = {place: bigram(documents[place]) for place in order}
    return [losses[place] for place in range(len(documents))]


ODD_BUT_LEGAL: dict[str, Any] = {
    "remembers equal documents": Memo,
    "loads in its first call": LoadsLate,
    "scores the longest first": lambda: longest_first,
    "lacks a hundredth": lambda: each(lambda document: bigram(document) - np.log(0.99)),
}
ODD_AND_LEAKY: dict[str, Any] = {
    "remembers documents by their start": lambda: Memo(by_start=20),
    "learns from its first call": FirstCall,
    "gives later documents of a list less": lambda: from_place(300, lambda document: 0.9 * bigram(document)),
    "certain of the end": zoo.LENGTH_BREACH["certain of the end"],
}


@pytest.mark.parametrize("name", ODD_BUT_LEGAL)
def test_unusual_legal_scorers_pass(name: str) -> None:
    certificate = with_restart(ODD_BUT_LEGAL[name](), seconds=2.0)
    assert certificate.passed, certificate.findings
    assert certificate.findings == ()


@pytest.mark.parametrize("name", ODD_AND_LEAKY)
def test_unusual_leaky_scorers_do_not(name: str) -> None:
    assert not with_restart(ODD_AND_LEAKY[name](), seconds=8.0).passed
