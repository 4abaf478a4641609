"""Test-time training: score documents chunk by chunk and adapt to the chunks already scored."""

from golf.ttt.config import EvalConfig, Protocol
from golf.ttt.engine import evaluate

__all__ = ["EvalConfig", "Protocol", "evaluate"]
