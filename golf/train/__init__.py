"""Train one seed, in one process or as a torchrun gang.

`golf.train(config, …)` trains with progress, for a notebook: see `golf.interactive.train`.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from golf.train.config import TrainConfig
from golf.train.training import train

__all__ = ["TrainConfig", "train"]


class _TrainRoom(ModuleType):
    """This room, which can be called: `from golf import train` gets it, since a room is an attribute of its package."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Train as `golf.interactive.train` does."""
        # Loaded by its name: what a module imports is packed into an entry's script, which has no use for this.
        return import_module("golf.interactive").train(*args, **options)


sys.modules[__name__].__class__ = _TrainRoom
