"""Golden vectors in both precisions, invariance to batch and order in bfloat16, and the audit in both."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.gpu_steps.sizes import TOY, Row, Sizes, device, eval_config, golden_model, made_up_model, row
from golf.audit.audit_engine import audit_engine
from golf.audit.own_precision import MAX_DOCUMENT_MEAN_NATS, MAX_MEAN_NATS
from golf.selftest import BUNDLED, LIMITS, selftest

JUDGED_TOKENS = (1300, 700, 300, 150, 60, 24)


def golden(size: Sizes) -> Iterator[Row]:
    """The largest difference of the bundled golden vectors in each precision."""
    for precision, limit in LIMITS.items():
        if size is TOY and precision == "bfloat16":
            continue  # a CPU takes a minute for it; its own test covers it
        worst = np.max([case.max_difference for case in selftest(BUNDLED[1], device(), precision)])  # type: ignore[arg-type]
        yield row(f"golden vectors, {precision}", f"{worst:.1e}", "nats/token", f"below {limit:.0e}")


def audits(size: Sizes) -> Iterator[Row]:
    """A legal protocol and a published leak: judged in float32, and what bfloat16 changes."""
    model = made_up_model(size) if size is TOY else golden_model()
    size = replace(size, window=256) if size is TOY else size  # few updates: bfloat16 is slow on a CPU
    random = np.random.default_rng(1)
    lengths = [max(2, min(length, 3 * size.window // 2)) for length in JUDGED_TOKENS]
    texts = [np.append(1, random.integers(2, model.config.vocab_size, length - 1)) for length in lengths]
    for preset, passes in (("score-first", True), ("chimera-611", False)):
        config = replace(eval_config(preset, size, epochs=1 if passes else 2), precision="bfloat16")
        started = time.perf_counter()
        certificate = audit_engine(model, config, texts, seconds=size.audit_seconds)
        seconds = time.perf_counter() - started
        conditions = " ".join(sorted({finding.condition for finding in certificate.findings})) or "none"
        yield row(f"{preset}: passes", certificate.passed, "", passes)
        yield row(f"{preset}: findings", conditions)
        yield row(f"{preset}: audit of {size.audit_seconds:g} nominal seconds", round(seconds, 1), "s")
        own = certificate.to_json()["probes"]["own_precision"]
        yield row(f"{preset}: bfloat16 from float32", f"{own['from_float32']['mean']:+.1e}", "nats/token")
        for deviation in own["deviations"]:
            limits = f"{MAX_DOCUMENT_MEAN_NATS:g} and {MAX_MEAN_NATS:g}" if passes else None
            means = f"{deviation['document_mean']:.1e} and {deviation['mean']:+.1e}"
            yield row(f"{preset}: {deviation['kind']}, means of a document and of all", means, "nats", limits)
