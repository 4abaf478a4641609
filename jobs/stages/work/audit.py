"""Auditing: an evaluation's own engine is judged through the interface that every scorer is judged by."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from golf.audit.audit_engine import audit_engine
from golf.audit.probes.overlap import overlaps
from golf.data.texts import with_byte_files
from golf.data.tokens import Tokenizer, read_shard, read_stream, split_documents
from golf.ttt.engine import EvalConfig
from jobs.events import Event, Finished, Progress
from jobs.machine.digests import check_digest, find_shards_here
from jobs.machine.environment import peak_bytes
from jobs.spec import Order
from jobs.stages.audit import OVERLAP_TOKENS
from jobs.stages.work.documents import eval_documents
from jobs.stages.work.models import load_model
from jobs.stages.work.settings import settings_of


def run_audit(order: Order, inputs: Mapping[str, bytes]) -> Iterator[Event]:
    """Judge an evaluation's own engine on its own artifact, through the interface that every scorer is judged by.

    Raises:
        InputError: data, tokenizer or artifact are missing, damaged, or not those of the job.
    """
    started = time.monotonic()
    settings = order.job.settings
    model = load_model(order.job.inputs["artifact"], inputs["artifact"]).content
    documents, _ = eval_documents(order)
    yield Progress(fraction=0.0, note=f"audit, {settings['seconds']:g} s")
    judgment = audit_engine(
        model,
        settings_of(EvalConfig, settings["eval"]),
        documents,
        seconds=settings["seconds"],
        seed=order.job.seed,
        tokenizer=Tokenizer(Path(order.places["tokenizer"])),
    )
    certificate = judgment.to_json() | {"overlap": _overlap(order)}
    summary = ("passed", "judged", "findings", "length_effect", "overlap")
    outputs = {name: certificate[name] for name in summary} | {"certificate": None}
    outputs["clocks"] = {"audit_seconds": time.monotonic() - started}
    yield Finished(outputs=outputs, files={"certificate": json.dumps(certificate).encode()}, peak_bytes=peak_bytes())


def _overlap(order: Order) -> list[dict[str, Any]] | None:
    """Audited documents that the training tokens hold as well, or in part; None where those are too many to look."""
    which = order.job.settings["documents"]
    digests = order.job.inputs["training"], order.job.inputs["tokens"]
    return _overlaps(order.places["training"], order.places["tokens"], which["first"], which["count"], *digests)


@lru_cache(maxsize=2)
def _overlaps(
    train_folder: str, val_folder: str, first: int, count: int | None, training_digest: str, validation_digest: str
) -> list[dict[str, Any]] | None:
    training, validation = find_shards_here(Path(train_folder), "train"), find_shards_here(Path(val_folder), "val")
    check_digest(training, training_digest, "training tokens")
    check_digest(with_byte_files(validation), validation_digest, "tokens")
    shards = [read_shard(path) for path in training]
    if sum(map(len, shards)) > OVERLAP_TOKENS:
        return None
    documents = split_documents(read_stream(validation))[first : None if count is None else first + count]
    return [asdict(overlap) for overlap in overlaps(documents, shards)]
