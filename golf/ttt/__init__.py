"""Test-time training: score documents chunk by chunk and adapt to the chunks already scored."""

from golf.ttt.config import EvalConfig
from golf.ttt.engine import evaluate
from golf.ttt.protocols import Protocol

__all__ = ["EvalConfig", "Protocol", "evaluate"]
