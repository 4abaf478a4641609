"""What type checkers see of the package: its three calls for notebooks."""

from golf.interactive import evaluate as evaluate
from golf.interactive import quantize as quantize
from golf.interactive import train as train

__all__ = ["evaluate", "quantize", "train"]
