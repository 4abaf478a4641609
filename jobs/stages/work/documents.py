"""The text that jobs read: checked against the digests in their keys, and kept from job to job."""

import time
from functools import lru_cache
from pathlib import Path

from golf.data.stream import Stream
from golf.data.texts import Texts, count_texts, read_texts, require_text, with_byte_files
from golf.data.tokens import Tokenizer, Tokens
from golf.errors import InputError
from jobs.machine.digests import check_digest, find_shards_here
from jobs.spec import Order
from jobs.stages.work.cached import Cached

KEPT_TEXTS = 4
"""Sets of documents that a worker keeps loaded: those of two sweeps, to tune and to confirm on."""


def training_stream(order: Order) -> Stream:
    """The tokens that a training may read: its shards without the documents held out for tuning."""
    paths = find_shards_here(Path(order.places["tokens"]), "train")
    check_digest(paths, order.job.inputs["tokens"], "training tokens")
    return Stream.open(paths).hold_out(int(order.job.settings["holdout_documents"]))[0]


def eval_documents(order: Order) -> tuple[list[Tokens], list[int]]:
    """The documents of an evaluation and the UTF-8 bytes of each."""
    texts, chosen = texts_of(order).content, chosen_documents(order)
    if not texts.documents[chosen]:
        raise InputError(f"{order.places['tokens']}: no documents in the range asked for, of {len(texts.documents)}")
    require_text(texts.num_bytes[chosen], order.places["tokens"])
    return texts.documents[chosen], texts.num_bytes[chosen]


def chosen_documents(order: Order) -> slice:
    """Which of its split's documents an evaluation scores."""
    which = order.job.settings["documents"]
    return slice(which["first"], None if which["count"] is None else which["first"] + which["count"])


def texts_of(order: Order) -> Cached[Texts]:
    """All documents of the split that an evaluation reads from."""
    which = order.job.settings["documents"]
    return _texts(
        order.places["tokens"],
        order.places["tokenizer"],
        which["split"],
        int(which["holdout_documents"]),
        order.job.inputs["tokens"],
        order.job.inputs["tokenizer"],
    )


@lru_cache(maxsize=KEPT_TEXTS)
def _texts(
    folder: str, tokenizer: str, split: str, held_out: int, tokens_digest: str, tokenizer_digest: str
) -> Cached[Texts]:
    started = time.monotonic()
    paths = find_shards_here(Path(folder), "val" if split == "val" else "train")
    check_digest(with_byte_files(paths), tokens_digest, "tokens")
    check_digest([Path(tokenizer)], tokenizer_digest, "tokenizer")
    pieces = Tokenizer(Path(tokenizer))
    if split == "val":
        texts = read_texts(paths, pieces)
    else:
        texts = count_texts(Stream.open(paths).hold_out(held_out)[1], pieces)
    return Cached(texts, time.monotonic() - started)
