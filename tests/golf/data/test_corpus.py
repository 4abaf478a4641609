"""The bundled corpus: disjoint splits, long documents, the same bytes every time."""

from pathlib import Path

import pytest

from golf.data import corpus
from golf.data.corpus import (
    DEMO_TUNING_DOCUMENTS,
    DEMO_VALIDATION_DOCUMENTS,
    DemoData,
    build_demo,
    cut_documents,
    read_addresses,
    split_addresses,
)
from golf.data.stream import Stream
from golf.data.tokens import Tokenizer, digest_files, find_shards, read_stream, split_documents

BUILD = corpus._build
"""As it is before other tests have it copy what it built."""


def test_every_address_is_in_exactly_one_split() -> None:
    addresses = read_addresses()
    training, tuning, validation = split_addresses(addresses)
    assert len(addresses) == 233
    assert (len(tuning), len(validation)) == (DEMO_TUNING_DOCUMENTS, DEMO_VALIDATION_DOCUMENTS)
    assert sorted(training + tuning + validation) == sorted(addresses)
    assert not set(training) & set(tuning) and not set(tuning) & set(validation) and not set(training) & set(validation)


def test_the_build_is_reproducible_with_the_expected_splits(
    demo: DemoData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "_build", BUILD)
    one, two = build_demo(tmp_path / "one"), demo
    for split in ("train", "val"):
        assert digest_files(find_shards(one.tokens, split)) == digest_files(find_shards(two.tokens, split))
    assert one.tokenizer.read_bytes() == two.tokenizer.read_bytes()
    assert build_demo(tmp_path / "one") == one
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one"]

    tokenizer = Tokenizer(one.tokenizer)
    assert tokenizer.vocab_size == 1024
    training, tuning = Stream.open(find_shards(one.tokens, "train")).hold_out(DEMO_TUNING_DOCUMENTS)
    validation = split_documents(read_stream(find_shards(one.tokens, "val")))
    assert len(validation) == DEMO_VALIDATION_DOCUMENTS
    assert 2_500_000 < len(training) < 3_500_000
    for document in [*tuning, *validation]:
        assert 2_000 < len(document) <= 4_098
        tokenizer.check_bytes(document)
    trained_on = tokenizer.decode(training.read(0, len(training)).tolist())
    _, tuning_texts, validation_texts = split_addresses(read_addresses())
    for text in [*tuning_texts, *validation_texts]:
        assert " ".join(text.split())[1000:1200] not in trained_on


def test_documents_end_with_sentences_and_keep_all_text(demo: DemoData) -> None:
    tokenizer = Tokenizer(demo.tokenizer)
    text = " ".join(f"Sentence number {n} of this text ends here." for n in range(60))
    documents = list(cut_documents(tokenizer, text, most=100))
    assert len(documents) > 5
    assert all(document[0] == 1 and len(document) <= 101 for document in documents)
    assert all(tokenizer.decode(document[1:]).endswith("here.") for document in documents)
    assert " ".join(tokenizer.decode(document[1:]) for document in documents) == text
