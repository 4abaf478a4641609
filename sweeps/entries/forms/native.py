"""What an evaluation of our own recipe takes from its jobs: read when it is written, and read again to check it."""

from collections.abc import Mapping
from typing import Any

from golf.score import nats_per_token_to_bpb
from jobs.spec import Job

UNADAPTED = "none"
"""The only protocol without test-time training."""


def native_facts(
    train: Mapping[str, Any], quantize: Mapping[str, Any], evaluation: Mapping[str, Any], job: Job
) -> dict[str, Any]:
    """Fields of `sweeps.board.evaluation.Evaluation` that follow from a seed's jobs alone.

    Args:
        train: outputs of its training; `quantize` and `evaluation` are those of the later stages.
        job: its evaluation.
    """
    before, after = bpb_of_model(quantize["loss"])
    protocol = job.settings["eval"]
    return {
        "model_bytes": quantize["ledger"]["model_bytes"],
        "clocks": _clocks(train, quantize, evaluation),
        "adapts": protocol["protocol"] != UNADAPTED,
        "trained_bpb": before,
        "quantized_bpb": after,
        "steps": train["steps"],
        "machine": job.machine.describe(protocol.get("precision", "auto")),
    }


def bpb_of_model(loss: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Bits per byte of a model without test-time training, before and after quantization."""
    if not loss["bytes"]:
        return None, None
    before, after = (nats_per_token_to_bpb(loss[when], loss["tokens"], loss["bytes"]) for when in ("before", "after"))
    return before, after


def _clocks(train: Mapping[str, Any], quantize: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, float]:
    clocks = {f"train.{name}": value for name, value in train["clocks"].items()}
    clocks |= {f"eval.{name}": value for name, value in evaluation["clocks"].items()}
    return clocks | {"quantize_seconds": quantize["clocks"]["quantize_seconds"]}
