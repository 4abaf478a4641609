"""Byte counts against the decoded text, and validation text that occurs in the training tokens."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from golf.audit import audit
from golf.audit.probes.byte_counts import check_byte_counts
from golf.audit.probes.overlap import WINDOW, overlaps
from golf.data.corpus import DemoData
from golf.data.tokens import Tokenizer, find_shards, read_stream, split_documents


@pytest.fixture(scope="module")
def tokenizer(demo: DemoData) -> Tokenizer:
    return Tokenizer(demo.tokenizer)


@pytest.fixture(scope="module")
def documents(demo: DemoData) -> list[Any]:
    return split_documents(read_stream(find_shards(demo.tokens, "val")))[:8]


def test_the_tokenizers_own_byte_counts_pass(tokenizer: Tokenizer, documents: list[Any]) -> None:
    counts = [tokenizer.byte_counts(document) for document in documents]
    assert check_byte_counts(documents, counts, tokenizer.decode) == []


def test_a_document_cut_inside_a_character_passes(tokenizer: Tokenizer) -> None:
    whole = np.array([1, *tokenizer.encode("a 🦉")])
    for size in range(2, len(whole) + 1):
        cut = whole[:size]
        assert check_byte_counts([cut], [tokenizer.byte_counts(cut)], tokenizer.decode) == []


@pytest.mark.parametrize("bug", ["space twice", "byte piece as three", "sentinels counted", "one missing", "negative"])
def test_byte_count_bugs_of_public_entries_are_detected(tokenizer: Tokenizer, documents: list[Any], bug: str) -> None:
    document = np.concatenate([documents[0], tokenizer.encode("🦉"), [1]])
    counts = tokenizer.byte_counts(document).copy()
    if bug == "space twice":
        counts += np.array([tokenizer.decode([token, token]).count(" ") for token in document[1:]])
    elif bug == "byte piece as three":
        counts[-5:-1] = 3
    elif bug == "sentinels counted":
        counts[-1] = 3
    elif bug == "one missing":
        counts = counts[:-1]
    else:
        counts[4] = -1
    (finding,) = check_byte_counts(
        [documents[1], document], [tokenizer.byte_counts(documents[1]), counts], tokenizer.decode
    )
    assert (finding.condition, finding.document) == ("bytes", 1)
    if bug == "space twice":
        assert 1.05 < finding.measured < 1.3


@pytest.mark.parametrize(
    ("text", "counted", "measured", "detail"),
    [
        ("some text", 0, 0.0, "counts 0 bytes; the text has 9, 0.000 times as many"),
        ("some text", 6, 2.0, "counts 18 bytes; the text has 9, 2.000 times as many"),
        ("", 1, 3.0, "counts 3 bytes; the text has 0"),
    ],
)
def test_counts_of_zero_and_empty_texts(text: str, counted: int, measured: float, detail: str) -> None:
    document = np.array([1, 5, 6, 7])
    (finding,) = check_byte_counts([document], [np.full(3, counted)], lambda _: text)
    assert (finding.measured, finding.detail) == (measured, detail)
    assert check_byte_counts([document], [np.full(3, 0)], lambda _: "") == []


def test_validation_text_is_detected_anywhere_in_the_training_tokens() -> None:
    rng = np.random.default_rng(0)
    documents = [np.concatenate([[1], rng.integers(2, 1000, size), [1]]) for size in (300, 200, 20, 1, 150)]
    shards = [rng.integers(2, 1000, 5000).astype(np.uint16) for _ in range(2)]
    shards[1][700:800] = documents[0][101:201]  # a part of one document
    shards[0][-20:] = documents[2][1:-1]  # the whole of a short one
    shards[0][10 : 10 + WINDOW - 1] = documents[4][1:WINDOW]  # one token short of a window
    by_document = {overlap.document: overlap for overlap in overlaps(documents[:3] + documents[4:], shards)}
    assert by_document.keys() == {0, 2}
    first, short = by_document[0], by_document[2]
    assert (first.shared, first.first, first.windows) == (100 - WINDOW + 1, 101, 300 - WINDOW + 1)
    assert (short.shared, short.windows) == (1, 1)


def test_disjoint_tokens_have_no_overlap(documents: list[Any]) -> None:
    assert overlaps(documents, []) == []
    assert overlaps(documents, [np.empty(0, np.uint16), np.full(3, 7, np.uint16)]) == []
    assert [overlap.document for overlap in overlaps(documents, [documents[3]])] == [3]


class Counts:
    """A uniform scorer that declares the tokenizer's byte counts plus a constant per token."""

    def __init__(self, tokenizer: Tokenizer, extra: int) -> None:
        self.tokenizer, self.extra = tokenizer, extra

    def __call__(self, documents: list[Any]) -> list[Any]:
        return [np.full(document.size - 1, np.log(self.tokenizer.vocab_size)) for document in documents]

    def byte_counts(self, document: Any) -> Any:
        return self.tokenizer.byte_counts(document) + self.extra


@pytest.mark.parametrize(("extra", "conditions"), [(0, []), (1, ["bytes"])])
def test_an_audit_compares_declared_byte_counts_with_the_text(
    tokenizer: Tokenizer, documents: list[Any], extra: int, conditions: list[str]
) -> None:
    scorer = Counts(tokenizer, extra)
    judge = partial(audit, scorer, vocab_size=tokenizer.vocab_size, documents=documents, seconds=0.5)
    certificate = judge(decode=tokenizer.decode)
    assert [finding.condition for finding in certificate.findings] == conditions
    assert "byte counts" not in certificate.placement["not_probed"]
    assert "byte counts" in judge().placement["not_probed"]
