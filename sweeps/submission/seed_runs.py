"""What each seed of an entry of golfsweep's own has left, read again from the files of its jobs."""

import json
import math
from collections.abc import Mapping
from typing import Any

from golf.entry.bundle import Script
from golf.entry.log_lines import Sizes, Total
from golf.errors import InputError
from jobs.scores import read_table
from jobs.stages.quantize import QUANTIZE
from jobs.stages.train import TRAIN
from jobs.state import AttemptState
from jobs.store import AttemptRecord, JobRecord
from jobs.workplace import Workplace
from sweeps.driver.chain import JobChain
from sweeps.spec.recipe import Recipe
from sweeps.submission.submission import SeedRun


def gather_run(chain: JobChain, recipe: Recipe, script: Script, place: Workplace, title: str) -> SeedRun:
    """Gather one seed's run from its three jobs and their files."""
    seed = chain.measurement.seed
    where = f"entry {title}: seed {seed}"
    train, quantize, evaluation = (chain.jobs[stage] for stage in (TRAIN.name, QUANTIZE.name, chain.scored.name))
    attempts = [_find_attempt(job, place) for job in chain.jobs.values()]
    outputs, machine = _outputs_of(evaluation), train.order.job.machine
    artifact = _read_content(_outputs_of(quantize)["artifact"], "artifact", place, where)
    metrics = _read_content(_outputs_of(train)["metrics"], "log of training steps", place, where)
    return SeedRun(
        seed=seed,
        sizes=Sizes(model=len(artifact), code=len(script.content), source=script.source_bytes),
        total=Total(
            nll=_sum_nll(evaluation, place, where),
            tokens=outputs["tokens"],
            bytes=outputs["bytes"],
            seconds=outputs["clocks"]["eval_seconds"],
            process_seconds=outputs["clocks"]["process_seconds"],
        ),
        trace=[json.loads(line) for line in metrics.decode().splitlines()],
        result=_outputs_of(train),
        printed=_read_printed(_outputs_of(train), place, where),
        machine=machine.describe(recipe_of(chain).eval.precision),
        world=machine.processes,
        versions=attempts[0].versions,
        commits=tuple(dict.fromkeys(attempt.commit for attempt in attempts if attempt.commit is not None)),
    )


def _outputs_of(job: JobRecord) -> Mapping[str, Any]:
    assert job.outputs is not None
    return job.outputs


def _find_attempt(job: JobRecord, place: Workplace) -> AttemptRecord:
    """The attempt that finished a job."""
    return next(attempt for attempt in reversed(place.store.attempts(job.key)) if attempt.state == AttemptState.DONE)


def _read_content(digest: str, what: str, place: Workplace, where: str) -> bytes:
    """Read a file of the store, which checks its digest."""
    try:
        return place.files.get(digest)
    except InputError as error:
        raise InputError(f"{where} is without its {what}: {error}") from None


def _sum_nll(evaluation: JobRecord, place: Workplace, where: str) -> float:
    """Sum the nats over all documents again."""
    outputs = _outputs_of(evaluation)
    table = read_table(_read_content(outputs["scores"], "table of document scores", place, where))
    total = math.fsum(table["nll"].to_pylist())
    if len(table) != outputs["documents"] or not math.isclose(total, outputs["nll"], rel_tol=1e-9):
        raise InputError(f"{where}: its document scores do not add up to its score; run the sweep again")
    return total


def _read_printed(outputs: Mapping[str, Any], place: Workplace, where: str) -> str:
    """What a training printed."""
    if "log" not in outputs:
        raise InputError(f"{where} is without its log, since an earlier version trained it; run it in a new home")
    return _read_content(outputs["log"], "log", place, where).decode(errors="replace")


def recipe_of(chain: JobChain) -> Recipe:
    """The recipe of a legal entry, which none of a script is."""
    recipe = chain.measurement.recipe
    assert isinstance(recipe, Recipe)
    return recipe
