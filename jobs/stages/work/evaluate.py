"""Evaluating: some shards of an evaluation's documents are scored, one event each."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from golf.data.tokens import Tokens
from golf.errors import InputError, OverTime
from golf.model.gpt import ModelConfig
from golf.ttt.engine import EvalConfig, evaluate
from jobs.events import Event, Finished, Progress, Shard
from jobs.machine.datasets import order_here
from jobs.machine.environment import peak_bytes
from jobs.scores import cut_shards, write_table
from jobs.spec import Order
from jobs.stages.work.documents import eval_documents, texts_of
from jobs.stages.work.memory import scoring_problem
from jobs.stages.work.models import load_model, shape_of
from jobs.stages.work.settings import settings_of

IMPORT_SECONDS = time.process_time()
"""What this process had worked when everything was imported; an idle worker's waiting is not in it."""


def run_eval(
    order: Order,
    inputs: Mapping[str, bytes],
    shards: Sequence[int],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """Score some shards of an evaluation's documents, one event each.

    The clock `eval_seconds` counts scoring alone, after everything is loaded; `process_seconds` about what a process of
    its own would have taken: loading and the processor time of imports are in it also where a warm worker has them
    behind it.

    Raises:
        InputError: data, tokenizer or artifact are missing, damaged, or not those of the job.
        OverTime: scoring took longer than eval.max_seconds.
    """
    config = settings_of(EvalConfig, order.job.settings["eval"])
    kept = load_model(order.job.inputs["artifact"], inputs["artifact"])
    if (problem := scoring_problem(config, kept.content.config)) is not None:  # before anything is allocated for it
        raise InputError(problem)
    model, (documents, num_bytes) = kept.content, eval_documents(order)
    cut = _cut(order, documents, config, model.config)
    started = clock()
    for done, index in enumerate(shards):
        yield Progress(fraction=done / len(shards), note=f"documents {sum(map(len, cut[:index]))}/{len(documents)}")
        chosen = cut[index]
        scores = evaluate(model, [documents[number] for number in chosen], config, seed=order.job.seed)
        spent = clock() - started
        if config.max_seconds is not None and spent > config.max_seconds:
            raise OverTime(f"scoring took {spent:.0f} s, more than eval.max_seconds = {config.max_seconds:g}")
        counts = np.array([num_bytes[number] for number in chosen], np.int64)
        yield Shard(index=index, content=write_table(chosen, scores.nll, scores.tokens, counts))
    spent = clock() - started
    before = IMPORT_SECONDS + kept.seconds + texts_of(order).seconds
    clocks = {"eval_seconds": spent, "process_seconds": before + spent}
    yield Finished(outputs={"clocks": clocks}, peak_bytes=peak_bytes())


def shards_of(order: Order, artifact: bytes) -> int:
    """How many shards an evaluation has: the same on every machine.

    Raises:
        NotReady: its data are not on this one.
    """
    config = settings_of(EvalConfig, order.job.settings["eval"])
    documents, _ = eval_documents(order_here(order))
    return len(_cut(order, documents, config, shape_of(order.job.inputs["artifact"], artifact)))


def _cut(order: Order, documents: Sequence[Tokens], config: EvalConfig, model: ModelConfig) -> list[list[int]]:
    """Documents by shard. A scheduler without a GPU must cut like the workers: the job's machine class decides."""
    device = "cuda" if order.job.machine.device.startswith("cuda") else "cpu"
    return cut_shards([len(document) - 1 for document in documents], config, model, device)
