"""The data of a script: a folder of shards and a tokenizer, by digest; the script alone reads what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from golf.data.corpus import build_demo
from golf.data.provenance import check_apart, check_whole, read_split
from golf.data.texts import with_byte_files
from golf.data.tokens import Tokenizer, find_shards, read_shard
from golf.errors import InputError
from jobs.machine.digests import digest_folder, digest_of
from sweeps.spec.holdout import make_holdout
from sweeps.spec.sections import DataSection

SPLITS: tuple[Literal["val"], Literal["train"]] = ("val", "train")
HOLDOUT = "holdout"
"""The folder of validation sets that are cut from training shards."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptData:
    """The data of a sweep of a script."""

    tokens: Path
    """Folder of shards."""
    tokenizer: Path | None
    train_digest: str
    """Digest of every file of the folder."""
    val_digest: str
    """Digest of the validation shards and the files with their tokens' bytes, by which entries are compared."""
    tokenizer_digest: str
    """Empty without a tokenizer."""
    search_tokens: Path
    """The folder that trials are given: the same, or one whose validation set is cut from training documents."""
    search_digest: str
    tuning_documents: int = 0
    """Of no meaning for a script."""

    def of_split(self, split: str) -> dict[str, Any]:
        """What jobs of trials ("tune") or of entries ("val") are given."""
        is_search = split == "tune"
        return {
            "tokens": str(self.search_tokens if is_search else self.tokens),
            "tokens_digest": self.search_digest if is_search else self.train_digest,
            "tokenizer": None if self.tokenizer is None else str(self.tokenizer),
            "tokenizer_digest": self.tokenizer_digest,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ScriptData":
        """Read back the fields of a sweep's record."""
        paths = {name: Path(stored[name]) for name in ("tokens", "search_tokens")}
        tokenizer = None if stored["tokenizer"] is None else Path(stored["tokenizer"])
        return cls(**{**stored, **paths, "tokenizer": tokenizer})


def open_script_data(section: DataSection, demo: Path, ranks: int) -> ScriptData:
    """Find and digest the data of a script, and make those of its trials.

    Args:
        section: names them; "demo" is the bundled corpus.
        demo: where that is built; beside it lies what trials are given with `validation = "holdout"`.
        ranks: most processes of a stage, for each of which trials get a training shard at least.

    Raises:
        InputError: a folder or file is missing or cannot be read; shards in the challenge's form hold a validation set
            that is not whole, or one that stands in the training shards.
    """
    tokens = Path(section.tokens).resolve()
    tokenizer = None if section.tokenizer is None else Path(section.tokenizer).resolve()
    if section.tokens == "demo":
        built = build_demo(demo)
        tokens, tokenizer = built.tokens, built.tokenizer
    else:
        tokens = Path(section.tokens).resolve()
        tokenizer = None if section.tokenizer is None else Path(section.tokenizer).resolve()
    _check_provenance(tokens, tokenizer)
    digest = digest_folder(tokens)
    searched = tokens
    if section.validation == "holdout":
        searched = make_holdout(tokens, documents=section.tuning_documents, shards=ranks, folder=demo.parent / HOLDOUT)
    return ScriptData(
        tokens=tokens,
        tokenizer=tokenizer,
        train_digest=digest,
        val_digest=_validation_digest(tokens) or digest,
        tokenizer_digest="" if tokenizer is None else digest_of([tokenizer]),
        search_tokens=searched,
        search_digest=digest if searched == tokens else digest_folder(searched),
    )


def _check_provenance(folder: Path, tokenizer: Path | None) -> None:
    """Check the validation set of a folder of the challenge's shards; what is in other files only the script knows.

    Raises:
        InputError: the set is not whole, or stands in the training shards.
    """
    validation_shards, training = (_readable(folder, split) for split in SPLITS)
    if not validation_shards:
        return
    validation = read_split(validation_shards, _read_tokenizer(tokenizer))
    if validation.documents:
        check_whole(validation)
        check_apart(validation, training)


def _readable(folder: Path, split: Literal["train", "val"]) -> list[Path]:
    """The shards of a split, if all are in the challenge's form."""
    try:
        shards = find_shards(folder, split)
        for path in shards:
            read_shard(path)  # maps it, and reads no token
    except InputError:
        return []
    return shards


def _read_tokenizer(path: Path | None) -> Tokenizer | None:
    """A tokenizer of SentencePiece; None for any other file."""
    try:
        return None if path is None else Tokenizer(path)
    except InputError:
        return None


def _validation_digest(folder: Path) -> str | None:
    """The digest by which our own evaluations know the same validation set; None where the names are others."""
    try:
        return digest_of(with_byte_files(find_shards(folder, "val")))
    except InputError:
        return None
