"""Work on one machine without a sweep: train a seed, evaluate a file, test the engine and the machine."""

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from golf.artifact.packing import load
from golf.data.corpus import build_demo
from golf.data.stream import Stream
from golf.data.texts import read_texts, require_text
from golf.data.tokens import Tokenizer, find_shards
from golf.errors import InputError, OverTime
from golf.model.precision import Precision
from golf.score import bits_per_byte
from golf.selftest import BUNDLED, LIMITS, selftest
from golf.train.training import train
from golf.ttt.engine import evaluate
from jobs.machine import environment, software
from jobs.paths import Home


def device() -> str:
    """The device that this machine computes on."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def eval_file(model: Path, tokens: list[Path], tokenizer: Path, config: Any, seed: int) -> dict[str, Any]:
    """Score the documents of shards with an artifact or a `.safetensors` state dict.

    Raises:
        InputError: a file is missing, damaged or of another kind, the files do not fit each other, or hold no text.
        OverTime: scoring took longer than eval.max_seconds.
    """
    gpt = load(model, device=device())
    pieces = Tokenizer(tokenizer)
    if gpt.config.vocab_size != pieces.vocab_size:
        raise InputError(
            f"{tokenizer}: {pieces.vocab_size} pieces; expected the {gpt.config.vocab_size} of the model {model}"
        )
    texts = read_texts(tokens, pieces)
    documents, counts = texts.documents, texts.num_bytes
    if not documents:
        raise InputError(f"{tokens[0]}: holds no document; expected a shard in which token 1 opens each document")
    require_text(counts, str(tokens[0]))
    started = time.monotonic()
    scores = evaluate(gpt, documents, config, seed=seed)
    seconds = time.monotonic() - started
    if config.max_seconds is not None and seconds > config.max_seconds:
        raise OverTime(f"scoring took {seconds:.0f} s, more than eval.max_seconds = {config.max_seconds:g}")
    return {
        "nll_per_token": scores.nll_per_token,
        "bpb": bits_per_byte(float(scores.nll.sum()), sum(counts)),
        "tokens": int(scores.tokens.sum()),
        "bytes": sum(counts),
        "documents": len(documents),
        "seconds": seconds,
        "device": device(),
        "scores": [
            {"document": index, "nll": nll, "tokens": length, "bytes": count}
            for index, (nll, length, count) in enumerate(
                zip(scores.nll.tolist(), scores.tokens.tolist(), counts, strict=True)
            )
        ],
    }


def train_folder(config: Any, tokens: str, seed: int, out: Path, home: Home) -> dict[str, Any]:
    """Train one seed, alone or as a rank under torchrun, into a folder with weights, trace and result."""
    folder = build_demo(home.demo).tokens if tokens == "demo" else Path(tokens)
    stream = Stream.open(find_shards(folder, "train"))
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    out.mkdir(parents=True, exist_ok=True)
    weights = train(config, tokens=stream, seed=seed, out=out)
    result: dict[str, Any] = json.loads((out / "result.json").read_text(encoding="utf-8"))
    del result["written"]  # means something to this machine's monotonic clock only
    return {"weights": str(weights), "seed": seed, "device": device(), **result}


def selftest_report(folder: Path | None) -> dict[str, Any]:
    """Compare golden vectors, of a folder or the bundled ones, with what this machine's engine computes.

    The engine is judged in float32. Where this machine computes in another precision, "own_precision" has the result of
    the smaller set in it.
    """
    folders = BUNDLED if folder is None else (folder,)
    cases = []
    for vectors in folders:
        for case in _cases(vectors, "float32"):
            cases.append(case if folder is not None else {**case, "name": f"{vectors.name}/{case['name']}"})
    dtype = environment.machine().dtype
    report: dict[str, Any] = {"device": device(), "dtype": "float32", "cases": cases}
    if dtype == "float32":
        return report
    return {**report, "own_precision": {"dtype": dtype, "cases": _cases(folders[-1], "auto")}}


def _cases(folder: Path, precision: Precision) -> list[dict[str, Any]]:
    """The cases of a folder of golden vectors as plain data."""
    return [
        {
            "name": case.name,
            "max_difference": case.max_difference,
            "documents": [
                {"nll_per_token": d.nll_per_token, "expected": d.expected, "difference": d.difference}
                for d in case.documents
            ],
        }
        for case in selftest(folder, device(), precision)
    ]


@dataclass(frozen=True, slots=True)
class Check:
    """A thing that a machine should have, and what it has."""

    name: str
    good: bool
    detail: str


def doctor(root: Path) -> list[Check]:
    """Check whether this machine can run sweeps."""
    machine = environment.machine()
    free = shutil.disk_usage(root if root.exists() else Path.cwd()).free
    versions = software.versions()
    checks = [
        Check("python", sys.version_info >= (3, 11), f"{versions['python']}; 3.11 or later needed"),
        *(Check(name, name in versions, versions.get(name, "not installed")) for name in ("torch", "ray", "optuna")),
        Check("device", True, f"{machine.device}, {machine.dtype}, {torch.cuda.device_count()} GPUs"),
        Check("attention", True, machine.attention),
        Check("cores", True, str(os.cpu_count())),
        Check("disk", free > 2**30, f"{free / 2**30:.1f} GiB free; 1 needed"),
        Check("home", _writable(root), f"{root} is {'' if _writable(root) else 'not '}writable"),
    ]
    return [*checks, *check_engine(selftest_report(BUNDLED[1]))]


def check_engine(report: Mapping[str, Any]) -> list[Check]:
    """Judge a report of the selftest, in each precision; a loss that is no number is no agreement."""
    checks = []
    for part in (report, *([report["own_precision"]] if "own_precision" in report else [])):
        worst = float(np.max([case["max_difference"] for case in part["cases"]]))
        limit, dtype = LIMITS[part["dtype"]], part["dtype"]
        detail = f"golden vectors agree within {worst:.1e}; {limit:.0e} allowed in {dtype}"
        checks.append(Check("engine", worst <= limit, detail))
    return checks


def _writable(root: Path) -> bool:
    existing = next(path for path in (root.resolve(), *root.resolve().parents) if path.exists())
    return os.access(existing, os.W_OK)
