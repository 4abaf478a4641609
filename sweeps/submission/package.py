"""`golfsweep package`: from a legal row of the store to a folder in the challenge's form.

Every number is read from the records again, and the row is refused where one of them is missing.
"""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from golf.entry.bundle import Script
from golf.entry.log_lines import Sizes, Total
from golf.errors import InputError
from golf.limits import LIMIT_BYTES
from jobs.machine import environment
from jobs.scores import read_table
from jobs.state import AttemptState
from jobs.store import AttemptRecord, JobRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.leaderboard import to_json
from sweeps.board.rows import Row
from sweeps.run import results
from sweeps.run.outcome import Outcome
from sweeps.spec.sections import BaselineSection
from sweeps.spec.sweep import Sweep
from sweeps.submission.submission import SeedRun, Submission

PUBLISHED = "published record"
"""What a baseline is called of which only numbers are known."""


def gather(name: str, place: Workplace, author: str | None = None) -> Submission:
    """Everything that a submission of a row consists of.

    Args:
        name: SWEEP/ROW, or ROW of the latest sweep.
        place: the home that holds it.
        author: who submits it.

    Raises:
        InputError: no such row; or it is not legal, not complete, or without its records.
    """
    row, sweep, board = _find(name, place)
    title = f"{row.sweep}/{row.name}"
    driver = sweep.driver(place.store, read_only=True)
    outcomes = [outcome for outcome in driver.confirmed() if outcome.run.row == row.name]
    _check(row, outcomes, driver.seeds_of(row.name), sweep, title)
    recipe = outcomes[0].run.recipe
    standing, against = standing_of(row, sweep, board)
    script = sweep.script(row.name, recipe)
    runs = [_run(outcome, script, place, title) for outcome in outcomes]
    submission = Submission(
        name=title,
        author=author,
        date=datetime.fromtimestamp(max(_finished(outcome) for outcome in outcomes), UTC).date().isoformat(),
        recipe=recipe,
        runs=runs,
        text=row.runs[0].text,
        tokens=sweep.data.tokens.name,
        tokenizer=sweep.data.tokenizer.name,
        standing=standing,
        against=against,
        certificate=results.certificates(driver, place.files)[row.name],
        script=script.content,
        script_commit=environment.commit(),
        requirements={name: _version(name, runs[0].versions) for name in script.requirements},
    )
    if (total := submission.largest.total) > LIMIT_BYTES:
        raise InputError(f"row {title}: {total:,} bytes with its train_gpt.py, over {LIMIT_BYTES:,}")
    return submission


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder, whole or not at all.

    Raises:
        InputError: there is something in its place.
    """
    check_free(folder)
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError(f"--out {folder}: cannot be made ({error.strerror}); name a folder to write to") from None
    try:
        for name, content in contents.items():
            (beside / name).write_bytes(content)
        beside.chmod(0o755)
        os.replace(beside, folder)  # an empty folder gives way
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def check_free(folder: Path) -> None:
    """Whether a folder may be written: there is none yet, or it is empty.

    Raises:
        InputError: there is something in its place.
    """
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise InputError(f"--out {folder}: is there already; name a new folder, or an empty one")


def _find(name: str, place: Workplace) -> tuple[Row, Sweep, Board]:
    """A row, its sweep, and the board of that sweep, whose rules and baseline judge it whatever was run since."""
    sweeps = place.store.sweeps()
    latest = Sweep.from_json(sweeps[-1].spec) if sweeps else None
    rows = results.board_of(latest, place).rows()
    row = results.find_row(name, rows, latest.spec.name if latest else "")
    if not row.sweep:
        raise InputError(f"row {name}: is a public record, imported; only rows of own sweeps can be packaged")
    record = place.store.sweep(row.sweep)
    assert record is not None
    sweep = Sweep.from_json(record.spec)
    board = results.board_of(sweep, place)
    own = next(one for one in board.rows() if (one.sweep, one.name) == (row.sweep, row.name))
    return own, sweep, board


def _check(row: Row, outcomes: Sequence[Outcome], asked: Sequence[int], sweep: Sweep, title: str) -> None:
    """Refuse a row that is not legal, or of which a seed is not evaluated by the code that is here."""
    if row.track != "legal":
        said = "; ".join(f"{one.code}: {one.detail}" for one in row.findings)
        raise InputError(f"row {title}: is {row.track}, not legal, under rules {sweep.spec.rules}: {said}")
    evaluated = [outcome.run.seed for outcome in outcomes]
    if missing := [str(seed) for seed in asked if seed not in evaluated]:
        raise InputError(
            f"row {title}: is not complete: {len(evaluated)} of {len(asked)} seeds are evaluated by this version, "
            f"missing {', '.join(missing)}; run the sweep to its end"
        )


def standing_of(row: Row, sweep: Sweep, board: Board) -> tuple[dict[str, Any], dict[str, tuple[str, float]]]:
    """The row as the leaderboard of its sweep has it, and name and mean of the rows that it is held against."""
    shown: list[dict[str, Any]] = to_json(board.frame())["rows"]
    standing = next(one for one in shown if one["name"] == row.name and one["sweep"] == row.sweep)
    means = {one.known_as(row.sweep): one.moments.mean for one in board.rows() if one.moments is not None}
    baseline = sweep.spec.baseline
    if isinstance(baseline, BaselineSection):
        assert baseline.mean is not None
        means[PUBLISHED] = baseline.mean
        baseline = PUBLISHED
    names = {"baseline": baseline, "incumbent": standing["incumbent"]}
    if baseline == row.name:
        names["baseline"] = None
    return standing, {role: (name, means[name]) for role, name in names.items() if name is not None}


def _version(package: str, ran: Mapping[str, str]) -> str:
    """The version of a package that the runs had, or as far as they do not tell, that is here; without its build."""
    return (ran.get(package) or version(package)).split("+")[0]


def _finished(outcome: Outcome) -> float:
    finished = outcome.jobs[-1].finished
    assert finished is not None
    return finished


def _run(outcome: Outcome, script: Script, place: Workplace, title: str) -> SeedRun:
    """One seed's run, from its three jobs and their records."""
    seed = outcome.run.seed
    where = f"row {title}: seed {seed}"
    train, quantize, evaluation = outcome.jobs
    attempts = [_attempt(job, place) for job in outcome.jobs]
    outputs, machine = _outputs(evaluation), train.order.job.machine
    artifact = _content(_outputs(quantize)["artifact"], "artifact", place, where)
    metrics = _content(_outputs(train)["metrics"], "log of training steps", place, where)
    return SeedRun(
        seed=seed,
        sizes=Sizes(model=len(artifact), code=len(script.content), source=script.source_bytes),
        total=Total(
            nll=_nll(evaluation, place, where),
            tokens=outputs["tokens"],
            bytes=outputs["bytes"],
            seconds=outputs["clocks"]["eval_seconds"],
            process_seconds=outputs["clocks"]["process_seconds"],
        ),
        trace=[json.loads(line) for line in metrics.decode().splitlines()],
        result=_outputs(train),
        printed=_printed(_outputs(train), place, where),
        machine=f"{machine.device}, {machine.dtype}, attention {machine.attention}, torch {machine.torch}",
        world=machine.processes,
        versions=attempts[0].versions,
        commits=tuple(dict.fromkeys(one.commit for one in attempts if one.commit is not None)),
    )


