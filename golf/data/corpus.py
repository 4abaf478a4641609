"""The bundled corpus in the challenge's format: State of the Union addresses, 1790–2021.

Whole addresses are held out of training, one in ten, evenly over the years, in turn for tuning and for validation. So
no speech is on two sides. Documents have at most 4,096 tokens and end with a sentence: adapting pays on long documents.
Of a held-out address only the first document is used.
"""

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sentencepiece
import zstandard

from golf.data.tokens import BOS, Tokenizer, write_shard
from golf.errors import InputError
from golf.files import write_atomically

SOURCE = Path(__file__).parents[1] / "bundled" / "sotu.jsonl.zst"
VOCAB_SIZE = 1024
DOCUMENT_TOKENS = 4096
"""Most tokens of a document after its BOS."""
DEMO_VALIDATION_DOCUMENTS = 12
DEMO_TUNING_DOCUMENTS = 12
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoData:
    """Paths of the built corpus."""

    tokens: Path
    """Folder of the shards."""
    tokenizer: Path


def build_demo(folder: Path) -> DemoData:
    """Build shards and tokenizer in `folder` unless they exist; builds are byte-identical.

    Raises:
        InputError: the bundled texts are missing or damaged.
    """
    demo = DemoData(tokens=folder, tokenizer=folder / f"sotu_{VOCAB_SIZE}_bpe.model")
    if folder.exists():
        return demo
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        _build(building, building / demo.tokenizer.name)
        building.rename(folder)
    except OSError:
        if not folder.exists():  # otherwise another process built the same files first
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return demo


def bundled_corpus() -> DemoData:
    """The bundled corpus in the user's cache folder, built at the first call."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return build_demo(Path(root) / "golfsweep" / "demo")


def split_addresses(addresses: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Split addresses, in order of time, into those for training, for tuning and for validation."""
    held_out = DEMO_TUNING_DOCUMENTS + DEMO_VALIDATION_DOCUMENTS
    places = [(2 * turn + 1) * len(addresses) // (2 * held_out) for turn in range(held_out)]
    kept = {place: turn % 2 for turn, place in enumerate(places)}
    tuning = [addresses[place] for place, side in kept.items() if side == 0]
    validation = [addresses[place] for place, side in kept.items() if side == 1]
    return [text for place, text in enumerate(addresses) if place not in kept], tuning, validation


def cut_documents(tokenizer: Tokenizer, text: str, most: int = DOCUMENT_TOKENS) -> Iterator[list[int]]:
    """Cut a text between sentences into documents of at most `most` tokens after BOS."""
    document: list[int] = []
    for sentence in _SENTENCE_END.split(text):
        ids = tokenizer.encode(sentence)[:most]
        if len(document) + len(ids) > most:
            yield [BOS, *document]
            document = []
        document += ids
    if document:
        yield [BOS, *document]


def shuffle(documents: list[list[int]]) -> list[list[int]]:
    """Sort documents by digest, so that the first few come from all periods; the order is the same on every machine."""
    return sorted(documents, key=lambda document: hashlib.sha256(str(document).encode()).digest())


def read_addresses(path: Path = SOURCE) -> list[str]:
    """The texts of the bundled addresses in order of time.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        lines = zstandard.ZstdDecompressor().decompress(path.read_bytes(), max_output_size=2**26).decode().splitlines()
        return [str(json.loads(line)["text"]) for line in lines]
    except (OSError, ValueError, KeyError, zstandard.ZstdError):
        raise InputError(f"{path}: missing or damaged; reinstall the package") from None


def _build(folder: Path, model: Path) -> None:
    training, tuning, validation = split_addresses(read_addresses())
    _train_tokenizer(training, model)
    tokenizer = Tokenizer(model)
    whole = shuffle([document for text in training for document in cut_documents(tokenizer, text)])
    # Tuning documents come last, because a training holds out the end of its stream.
    whole += shuffle([next(cut_documents(tokenizer, text)) for text in tuning])
    write_shard(folder / "sotu_train_000000.bin", [token for document in whole for token in document])
    scored = shuffle([next(cut_documents(tokenizer, text)) for text in validation])
    write_shard(folder / "sotu_val_000000.bin", [token for document in scored for token in document])


def _train_tokenizer(texts: list[str], model: Path) -> None:
    """Train a BPE tokenizer with byte fallback; one thread and no path in the file make it reproducible."""
    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentence for text in texts for sentence in _SENTENCE_END.split(text)),
        model_writer=content,
        model_type="bpe",
        vocab_size=VOCAB_SIZE,
        character_coverage=0.9995,
        byte_fallback=True,
        normalization_rule_name="identity",
        num_threads=1,
        minloglevel=2,
    )
    write_atomically(model, content.getvalue())
