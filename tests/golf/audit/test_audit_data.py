"""Byte counts against the decoded text, and validation text in the training tokens."""

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


def test_the_tables_own_counts_stand_for_the_text(tokenizer: Tokenizer, documents: list[Any]) -> None:
    counts = [tokenizer.byte_counts(document) for document in documents]
    assert check_byte_counts(documents, counts, tokenizer.decode) == []


def test_a_document_cut_inside_a_character_is_no_fault(tokenizer: Tokenizer) -> None:
    whole = np.array([1, *tokenizer.encode("a 🦉")])
    for size in range(2, len(whole) + 1):
        cut = whole[:size]
        assert check_byte_counts([cut], [tokenizer.byte_counts(cut)], tokenizer.decode) == []


@pytest.mark.parametrize("bug", ["space twice", "byte piece as three", "sentinels counted", "one missing", "negative"])
def test_the_bugs_of_public_entries_are_found(tokenizer: Tokenizer, documents: list[Any], bug: str) -> None:
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
        ("some text", 0, 0.0, "0 bytes counted where its text has 9, 0.000 times as many"),
        ("some text", 6, 2.0, "18 bytes counted where its text has 9, 2.000 times as many"),
        ("", 1, 3.0, "3 bytes counted where its text has 0"),
    ],
)
def test_nothing_counted_and_nothing_to_count(text: str, counted: int, measured: float, detail: str) -> None:
    document = np.array([1, 5, 6, 7])
    (finding,) = check_byte_counts([document], [np.full(3, counted)], lambda _: text)
    assert (finding.measured, finding.detail) == (measured, detail)
    assert check_byte_counts([document], [np.full(3, 0)], lambda _: "") == []


def test_validation_text_in_the_training_tokens_is_found_wherever_it_lies() -> None:
    rng = np.random.default_rng(0)
    documents = [np.concatenate([[1], rng.integers(2, 1000, size), [1]]) for size in (300, 200, 20, 1, 150)]
    shards = [rng.integers(2, 1000, 5000).astype(np.uint16) for _ in range(2)]
    shards[1][700:800] = documents[0][101:201]  # a part of one document
    shards[0][-20:] = documents[2][1:-1]  # the whole of a short one
    shards[0][10 : 10 + WINDOW - 1] = documents[4][1:WINDOW]  # one token short of a window
    found = {one.document: one for one in overlaps(documents[:3] + documents[4:], shards)}
    assert found.keys() == {0, 2}
    assert (found[0].shared, found[0].first, found[0].windows) == (100 - WINDOW + 1, 101, 300 - WINDOW + 1)
    assert (found[2].shared, found[2].windows) == (1, 1)


def test_nothing_in_common_is_nothing_found(documents: list[Any]) -> None:
    assert overlaps(documents, []) == []
    assert overlaps(documents, [np.empty(0, np.uint16), np.full(3, 7, np.uint16)]) == []
    assert [one.document for one in overlaps(documents, [documents[3]])] == [3]


class Counts:
    """A uniform scorer that says how many bytes it divides by: the table's, and one more for every leading space."""

    def __init__(self, tokenizer: Tokenizer, extra: int) -> None:
        self.tokenizer, self.extra = tokenizer, extra

    def __call__(self, documents: list[Any]) -> list[Any]:
        return [np.full(document.size - 1, np.log(self.tokenizer.vocab_size)) for document in documents]

    def byte_counts(self, document: Any) -> Any:
        return self.tokenizer.byte_counts(document) + self.extra


@pytest.mark.parametrize(("extra", "found"), [(0, []), (1, ["bytes"])])
def test_an_audit_holds_offered_byte_counts_against_the_text(
    tokenizer: Tokenizer, documents: list[Any], extra: int, found: list[str]
) -> None:
    scorer = Counts(tokenizer, extra)
    judge = partial(audit, scorer, vocab_size=tokenizer.vocab_size, documents=documents, seconds=0.5)
    certificate = judge(decode=tokenizer.decode)
    assert [one.condition for one in certificate.findings] == found
    assert "byte counts" not in certificate.placement["not_probed"]
    assert "byte counts" in judge().placement["not_probed"]
