"""The only place that runs golf: a job's settings become its configuration, and its work becomes events."""

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors.torch import load as load_safetensors

from golf.artifact.packing import QuantizeConfig, load_bytes, pack
from golf.audit import audit
from golf.audit.probes.overlap import overlaps
from golf.audit.scorer.engine import EngineScorer
from golf.data.stream import Stream
from golf.data.texts import Texts, count_texts, read_texts, require_text, with_byte_files
from golf.data.tokens import Tokenizer, Tokens, find_shards, read_shard, read_stream, split_documents
from golf.entry.bundle import code_bytes
from golf.errors import InputError, OverTime, TooLarge
from golf.limits import LIMIT_BYTES
from golf.model.gpt import GPT, ModelConfig
from golf.model.state_dict import model_from_state
from golf.presets import EVAL_PRESETS
from golf.train.training import TrainConfig
from golf.ttt.engine import EvalConfig, evaluate
from jobs.digests import check_digest
from jobs.events import Event, Finished, Progress, Shard
from jobs.machine.environment import peak_bytes
from jobs.scores import cut_shards, write_table
from jobs.spec import KEPT_ARTIFACTS, Order

T = TypeVar("T")

IMPORT_SECONDS = time.process_time()
"""What this process had worked when everything was imported; an idle worker's waiting is not in it."""
KEPT_TEXTS = 4
"""Sets of documents that a worker keeps loaded: those of two sweeps, to tune and to confirm on."""
OVERLAP_TOKENS = 2**27
"""Training tokens among which validation text is looked for: some minutes of a core."""


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    """Something that a worker keeps from job to job."""

    content: T
    seconds: float
    """What loading it took."""


def settings_of(kind: type[T], settings: Mapping[str, Any]) -> T:
    """The configuration that a job's plain settings stand for."""
    return TypeAdapter(kind).validate_python(dict(settings))


def run_quantize(order: Order, inputs: Mapping[str, bytes]) -> Iterator[Event]:
    """Turn trained weights into an artifact, with its byte ledger and its loss before and after.

    Raises:
        InputError: weights or tokens are missing, damaged, or not those of the job.
        TooLarge: with the smallest script that could run it, it does not fit the challenge; evaluating it would be
            money for a row that nobody may submit.
    """
    started = time.monotonic()
    settings = order.job.settings
    model, config = settings_of(ModelConfig, settings["model"]), settings_of(QuantizeConfig, settings["quantize"])
    state = load_safetensors(inputs["weights"])
    content, ledger = pack(state, model, config)
    sizes = {"code_bytes": (code := code_bytes()), "total_bytes": len(content) + code, "limit_bytes": LIMIT_BYTES}
    if sizes["total_bytes"] > LIMIT_BYTES:
        raise TooLarge(f"artifact and code have {sizes['total_bytes']:,} bytes, {LIMIT_BYTES:,} are allowed")
    clocks = {"quantize_seconds": time.monotonic() - started}
    documents, num_bytes = _compared_documents(order)
    loss = {
        "before": (yield from _base_loss(documents, model_from_state(state, model, device=_device()), "before")),
        "after": (yield from _base_loss(documents, load_bytes(content, "artifact", device=_device()), "after")),
        "tokens": sum(len(document) - 1 for document in documents),
        "bytes": num_bytes,
    }
    clocks["loss_seconds"] = time.monotonic() - started - clocks["quantize_seconds"]
    outputs = {"artifact": None, "ledger": ledger.to_json() | sizes, "loss": loss, "clocks": clocks}
    yield Finished(outputs=outputs, files={"artifact": content}, peak_bytes=peak_bytes())


def _compared_documents(order: Order) -> tuple[list[Tokens], int]:
    """What a quantization is held against its weights on, and the bytes of its text; nothing if it names no documents.

    The first so many predictions of each document, where the settings say how many.
    """
    most = order.job.settings["tokens"]
    if order.job.settings["documents"]["count"] == 0:
        return [], 0
    documents, num_bytes = eval_documents(order)
    if most is None:
        return documents, sum(num_bytes)
    counts = _texts_of(order).content.counts[_chosen(order)]
    return [document[: most + 1] for document in documents], sum(int(one[:most].sum()) for one in counts)


