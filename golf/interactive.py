"""The three calls of a notebook: train → artifact → score.

from golf import evaluate, quantize, train

weights = train(steps=60)        # a small model on the bundled corpus
artifact = quantize(weights)
evaluate(artifact).bpb
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from golf.artifact.packing import QuantizeConfig, load, save
from golf.data.corpus import bundled_corpus
from golf.data.stream import Stream
from golf.data.texts import read_texts
from golf.data.tokens import Tokenizer, Tokens, find_shards
from golf.errors import InputError, shown_name
from golf.model.config import ModelConfig
from golf.model.gpt import GPT
from golf.presets import EVAL_PRESETS
from golf.progress import ProgressLine
from golf.score import Scores
from golf.train.config import TrainConfig
from golf.train.training import SEED
from golf.train.training import train as train_seed
from golf.ttt.adapters import AdapterRanks, Multipliers
from golf.ttt.config import EvalConfig
from golf.ttt.engine import evaluate as score_documents
from golf.ttt.visits import plan_visits

__all__ = ["evaluate", "quantize", "train"]

ARTIFACT = "model.golf"
"""Name of an artifact beside its weights."""


DEMO = TrainConfig(
    gpus=1,
    steps=400,
    batch_tokens=1024,
    seq_len=256,
    embed_lr=0.05,
    warmup_steps=1,
    warmdown_steps=200,
    muon_momentum=0.9,
    muon_momentum_start=0.8,
    muon_momentum_steps=50,
    ema_decay=0.98,
    swa_every=5,
    model=ModelConfig(num_layers=3, model_dim=64, num_heads=2, num_kv_heads=1, mlp_hidden=192),
)
"""The recipe of examples/demo.toml: a small model that one core trains in less than a minute."""


def train(
    config: TrainConfig = DEMO,
    *,
    tokens: Stream | Tokens | Path | str = "demo",
    steps: int | None = None,
    seed: int = SEED,
    out: Path | str | None = None,
    progress: bool | None = None,
) -> Path:
    """Train one seed with progress; returns the path of its weights.

    On a CPU it computes on one thread, as a job of a sweep does, unless OMP_NUM_THREADS is set: small models gain
    nothing by more, and the weights are those of a sweep.

    Args:
        config: how to train, by default a small model.
        tokens: integers [n], a folder of shards, or "demo", the bundled corpus.
        steps: a limit in steps instead of the configuration's.
        seed: of initial weights.
        out: the folder of this training; runs/CONFIG-SEED in the current directory by default.
        progress: whether to show a line of progress; by default on a terminal and in a notebook.

    Raises:
        InputError: the tokens do not fit the configuration, or the folder is of another training.
        Diverged: loss or gradient is no longer finite.
    """
    chosen = config if steps is None else replace(config, steps=steps)
    source = bundled_corpus().tokens if isinstance(tokens, str) and tokens == "demo" else tokens
    line, last = ProgressLine("train", 1.0, shown=progress), (0, float("nan"))

    def show(step: int, loss: float, seconds: float) -> None:
        nonlocal last
        last = step, loss
        by_steps = step / chosen.steps if chosen.steps else 0.0
        by_time = seconds / chosen.max_seconds if chosen.max_seconds else 0.0
        line.set(max(by_steps, by_time), f"step {step}, loss {loss:.3f}")

    with _threads_of_a_job():
        weights = train_seed(chosen, tokens=source, seed=seed, out=out, show=show)
    line.finish(f"{last[0]} steps, loss {last[1]:.3f}")
    return weights


def quantize(weights: Path | str, out: Path | str | None = None, config: QuantizeConfig | None = None) -> Path:
    """Quantize and compress weights into an artifact; returns its path.

    Args:
        weights: a `.safetensors` state dict, such as `train` returns.
        out: the file to write; model.golf beside the weights by default.
        config: how to quantize, by default to 6 bits.

    Raises:
        InputError: the file is missing, damaged or no such model, or a weight is not finite.
    """
    model, path = load(weights), Path(weights).with_name(ARTIFACT) if out is None else Path(out)
    save(path, model.state_dict(), model.config, config or QuantizeConfig())
    return path


def evaluate(
    model: GPT | Path | str,
    documents: Sequence[Tokens] | Path | str = "demo",
    config: EvalConfig | str = "score-first",
    *,
    tokenizer: Path | str | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Scores:
    """Score documents with a model, with test-time training as configured, and with progress.

    Args:
        model: an artifact, a `.safetensors` state dict, or a model.
        documents: "demo" for the validation documents of the bundled corpus; a shard, or a folder whose validation
            shards are meant; or integer arrays, BOS first, whose bytes are not known.
        config: settings, or the name of a preset.
        tokenizer: the SentencePiece model of a shard or folder, by which bytes are counted.
        seed: of the adapters.
        progress: whether to show a line of progress; by default on a terminal and in a notebook.

    Returns:
        The scores; `.bpb` is in bits per byte.

    Raises:
        InputError: a file is missing, damaged or does not fit the others, or an unknown preset.
        Diverged: adapting to a document led to a loss that is not finite.
    """
    gpt = model if isinstance(model, GPT) else load(model, device="cuda" if torch.cuda.is_available() else "cpu")
    settings = _preset(config) if isinstance(config, str) else config
    texts, num_bytes = _read(documents, tokenizer)
    line = ProgressLine("evaluate", _count_chunks(texts, settings), shown=progress)
    scores = score_documents(gpt, texts, settings, seed=seed, show=line.add)
    scores = replace(scores, num_bytes=num_bytes)
    line.finish(repr(scores))
    return scores


def _preset(name: str) -> EvalConfig:
    if name not in EVAL_PRESETS:
        raise InputError(f"{shown_name(name)}: no preset; expected an EvalConfig or one of {', '.join(EVAL_PRESETS)}")
    values = dict(EVAL_PRESETS[name])
    if "ranks" in values:
        values["ranks"] = AdapterRanks(**values["ranks"])
    if "multipliers" in values:
        values["multipliers"] = Multipliers(**values["multipliers"])
    return EvalConfig(**values)


def _read(documents: Sequence[Tokens] | Path | str, tokenizer: Path | str | None) -> tuple[list[Tokens], int | None]:
    """Documents, and the bytes of their texts."""
    if not isinstance(documents, Path | str):
        return [*documents], None
    if str(documents) == "demo":
        demo = bundled_corpus()
        place, pieces = demo.tokens, demo.tokenizer
    elif tokenizer is None:
        raise InputError(f"{documents}: bits per byte need the tokenizer of its shards; give tokenizer=")
    else:
        place, pieces = Path(documents), Path(tokenizer)
    texts = read_texts(find_shards(place, "val") if place.is_dir() else [place], Tokenizer(pieces))
    return texts.documents, sum(texts.num_bytes)


def _count_chunks(documents: Sequence[Tokens], config: EvalConfig) -> int:
    """How many chunks are scored, each as often as the protocol passes over it."""
    lengths = [len(np.asarray(document)) - 1 for document in documents]
    adapted = [length for length in lengths if config.adapts and length + 1 >= config.min_document_tokens]
    return len(lengths) - len(adapted) + sum(len(visit.documents) for visit in plan_visits(adapted, config, 1))


@contextmanager
def _threads_of_a_job() -> Iterator[None]:
    """Compute on as many threads as a job of a sweep, for a `with` block."""
    before = torch.get_num_threads()
    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
