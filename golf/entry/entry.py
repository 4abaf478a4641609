"""A contest entry: train one seed of a recipe, quantize it, score the validation set, and print what came of it.

The whole run of `train_gpt.py` (golf.entry.bundle), alone or as one rank under torchrun. The environment
is the challenge's:

    DATA_PATH        folder of token shards
    TOKENIZER_PATH   SentencePiece model
    SEED             of everything that is drawn
    RUN_ID           names the folder runs/RUN_ID that the run leaves behind; its own, or what is in it is overwritten
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
from golf.errors import InputError, OverTime
from golf.files import write_atomically
from golf.train.config import TrainConfig
from golf.train.ranks import Ranks, join_ranks
from golf.train.training import SEED, train
from golf.ttt.config import EvalConfig
from golf.ttt.engine import evaluate

T = TypeVar("T")

TOKENIZER_PATH = "./data/tokenizers/fineweb_1024_bpe.model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A recipe, and what its runs share."""

    train: TrainConfig
    quantize: QuantizeConfig
    eval: EvalConfig
    holdout_documents: int
    """Documents at the end of the training stream that it was tuned on and does not train on."""
    source_bytes: int
    """Of the packed modules as they are written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """Where one run finds its data, and what tells it from others."""

    data: Path
    tokenizer: Path
    seed: int
    out: Path

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Environment":
        """From environment variables, with the challenge's defaults.

        Raises:
            InputError: SEED is no whole number.
        """
        seed = variables.get("SEED", str(SEED))
        if not seed.isdecimal():
            raise InputError(f"SEED = {seed!r}: expected a whole number")
        return cls(
            data=Path(variables.get("DATA_PATH", DATA_PATH)),
            tokenizer=Path(variables.get("TOKENIZER_PATH", TOKENIZER_PATH)),
            seed=int(seed),
            out=Path("runs") / variables.get("RUN_ID", str(uuid.uuid4())),
        )


def run(settings: Mapping[str, Any], code_bytes: int) -> None:
    """Make one run; rank 0 prints its lines and leaves its files.

    Args:
        settings: an Entry as plain data.
        code_bytes: of the file that runs.

    Raises:
        InputError: data or settings that do not fit.
        Diverged: loss or gradient stopped being finite.
        OverTime: scoring took longer than the recipe allows.
    """
    entry, place = configure(Entry, settings), Environment.of(os.environ)
    stream, _ = Stream.open(find_shards(place.data, "train")).hold_out(entry.holdout_documents)
    weights = train(entry.train, tokens=stream, seed=place.seed, out=place.out, resume=False)
    with join_ranks() as ranks:
        artifact = b""
        if ranks.is_first:
            show(setting_lines(entry.train, place.seed, ranks.world))
            show(training_lines(_trace(place.out), json.loads((place.out / "result.json").read_text())))
            artifact = quantize(weights, entry)
            write_atomically(place.out / "final_model.golf", artifact)
            sizes = Sizes(model=len(artifact), code=code_bytes, source=entry.source_bytes)
            show(size_lines(sizes, entry.quantize))
        total = score(ranks.share(artifact), entry, place, ranks)
        if ranks.is_first:
            show(score_lines(total, entry.quantize, entry.eval))


def quantize(weights: Path, entry: Entry) -> bytes:
    """The artifact of trained weights."""
    content, _ = pack(load_file(weights), entry.train.model, entry.quantize)
    return content


def score(artifact: bytes, entry: Entry, place: Environment, ranks: Ranks) -> Total:
    """Score the whole validation set with nothing but the artifact, every rank a share of the documents.

    Raises:
        OverTime: it took longer than the recipe allows.
    """
    entered = time.monotonic()
    model = load_bytes(artifact, "artifact", device=ranks.device)
    texts = read_texts(find_shards(place.data, "val"), Tokenizer(place.tokenizer))
    require_text(texts.num_bytes, str(place.data))
    documents = texts.documents
    by_length = sorted(range(len(documents)), key=lambda index: (-len(documents[index]), index))
    mine = by_length[ranks.rank :: ranks.world]
    ranks.meet()
    started = time.monotonic()
    scores = evaluate(model, [documents[index] for index in mine], entry.eval, seed=place.seed)
    nll_D = torch.zeros(len(documents), dtype=torch.float64, device=ranks.device)
    nll_D[mine] = torch.from_numpy(scores.nll).to(ranks.device)
    ranks.sum_(nll_D)
    ranks.wait()
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
    """A configuration from plain data, where tables are mappings and tuples are lists."""
    values = {}
    for field in fields(kind):  # type: ignore[arg-type]  # a dataclass, which T cannot say
        value, inner = settings[field.name], field.type
        if isinstance(inner, type) and is_dataclass(inner):
            value = configure(inner, value)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def show(lines: Iterator[str]) -> None:
    """Print lines as they come."""
    for line in lines:
        print(line, flush=True)


def _trace(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