def _base_loss(documents: list[Tokens], model: GPT, when: str) -> Generator[Progress, None, float | None]:
    """Nats per token of a model as it is, None without documents; tells how far it is."""
    config, lengths = settings_of(EvalConfig, EVAL_PRESETS["none"]), [len(document) - 1 for document in documents]
    nats, parts = 0.0, cut_shards(lengths, config, model.config, _device()) if documents else []
    for done, part in enumerate(parts):
        yield Progress(fraction=done / len(parts), note=f"loss {when} quantization")
        nats += float(evaluate(model, [documents[index] for index in part], config).nll.sum())
    return nats / sum(lengths) if documents else None


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
    kept = _model(order.job.inputs["artifact"], _Content(inputs["artifact"]))
    model, (documents, num_bytes) = kept.content, eval_documents(order)
    cut = _cut(order, documents, config, model.config)
    started = clock()
    for done, index in enumerate(shards):
        yield Progress(fraction=done / len(shards), note=f"documents {sum(map(len, cut[:index]))}/{len(documents)}")
        chosen = cut[index]
        scores = evaluate(model, [documents[one] for one in chosen], config, seed=order.job.seed)
        spent = clock() - started
        if config.max_seconds is not None and spent > config.max_seconds:
            raise OverTime(f"scoring took {spent:.0f} s, more than eval.max_seconds = {config.max_seconds:g}")
        counts = np.array([num_bytes[one] for one in chosen], np.int64)
        yield Shard(index=index, content=write_table(chosen, scores.nll, scores.tokens, counts))
    spent = clock() - started
    before = IMPORT_SECONDS + kept.seconds + _texts_of(order).seconds
    clocks = {"eval_seconds": spent, "process_seconds": before + spent}
    yield Finished(outputs={"clocks": clocks}, peak_bytes=peak_bytes())


def run_audit(order: Order, inputs: Mapping[str, bytes]) -> Iterator[Event]:
    """Judge an evaluation's own engine on its own artifact, through the interface that every scorer is judged by.

    Raises:
        InputError: data, tokenizer or artifact are missing, damaged, or not those of the job.
    """
    started = time.monotonic()
    settings = order.job.settings
    model = _model(order.job.inputs["artifact"], _Content(inputs["artifact"])).content
    config, pieces = settings_of(EvalConfig, settings["eval"]), Tokenizer(Path(order.places["tokenizer"]))
    scorer = EngineScorer(model, config, seed=order.job.seed, tokenizer=pieces)
    documents, _ = eval_documents(order)
    yield Progress(fraction=0.0, note=f"audit, {settings['seconds']:g} s")
    found = audit(
        scorer,
        vocab_size=model.config.vocab_size,
        documents=documents,
        seconds=settings["seconds"],
        seed=order.job.seed,
        decode=pieces.text,
        clock=scorer.clock,
    )
    told = found.to_json()
    told["overlap"] = _overlap(order)
    kept = ("passed", "judged", "findings", "overlap")
    outputs = {name: told[name] for name in kept} | {"certificate": None}
    outputs["clocks"] = {"audit_seconds": time.monotonic() - started}
    yield Finished(outputs=outputs, files={"certificate": json.dumps(told).encode()}, peak_bytes=peak_bytes())


def _overlap(order: Order) -> list[dict[str, Any]] | None:
    """Audited documents that the training tokens hold as well, or in part; None where those are too many to look."""
    which = order.job.settings["documents"]
    digests = order.job.inputs["training"], order.job.inputs["tokens"]
    return _overlaps(order.places["training"], order.places["tokens"], which["first"], which["count"], *digests)


