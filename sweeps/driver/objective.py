"""What a search minimizes and rows are ranked by: bits per byte of the evaluation. Only this module knows."""

from collections.abc import Mapping
from typing import Any

from golf.score import LN2, bits_per_byte
from jobs.stages.evaluate import EVALUATE

SCORED = EVALUATE.name
"""The stage whose outputs hold the score."""


def value_of(outputs: Mapping[str, Any]) -> float:
    """The score of a finished evaluation; lower is better."""
    return bits_per_byte(outputs["nll"], outputs["bytes"])


def outputs_worth(value: float) -> dict[str, Any]:
    """Outputs of an evaluation that would have a score, for a sweep that is played through."""
    return {"nll": value * LN2, "bytes": 1}
