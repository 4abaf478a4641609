"""The data of a sweep: where its shards and tokenizer lie, and the digests by which jobs know them."""

import json
from dataclasses import dataclass
from pathlib import Path

from golf.corpus import DEMO_TUNING_DOCUMENTS, build_demo
from golf.errors import InputError
from golf.files import write_atomically
from golf.tokens import Tokenizer, digest_files, find_shards, holdout, read_stream, split_documents


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """Tokens to train, tune and validate on."""

    tokens: Path
    """Folder of shards."""
    tokenizer: Path
    train_digest: str
    val_digest: str
    tokenizer_digest: str
    vocab_size: int
    tuning_documents: int
    """Documents at the end of the training stream that no training reads."""
    val_documents: int


def open_dataset(tokens: str, tokenizer: str | None, tuning_documents: int, home: Path) -> DataSet:
    """Find, check and fingerprint the data of a sweep; "demo" builds the bundled corpus under `home` first.

    Raises:
        InputError: a folder, shard or tokenizer is missing or is something else.
    """
    if tokens == "demo":
        demo = build_demo(home / "demo")
        folder, model, tuning_documents = demo.tokens, demo.tokenizer, DEMO_TUNING_DOCUMENTS
    else:
        if tokenizer is None:
            raise InputError('data.tokenizer: missing; only data.tokens = "demo" brings its own')
        folder, model = Path(tokens).resolve(), Path(tokenizer).resolve()
    pieces = Tokenizer(model)
    train, val = find_shards(folder, "train"), find_shards(folder, "val")
    _, tuning = holdout(read_stream(train[-1:]), tuning_documents)
    if len(tuning) < tuning_documents:
        raise InputError(f"{train[-1]}: {len(tuning)} documents; data.tuning_documents = {tuning_documents} need more")
    return DataSet(
        tokens=folder,
        tokenizer=model,
        train_digest=_digest(train, home),
        val_digest=_digest(val, home),
        tokenizer_digest=_digest([model], home),
        vocab_size=pieces.vocab_size,
        tuning_documents=tuning_documents,
        val_documents=len(split_documents(read_stream(val))),
    )


def _digest(paths: list[Path], home: Path) -> str:
    """Digest of files, remembered under `home` by path, size and time of change: a full set takes a while to read."""
    stamp = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    cache = home / "digests.json"
    known = json.loads(cache.read_text()) if cache.exists() else {}
    name = json.dumps(stamp)
    if name not in known:
        known[name] = digest_files(paths)
        write_atomically(cache, json.dumps(known).encode())
    digest: str = known[name]
    return digest