@lru_cache(maxsize=2)
def _overlaps(
    train_folder: str, val_folder: str, first: int, count: int | None, training_digest: str, validation_digest: str
) -> list[dict[str, Any]] | None:
    training, validation = find_shards(Path(train_folder), "train"), find_shards(Path(val_folder), "val")
    check_digest(training, training_digest, "training tokens")
    check_digest(with_byte_files(validation), validation_digest, "tokens")
    shards = [read_shard(path) for path in training]
    if sum(map(len, shards)) > OVERLAP_TOKENS:
        return None
    documents = split_documents(read_stream(validation))[first : None if count is None else first + count]
    return [asdict(one) for one in overlaps(documents, shards)]


def shards_of(order: Order, artifact: bytes) -> int:
    """How many shards an evaluation has, wherever it is asked."""
    config = settings_of(EvalConfig, order.job.settings["eval"])
    documents, _ = eval_documents(order)
    return len(_cut(order, documents, config, _shape(order.job.inputs["artifact"], _Content(artifact))))


def _cut(order: Order, documents: Sequence[Tokens], config: EvalConfig, model: ModelConfig) -> list[list[int]]:
    """Documents by shard. A scheduler without a GPU must cut like the evaluators: the job's machine class decides."""
    device = "cuda" if order.job.machine.device.startswith("cuda") else "cpu"
    return cut_shards([len(document) - 1 for document in documents], config, model, device)


def training_stream(order: Order) -> Stream:
    """The tokens that a training may read: its shards without the documents held out for tuning."""
    paths = find_shards(Path(order.places["tokens"]), "train")
    check_digest(paths, order.job.inputs["tokens"], "training tokens")
    return Stream.open(paths).hold_out(int(order.job.settings["holdout_documents"]))[0]


def eval_documents(order: Order) -> tuple[list[Tokens], list[int]]:
    """The documents of an evaluation and the UTF-8 bytes of each."""
    texts, chosen = _texts_of(order).content, _chosen(order)
    if not texts.documents[chosen]:
        raise InputError(f"{order.places['tokens']}: no documents in the range asked for, of {len(texts.documents)}")
    require_text(texts.num_bytes[chosen], order.places["tokens"])
    return texts.documents[chosen], texts.num_bytes[chosen]


def _chosen(order: Order) -> slice:
    """Which of its split's documents an evaluation scores."""
    which = order.job.settings["documents"]
    return slice(which["first"], None if which["count"] is None else which["first"] + which["count"])


def _texts_of(order: Order) -> _Kept[Texts]:
    """All documents of the split that an evaluation reads from."""
    which = order.job.settings["documents"]
    return _texts(
        order.places["tokens"],
        order.places["tokenizer"],
        which["split"],
        int(which["holdout_documents"]),
        order.job.inputs["tokens"],
        order.job.inputs["tokenizer"],
    )


@lru_cache(maxsize=KEPT_TEXTS)
def _texts(
    folder: str, tokenizer: str, split: str, held_out: int, tokens_digest: str, tokenizer_digest: str
) -> _Kept[Texts]:
    started = time.monotonic()
    paths = find_shards(Path(folder), "val" if split == "val" else "train")
    check_digest(with_byte_files(paths), tokens_digest, "tokens")
    check_digest([Path(tokenizer)], tokenizer_digest, "tokenizer")
    pieces = Tokenizer(Path(tokenizer))
    if split == "val":
        texts = read_texts(paths, pieces)
    else:
        texts = count_texts(Stream.open(paths).hold_out(held_out)[1], pieces)
    return _Kept(texts, time.monotonic() - started)


class _Content:
    """An artifact's bytes that do not count when calls are told apart: their digest already does."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content)


@lru_cache(maxsize=KEPT_ARTIFACTS)
def _model(digest: str, content: _Content) -> _Kept[GPT]:
    started = time.monotonic()
    model = load_bytes(content.content, f"artifact {digest[:12]}", device=_device())
    return _Kept(model, time.monotonic() - started)


@lru_cache(maxsize=KEPT_ARTIFACTS)
def _shape(digest: str, content: _Content) -> ModelConfig:
    """An artifact's model without its weights: a scheduler keeps none, and takes no GPU's memory."""
    return load_bytes(content.content, f"artifact {digest[:12]}").config


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def train_config(order: Order) -> TrainConfig:
    """The configuration of a training job."""
    return settings_of(TrainConfig, order.job.settings["train"])
