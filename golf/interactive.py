"""The three calls of a notebook: train → artifact → score.

from golf import evaluate, quantize, train

weights = train(steps=60)        # a small model on the bundled corpus
artifact = quantize(weights)
evaluate(artifact).bpb
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from golf.artifact.packing import QuantizeConfig, load, save
from golf.data.corpus import bundled_corpus
from golf.data.texts import read_texts
from golf.data.tokens import Tokenizer, Tokens, find_shards
from golf.errors import InputError, shown_name
from golf.model.gpt import GPT
from golf.presets import EVAL_PRESETS
from golf.progress import ProgressLine
from golf.score import Scores
from golf.train.interactive import train
from golf.ttt.adapters import AdapterRanks, Multipliers
from golf.ttt.config import EvalConfig
from golf.ttt.engine import evaluate as score_documents
from golf.ttt.visits import plan_visits

__all__ = ["evaluate", "quantize", "train"]

ARTIFACT = "model.golf"
"""Name of an artifact beside its weights."""


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
