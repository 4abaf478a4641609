"""Golden vectors: recompute published cases with the engine on this machine and compare.

A folder holds `model.safetensors` and `cases.json`: documents (token slices) and cases. A case has settings, named as
in PR 611's script, and for every document, evaluated alone, the expected mean NLL in nats per token.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from golf.artifact.packing import load
from golf.data.tokens import check_document
from golf.errors import InputError, shown, shown_name
from golf.files import read_regular
from golf.model.precision import Precision
from golf.ttt.adapters import AdapterRanks, Multipliers
from golf.ttt.engine import EvalConfig, evaluate

BUNDLED = tuple(Path(__file__).parent / "bundled" / name for name in ("golden", "golden5"))
"""Folders of the bundled vectors."""
MAX_CASES_BYTES = 2**26
LIMITS: Mapping[str, float] = {"float32": 1e-5, "bfloat16": 2e-2}
"""How far a document's loss may be from the golden one, in nats per token, by precision. Measured on a CPU: 8.6e-7 and
6.9e-3."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentResult:
    """Result of one document of a case, in nats per token."""

    nll_per_token: float
    expected: float

    @property
    def difference(self) -> float:
        """Absolute difference between computed and expected NLL."""
        return abs(self.nll_per_token - self.expected)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """Results of one case."""

    name: str
    documents: tuple[DocumentResult, ...]

    @property
    def max_difference(self) -> float:
        """Largest difference over the documents; NaN if one of them has no number."""
        return float(np.max([document.difference for document in self.documents], initial=0.0))


def sine_a(rank: int, inputs: int, _: torch.Generator) -> Tensor:
    """A[i, j] = sin(1 + i·inputs + j)/√inputs: golden vectors use no random numbers."""
    values = np.sin(1.0 + np.arange(rank * inputs, dtype=np.float64)) / math.sqrt(inputs)
    return torch.from_numpy(values.astype(np.float32)).view(rank, inputs)


def config_of(settings: Mapping[str, Any]) -> EvalConfig:
    """Translate a case's settings; missing ones have the defaults of PR 611's script.

    Raises:
        InputError: a setting is unknown.
    """
    known = {
        "ttt_lora_rank": 8, "ttt_lm_rank": 16, "ttt_lora_lr": 0.01, "ttt_chunk_size": 256, "ttt_eval_seq_len": 1024,
        "ttt_min_doc_len": 512, "ttt_epochs": 1, "ttt_k_lora": False, "ttt_min_nll": False, "ttt_temp_rescale": 0.98,
        "ttt_cosine_lr": True, "ttt_bias_tune": True, "mult": {},
    }  # fmt: skip
    unknown = sorted(settings.keys() - known.keys())
    if unknown:
        raise InputError(f'setting "{shown_name(unknown[0])}" is unknown; expected {", ".join(known)}')
    s = {**known, **settings}
    multipliers = {{"lm_head": "head"}.get(kind, kind): float(value) for kind, value in s["mult"].items()}
    adapters = ["q", *(["k"] if s["ttt_k_lora"] else []), "v", "head", *(["bias"] if s["ttt_bias_tune"] else [])]
    rank = s["ttt_lora_rank"]
    return EvalConfig(
        protocol="min-epoch" if s["ttt_min_nll"] else "last-epoch",
        adapters=tuple(adapters),
        ranks=AdapterRanks(q=rank, k=rank, v=rank, head=s["ttt_lm_rank"]),
        multipliers=Multipliers(**multipliers),
        lr=s["ttt_lora_lr"],
        schedule="cosine" if s["ttt_cosine_lr"] else "constant",
        epochs=s["ttt_epochs"],
        chunk=s["ttt_chunk_size"],
        window=s["ttt_eval_seq_len"],
        min_document_tokens=s["ttt_min_doc_len"],
        length_blind=False,
        nll_factor=s["ttt_temp_rescale"],
    )


def selftest(folder: Path, device: torch.device | str = "cpu", precision: Precision = "float32") -> list[CaseResult]:
    """Run every case of a folder of golden vectors with `golf.ttt.evaluate`, one document at a time.

    The engine is judged in float32, which the vectors were made in; `LIMITS` says how far other numbers may be off.

    Raises:
        InputError: the folder does not have this format, or a setting is unknown.
    """
    path = folder / "cases.json"
    try:
        vectors = json.loads(read_regular(path, MAX_CASES_BYTES, "expected golden vectors"))
        listed = [np.array(document) for document in vectors["documents"]]
        cases = {
            name: (config_of(case["settings"]), _expected(name, case["documents"], len(listed)))
            for name, case in vectors["cases"].items()
        }
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    except (RecursionError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: not golden vectors ({type(error).__name__}: {error})") from None
    model = load(folder / "model.safetensors", device=device)
    documents = [
        check_document(document, f"{path}: document {index}", model.config.vocab_size)
        for index, document in enumerate(listed)
    ]
    results = []
    for name, (config, expected) in cases.items():
        # One document at a time, as the vectors were made: batching would change the rounding.
        config = replace(config, precision=precision)
        scores = [evaluate(model, [document], config, draw=sine_a) for document in documents]
        pairs = zip(scores, expected, strict=True)
        rows = [DocumentResult(nll_per_token=score.nll_per_token, expected=value) for score, value in pairs]
        results.append(CaseResult(name=name, documents=tuple(rows)))
    return results


def _expected(case: str, entries: Sequence[Mapping[str, Any]], documents: int) -> list[float]:
    """The expected NLL of each document of a case, in nats per token."""
    if len(entries) != documents:
        raise InputError(f'case "{case}" has entries for {len(entries)} documents; there are {documents}')
    for index, entry in enumerate(entries):
        value = entry.get("nll_per_token")
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(
                f'case "{case}", document {index}: nll_per_token = {shown(value)}; expected a finite number'
            )
    return [float(entry["nll_per_token"]) for entry in entries]
