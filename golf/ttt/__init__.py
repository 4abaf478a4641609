"""Test-time training: score documents chunk by chunk while adapting to what was scored."""

from golf.ttt.config import EvalConfig
from golf.ttt.engine import evaluate
from golf.ttt.protocols import Protocol

__all__ = ["EvalConfig", "Protocol", "evaluate"]
