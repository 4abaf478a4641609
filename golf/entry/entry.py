"""A contest entry: train one seed of a recipe, quantize it, score the validation set, and print the results.

This is the whole run of `train_gpt.py` (golf.entry.bundle), alone or as one rank under torchrun. It reads the
challenge's environment variables:

    DATA_PATH        folder of token shards
    TOKENIZER_PATH   SentencePiece model
    SEED             seed of the run
    RUN_ID           output folder runs/RUN_ID, whose files are overwritten; a new one by default
"""

import json
import math
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file

from golf.artifact.packing import QuantizeConfig, load_bytes, pack
from golf.data.stream import Stream
from golf.data.texts import read_texts, require_text
from golf.data.tokens import DATA_PATH, Tokenizer, find_shards
from golf.entry.log_lines import Sizes, Total, score_lines, setting_lines, size_lines, training_lines
from golf.errors import InputError, OverTime, shown
from golf.files import write_atomically
from golf.train.config import TrainConfig
from golf.train.process_group import ProcessGroup, join_process_group
from golf.train.training import SEED, train
from golf.ttt.config import EvalConfig
from golf.ttt.engine import evaluate

T = TypeVar("T")

TOKENIZER_PATH = "./data/tokenizers/fineweb_1024_bpe.model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A recipe, and constants of its runs."""

    train: TrainConfig
    quantize: QuantizeConfig
    eval: EvalConfig
    holdout_documents: int
    """Documents at the end of the training stream that were used for tuning; they are not trained on."""
    source_bytes: int
    """Bytes of the packed modules before packing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Inputs, seed and output folder of one run."""

    data: Path
    tokenizer: Path
    seed: int
    out: Path

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Environment":
        """Read environment variables, with the challenge's defaults.

        Raises:
            InputError: SEED is no whole number ≥ 0.
        """
        seed = variables.get("SEED", str(SEED))
        if not seed.isdecimal():
            raise InputError(f"SEED = {shown(seed)}: expected a whole number")
        return cls(
            data=Path(variables.get("DATA_PATH", DATA_PATH)),
            tokenizer=Path(variables.get("TOKENIZER_PATH", TOKENIZER_PATH)),
            seed=int(seed),
            out=Path("runs") / variables.get("RUN_ID", str(uuid.uuid4())),
        )


def run(settings: Mapping[str, Any], code_bytes: int) -> None:
    """Make one run; rank 0 prints the log lines and writes the files.

    Args:
        settings: an Entry as plain data.
        code_bytes: bytes of the script.

    Raises:
        InputError: data or settings are invalid or do not fit together.
        Diverged: loss or gradient is no longer finite.
        RanksDiffer: the weights of the ranks are no longer the same.
        OverTime: scoring took longer than eval.max_seconds.
    """
    entry, environment = configure(Entry, settings), Environment.of(os.environ)
    stream, _ = Stream.open(find_shards(environment.data, "train")).hold_out(entry.holdout_documents)
    # No checkpoints: copying them would take training time, and no run of an entry is ever resumed.
    weights = train(
        entry.train,
        tokens=stream,
        seed=environment.seed,
        out=environment.out,
        resume=False,
        checkpoint_seconds=None,
    )
    with join_process_group() as group:
        artifact = b""
        if group.is_first:
            show(setting_lines(entry.train, environment.seed, group.world))
            show(
                training_lines(
                    _read_metrics(environment.out),
                    json.loads((environment.out / "result.json").read_text(encoding="utf-8")),
                )
            )
            artifact = quantize(weights, entry)
            write_atomically(environment.out / "final_model.golf", artifact)
            sizes = Sizes(model=len(artifact), code=code_bytes, source=entry.source_bytes)
            show(size_lines(sizes, entry.quantize))
        total = score(group.share(artifact), entry, environment, group)
        if group.is_first:
            show(score_lines(total, entry.quantize, entry.eval))


def quantize(weights: Path, entry: Entry) -> bytes:
    """Quantize and pack trained weights; returns the artifact's content."""
    content, _ = pack(load_file(weights), entry.train.model, entry.quantize)
    return content


def score(artifact: bytes, entry: Entry, environment: Environment, group: ProcessGroup) -> Total:
    """Score the validation set with the artifact; every rank scores a share of the documents.

    Raises:
        InputError: the validation set is missing, damaged or has no text.
        OverTime: scoring took longer than eval.max_seconds.
    """
    entered = time.monotonic()
    model = load_bytes(artifact, "artifact", device=group.device)
    texts = read_texts(find_shards(environment.data, "val"), Tokenizer(environment.tokenizer))
    require_text(texts.num_bytes, str(environment.data))
    documents = texts.documents
    by_length = sorted(range(len(documents)), key=lambda index: (-len(documents[index]), index))
    mine = by_length[group.rank :: group.world]
    group.barrier()
    started = time.monotonic()
    scores = evaluate(model, [documents[index] for index in mine], entry.eval, seed=environment.seed)
    nll_D = torch.zeros(len(documents), dtype=torch.float64, device=group.device)
    nll_D[mine] = torch.from_numpy(scores.nll).to(group.device)
    group.sum_(nll_D)
    group.wait()
    seconds, limit = time.monotonic() - started, entry.eval.max_seconds
    if limit is not None and seconds > limit:
        raise OverTime(f"scoring took {seconds:.0f} s, more than eval.max_seconds = {limit:g}")
    return Total(
        nll=math.fsum(nll_D.tolist()),
        tokens=sum(len(document) - 1 for document in documents),
        bytes=sum(texts.num_bytes),
        seconds=seconds,
        process_seconds=time.monotonic() - entered,
    )


def configure(kind: type[T], settings: Mapping[str, Any]) -> T:
    """Build a configuration from plain data: nested mappings, with lists for tuples."""
    values = {}
    for field in fields(kind):  # type: ignore[arg-type]  # a dataclass, which T cannot say
        if field.name not in settings:
            continue  # it has its default
        value, inner = settings[field.name], field.type
        if isinstance(inner, type) and is_dataclass(inner):
            value = configure(inner, value)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def show(lines: Iterator[str]) -> None:
    """Print lines."""
    for line in lines:
        print(line, flush=True)


def _read_metrics(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