def _outputs(job: JobRecord) -> Mapping[str, Any]:
    assert job.outputs is not None
    return job.outputs


def _attempt(job: JobRecord, place: Workplace) -> AttemptRecord:
    """The attempt that did a job."""
    return next(one for one in reversed(place.store.attempts(job.key)) if one.state == AttemptState.DONE)


def _content(digest: str, what: str, place: Workplace, where: str) -> bytes:
    """A file of the store, held against its digest."""
    try:
        return place.files.get(digest)
    except InputError as error:
        raise InputError(f"{where} is without its {what}: {error}") from None


def _nll(evaluation: JobRecord, place: Workplace, where: str) -> float:
    """Nats over all documents, summed once more."""
    outputs = _outputs(evaluation)
    table = read_table(_content(outputs["scores"], "table of documents", place, where))
    total = math.fsum(table["nll"].to_pylist())
    if len(table) != outputs["documents"] or not math.isclose(total, outputs["nll"], rel_tol=1e-9):
        raise InputError(f"{where}: its table of documents does not add up to its score; run the sweep again")
    return total


def _printed(outputs: Mapping[str, Any], place: Workplace, where: str) -> str:
    """What a training printed."""
    if "log" not in outputs:
        raise InputError(
            f"{where} is without its log: an earlier version of golfsweep trained it; run it in a new home"
        )
    return _content(outputs["log"], "log", place, where).decode(errors="replace")
