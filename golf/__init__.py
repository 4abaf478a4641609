"""The computation, one room per step, in the order of the data.

data       token shards, documents, bytes per token, the bundled corpus
model      the GPT family and its kernels
train      train one seed, alone or as a torchrun gang
artifact   quantize, compress and pack a model, and load it
ttt        score documents with test-time training
audit      judge any scorer by the losses it returns
proof      prove a score by compressing and decompressing with it
entry      a whole run as one self-contained script

`from golf import train, quantize, evaluate` gets the three calls of a notebook (golf.interactive); nothing is loaded
before one of them is used.
"""

from importlib import import_module
from typing import Any

__all__ = ["evaluate", "quantize", "train"]


def __getattr__(name: str) -> Any:
    """Load what a notebook calls when it is first used; by its name, so that no entry's script packs it."""
    if name == "train":
        return import_module("golf.train")
    if name in __all__:
        return getattr(import_module("golf.interactive"), name)
    raise AttributeError(f"module 'golf' has no attribute '{name}'")
