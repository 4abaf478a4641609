"""The data of a sweep: the places of its shards and tokenizer, and the digests that identify them in job keys."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from golf.data.corpus import DEMO_TUNING_DOCUMENTS, build_demo
from golf.data.provenance import Split, check_apart, check_whole
from golf.data.stream import Stream
from golf.data.texts import count_bytes, with_byte_files
from golf.data.tokens import BOS, Tokenizer, find_shards, read_stream, split_documents
from golf.errors import InputError
from jobs.machine.digests import digest_of


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """Tokens to train, tune and validate on."""

    tokens: Path
    """Folder of shards."""
    tokenizer: Path
    train_digest: str
    val_digest: str
    """Digest of the validation shards and, where there are any, of the files with their tokens' bytes."""
    tokenizer_digest: str
    vocab_size: int
    tuning_documents: int
    """Documents held out from the end of the training stream."""
    val_documents: int


def open_dataset(tokens: str, tokenizer: str | None, tuning_documents: int, folder: Path) -> DataSet:
    """Find, check and digest the data of a sweep; "demo" builds the bundled corpus in `folder` first.

    Raises:
        InputError: a folder, shard or tokenizer is missing or of another kind; the validation set is not whole, or
            stands in the training shards.
    """
    if tokens == "demo":
        demo = build_demo(folder)
        shards, model, tuning_documents = demo.tokens, demo.tokenizer, DEMO_TUNING_DOCUMENTS
    else:
        if tokenizer is None:
            raise InputError('data.tokenizer: missing; name one, or set data.tokens = "demo", which brings its own')
        shards, model = Path(tokens).resolve(), Path(tokenizer).resolve()
    pieces = Tokenizer(model)
    train, val = find_shards(shards, "train"), find_shards(shards, "val")
    _, tuning = Stream.open(train).hold_out(tuning_documents)
    if len(tuning) < tuning_documents:
        raise InputError(
            f"{train[-1]}: {len(tuning)} documents; expected at least data.tuning_documents = {tuning_documents}"
        )
    stream = read_stream(val)
    if not (validation := split_documents(stream)):
        raise InputError(f"{val[0].parent}: its validation shards hold no document; each begins with token {BOS}")
    split = Split(
        shards=val,
        documents=validation,
        tokens=len(stream),
        vocab_size=pieces.vocab_size,
        count_bytes=lambda: count_bytes(val, validation, pieces),
    )
    check_whole(split)
    check_apart(split, train)
    return DataSet(
        tokens=shards,
        tokenizer=model,
        train_digest=digest_of(train),
        val_digest=digest_of(with_byte_files(val)),
        tokenizer_digest=digest_of([model]),
        vocab_size=pieces.vocab_size,
        tuning_documents=tuning_documents,
        val_documents=len(validation),
    )


def document_lengths(data: DataSet, split: Literal["tune", "val"]) -> tuple[int, ...]:
    """Number of predictions (tokens after the first) of each document, of those held out or of the validation set."""
    if split == "val":
        documents = split_documents(read_stream(find_shards(data.tokens, "val")))
    else:
        documents = Stream.open(find_shards(data.tokens, "train")).hold_out(data.tuning_documents)[1]
    return tuple(len(document) - 1 for document in documents)
