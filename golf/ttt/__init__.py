"""Test-time training: score documents chunk by chunk while adapting to what was scored."""

from golf.ttt.config import EvalConfig, Protocol
from golf.ttt.engine import evaluate

__all__ = ["EvalConfig", "Protocol", "evaluate"]
