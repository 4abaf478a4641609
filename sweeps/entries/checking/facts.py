"""Checking what decides an entry's track beside its score and its audit: limits, coverage, fresh seeds and clocks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.stages.evaluate import EVALUATE
from jobs.stages.train import TRAIN
from jobs.store import JobRecord, SweepRecord
from sweeps.board.evaluation import Evaluation
from sweeps.board.rules import LIMIT_BYTES, LIMIT_SECONDS

CLOCKED = {TRAIN.name: "train", EVALUATE.name: "eval"}
"""Stage → what the names of its clocks begin with in an entry."""
ROUNDING = 1e-3
"""Seconds."""


def check_facts(run: Evaluation, sweep: SweepRecord | None, jobs: Mapping[str, JobRecord]) -> Iterator[str]:
    """Check one seed of our own recipe.

    Args:
        run: its evaluation.
        sweep: the record of its sweep; None where that is gone.
        jobs: by stage.
    """
    if run.limit_bytes != LIMIT_BYTES:
        yield f"it says that {run.limit_bytes} bytes are allowed; the contest allows {LIMIT_BYTES}"
    if sweep is not None:
        tune = _read(sweep.spec, "file", "seeds", "tune")
        if run.fresh_seed and isinstance(tune, Sequence) and run.seed in tune:
            yield "it says that its seed is fresh, and its sweep tunes on it"
        documents = _read(sweep.spec, "data", "val_documents")
        if run.whole_set is not False and documents is not None and run.text.documents != documents:
            yield f"it says that the whole set was scored; {run.text.documents} of {documents} documents were"
    for stage, prefix in CLOCKED.items():
        outputs: Mapping[str, Any] = (jobs[stage].outputs if stage in jobs else None) or {}
        for name, seconds in outputs.get("clocks", {}).items():
            stated = run.clocks.get(f"{prefix}.{name}", 0.0)
            if seconds > LIMIT_SECONDS and stated < seconds - ROUNDING:  # else no rule depends on it
                yield f"its {stage} job took {seconds:.1f} s ({name}), the entry says {stated:.1f} s"


def _read(spec: Any, *names: str) -> Any:
    """A value of a sweep's record; None where another version of golfsweep, which wrote it, has none."""
    for name in names:
        spec = spec.get(name) if isinstance(spec, Mapping) else None
    return spec
