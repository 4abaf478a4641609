"""Artifacts that a worker keeps loaded."""

import time
from functools import lru_cache

import torch

from golf.artifact.packing import load_bytes
from golf.model.gpt import GPT, ModelConfig
from jobs.stages.stage import KEPT_ARTIFACTS
from jobs.stages.work.cached import Cached


def load_model(digest: str, content: bytes) -> Cached[GPT]:
    """The model of an artifact on this worker's device."""
    return _load(digest, _Content(content))


def shape_of(digest: str, content: bytes) -> ModelConfig:
    """An artifact's model without its weights: a scheduler keeps none, and takes no GPU's memory."""
    return _shape_of(digest, _Content(content))


def device() -> str:
    """Where this worker computes."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class _Content:
    """An artifact's bytes, equal to all others, so that a cache keys calls by the digest alone."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content)


@lru_cache(maxsize=KEPT_ARTIFACTS)
def _load(digest: str, content: _Content) -> Cached[GPT]:
    started = time.monotonic()
    model = load_bytes(content.content, f"artifact {digest[:12]}", device=device())
    return Cached(model, time.monotonic() - started)


@lru_cache(maxsize=KEPT_ARTIFACTS)
def _shape_of(digest: str, content: _Content) -> ModelConfig:
    return load_bytes(content.content, f"artifact {digest[:12]}").config
