"""Audit this project's own engine: the protocol in float32, then the rounding of the entry's own precision."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from golf.audit.auditor import audit
from golf.audit.certificate import Certificate
from golf.audit.own_precision import measure_own_precision
from golf.audit.scorer.documents import check_documents
from golf.audit.scorer.engine import EngineScorer
from golf.data.tokens import Tokenizer
from golf.model.gpt import GPT
from golf.model.precision import Precision, compute_dtype
from golf.ttt.config import EvalConfig


def audit_engine(
    model: GPT,
    config: EvalConfig,
    documents: Sequence[NDArray[np.integer[Any]]],
    *,
    seconds: float,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
) -> Certificate:
    """Judge an evaluation with the probes that every scorer is judged with.

    The budget is a nominal machine's time, so that an audit probes the same on every machine.

    Args:
        model: a frozen model.
        config: settings of the evaluation.
        documents: documents to choose from, BOS first.
        seconds: the budget of the audit in float32; the pass in the entry's own precision is not part of it.
        seed: of the evaluation's adapters, and of the choice of documents, positions and changes.
        tokenizer: declares byte counts, and decodes the text that they are compared with.

    Raises:
        InputError: documents or budget are invalid.
    """
    # An attention kernel that the settings name may not take float32.
    exact_config = replace(config, precision="float32", attention="auto")
    exact = EngineScorer(model, exact_config, seed=seed, tokenizer=tokenizer)
    certificate = audit(
        exact,
        vocab_size=model.config.vocab_size,
        documents=documents,
        seconds=seconds,
        seed=seed,
        decode=None if tokenizer is None else tokenizer.text,
        clock=exact.clock,
        restart=lambda: nullcontext(EngineScorer(model, exact_config, seed=seed)),
    )
    if (precision := own_precision(model, config)) == "float32":
        return certificate
    given = check_documents(documents, model.config.vocab_size)
    own = EngineScorer(model, config, seed=seed)
    rounding = measure_own_precision(exact, own, precision, given, vocab_size=model.config.vocab_size, seed=seed)
    return replace(
        certificate,
        judged=certificate.judged and rounding.same,
        findings=(*certificate.findings, *rounding.findings),
        placement={**certificate.placement, "own_precision": rounding.to_json()},
    )


def own_precision(model: GPT, config: EvalConfig) -> Precision:
    """The precision in which an evaluation computes on the model's device."""
    half = compute_dtype(model.tok_emb.weight.device, config.precision) == torch.bfloat16
    return "bfloat16" if half else "float32"
