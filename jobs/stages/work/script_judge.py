"""What the gang of a script's audit executes: `python -m jobs.stages.work.script_judge FOLDER`.

It judges in this process, and the scorer runs in one of its own, under the script's interpreter. The folder holds
order.json, scorer.json and run/; the certificate appears in it, or error.0.json that says why there is none.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from golf.audit.auditor import MIN_CALL_SECONDS, audit
from golf.audit.probes.overlap import overlaps
from golf.audit.rescoring import rescore
from golf.audit.scorer.checked_scorer import Scorer, Tokens
from golf.audit.scorer.observed import ObservedScorer
from golf.audit.scorer.process import ScorerProcess
from golf.data.texts import Texts, read_texts, with_byte_files
from golf.data.tokens import Tokenizer, read_shard
from golf.files import write_atomically
from jobs.machine.digests import check_digest, find_shards_here
from jobs.program import GANG_VARIABLE
from jobs.spec import Order
from jobs.stages.audit import AUDITED, OVERLAP_TOKENS
from jobs.stages.work.gang_folder import read_order, write_error
from jobs.stages.work.script_auditor import RESULT, RUN, read_scorer


def main(folder: Path) -> None:
    """Judge a scorer and leave its certificate."""
    started, order = time.monotonic(), read_order(folder)
    try:
        certificate = judge(order, folder)
    except Exception as error:
        write_error(folder, error)
        raise
    certificate["audit_seconds"] = time.monotonic() - started
    write_atomically(folder / RESULT, json.dumps(certificate).encode())


def judge(order: Order, folder: Path) -> dict[str, Any]:
    """The certificate of a script's scorer as plain data, with what it gave validation documents.

    Raises:
        InputError: the data are not those of the job, or the scorer cannot be loaded.
    """
    settings, tokenizer = order.job.settings, Tokenizer(Path(order.places["tokenizer"]))
    texts = _texts(order, tokenizer)
    documents = [np.asarray(document, np.int64) for document in texts.documents]
    audited = documents[:AUDITED]
    first_nll: dict[int, float] = {}
    start = _starter(settings["score"], folder, audited, first_nll)
    seconds = float(settings["seconds"])
    with start() as scorer:

        def restart() -> AbstractContextManager[Scorer]:
            scorer.__exit__()  # two may have no room on one GPU
            return start()

        certificate = audit(
            scorer,
            vocab_size=tokenizer.vocab_size,
            documents=audited,
            seconds=seconds,
            seed=order.job.seed,
            decode=tokenizer.text,
            restart=restart,
        )
    with start() as scorer:
        rescored = rescore(
            scorer,
            documents,
            sum(texts.num_bytes),
            dict(first_nll),
            seconds=seconds,
            seed=int(order.job.key[:8], 16),
            call_seconds=max(MIN_CALL_SECONDS, seconds),
        )
    return certificate.to_json() | {"overlap": _overlap(order, audited), "rescored": rescored.to_json()}


def _starter(
    reference: str, folder: Path, documents: Sequence[Tokens], first_nll: dict[int, float]
) -> Callable[[], ObservedScorer]:
    """What starts the scorer in the script's environment."""
    python, environment = read_scorer(folder)
    marks = {name: os.environ[name] for name in (GANG_VARIABLE,) if name in os.environ}

    def start() -> ObservedScorer:
        process = ScorerProcess(reference, python=python, environment={**environment, **marks}, folder=folder / RUN)
        return ObservedScorer(process, documents, first_nll, lambda line: print(line, flush=True))

    return start


def _texts(order: Order, tokenizer: Tokenizer) -> Texts:
    """The validation documents, checked against the digests of the job."""
    shards = find_shards_here(Path(order.places["validation"]), "val")
    check_digest(with_byte_files(shards), order.job.inputs["validation"], "validation tokens")
    check_digest([Path(order.places["tokenizer"])], order.job.inputs["tokenizer"], "tokenizer")
    return read_texts(shards, tokenizer)


def _overlap(order: Order, documents: Sequence[Tokens]) -> list[dict[str, Any]] | None:
    """Audited documents that the training tokens hold as well, or in part; None where those are too many to look."""
    shards = [read_shard(path) for path in find_shards_here(Path(order.places["tokens"]), "train")]
    if sum(map(len, shards)) > OVERLAP_TOKENS:
        return None
    return [asdict(overlap) for overlap in overlaps(documents, shards)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
