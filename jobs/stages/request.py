"""Requesting a job: what it is about, and what its stage makes of that. Plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentSet:
    """Which documents an evaluation scores."""

    split: Literal["tune", "val"]
    count: int | None = None
    """The first so many; all where None."""


class Data(Protocol):
    """The data of a sweep: where they lie, and the digests by which jobs know them."""

    @property
    def tokens(self) -> Path: ...
    @property
    def tokenizer(self) -> Path | None: ...
    @property
    def train_digest(self) -> str: ...
    @property
    def val_digest(self) -> str: ...
    @property
    def tokenizer_digest(self) -> str: ...
    @property
    def tuning_documents(self) -> int: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a job is about, whatever its stage."""

    recipe: Mapping[str, Any]
    """Every setting of the recipe, as nested tables: {"train": {…}, "quantize": {…}, "eval": {…}}."""
    data: Data
    documents: DocumentSet
    """What the recipe is scored on."""
    inputs: Mapping[str, str]
    """Digests of what the stage reads from earlier stages, by the names in `Stage.reads`."""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Sections of the sweep's file beside its recipe that stages read, e.g. {"audit": {"seconds": 12.0}}."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a stage makes of a subject: the parts of the job that are its own, and how the job is run."""

    settings: Mapping[str, Any]
    """Every setting that changes a number, as plain JSON."""
    inputs: Mapping[str, str]
    """Input name → SHA-256 of its content."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Input name → local path, for inputs that are not kept in the file store."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """What decides how the stage runs the job and changes no number, as plain JSON."""
    slots: int = 1
    awaited: bool = True
    """Whether another job or trial waits for its result."""


def document_settings(documents: DocumentSet, data: Data) -> dict[str, Any]:
    """A set of documents as jobs name it."""
    which = {"split": documents.split, "first": 0, "count": documents.count}
    return {**which, "holdout_documents": data.tuning_documents}


def text_inputs(documents: DocumentSet, data: Data) -> dict[str, str]:
    """Digests of the tokens and the tokenizer from which documents are read."""
    tokens = data.val_digest if documents.split == "val" else data.train_digest
    return {"tokens": tokens, "tokenizer": data.tokenizer_digest}


def text_places(data: Data) -> dict[str, str]:
    """Where the tokens and the tokenizer lie."""
    return {"tokens": str(data.tokens), "tokenizer": str(data.tokenizer)}
