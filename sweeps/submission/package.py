"""`golfsweep package`: write an entry of the store, legal or of a script, as a folder in the challenge's form.

Every number is read again from what the jobs left; an entry without one of them is refused.
"""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from golf.entry.bundle import Script
from golf.entry.log_lines import Sizes, Total
from golf.errors import InputError
from jobs.machine import software
from jobs.scores import read_table
from jobs.stages.quantize import QUANTIZE
from jobs.stages.train import TRAIN
from jobs.state import AttemptState
from jobs.store import AttemptRecord, JobRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.entries import BoardEntry
from sweeps.board.rules import LIMIT_BYTES
from sweeps.contests.catalog import DEFAULT
from sweeps.driver.chain import JobChain
from sweeps.driver.sweep import Sweep
from sweeps.entries.audits import read_certificate
from sweeps.entries.facts import latest_sweep
from sweeps.entries.reading import board_of, find_entry, former_of, read_entry
from sweeps.spec.dataset import DataSet
from sweeps.spec.recipe import Recipe
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.sections import BaselineSection
from sweeps.standings.reading import find_standing
from sweeps.statistics import Moments, published
from sweeps.submission.script_package import gather_script
from sweeps.submission.submission import SeedRun, Submission, make_claims
from sweeps.submission.submission_folder import make_files

PUBLISHED = "published record"
"""Name of a baseline of which only numbers are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A folder in the challenge's form."""

    name: str
    """SWEEP/ENTRY."""
    seeds: int
    claims: Mapping[str, Any]
    """The content of its submission.json."""
    files: Mapping[str, bytes]


def make(name: str, place: Workplace, author: str | None = None) -> Package:
    """Make the folder that an entry is submitted as; arguments and errors as of `gather`."""
    entry, sweep, board = _find_entry(name, place)
    if not isinstance(sweep.spec.kind, ScriptKind):
        submission = _gather(entry, sweep, board, place, author)
        claims, files = make_claims(submission), make_files(submission)
        return Package(name=submission.name, seeds=len(submission.runs), claims=claims, files=files)
    driver = sweep.driver(place.store, read_only=True)
    chains = [chain for chain in driver.confirmed() if chain.entry == entry.name]
    _check_seeds(chains, driver.seeds_of(entry.name), f"{entry.sweep}/{entry.name}")
    made = gather_script(entry, sweep, chains, place, author)
    return Package(name=made.name, seeds=len(chains), claims=made.claims, files=made.files)


def gather(name: str, place: Workplace, author: str | None = None) -> Submission:
    """Gather everything that an entry's submission consists of.

    Args:
        name: SWEEP/ENTRY, or ENTRY of the latest sweep.
        place: the home that holds it.
        author: who submits it.

    Raises:
        InputError: no such entry, or it is not legal, not complete, or a file of its jobs is missing.
    """
    return _gather(*_find_entry(name, place), place, author)


def _gather(entry: BoardEntry, sweep: Sweep, board: Board, place: Workplace, author: str | None) -> Submission:
    title = f"{entry.sweep}/{entry.name}"
    driver = sweep.driver(place.store, read_only=True)
    chains = [chain for chain in driver.confirmed() if chain.entry == entry.name]
    _check(entry, chains, driver.seeds_of(entry.name), sweep, title)
    recipe, data = _recipe_of(chains[0]), sweep.data
    assert isinstance(data, DataSet)
    standing, against = describe_standing(entry, sweep, board)
    stored = read_entry(entry.sweep, entry.name, place)
    assert stored is not None
    certificate = read_certificate(stored, place.files)
    assert certificate is not None  # a legal entry is audited
    script = sweep.script(entry.name, recipe)
    runs = [_gather_run(chain, recipe, script, place, title) for chain in chains]
    submission = Submission(
        name=title,
        author=author,
        date=datetime.fromtimestamp(max(_find_end(chain) for chain in chains), UTC).date().isoformat(),
        recipe=recipe,
        runs=runs,
        validation_set=entry.runs[0].text,
        tokens=data.tokens.name,
        tokenizer=data.tokenizer.name,
        standing=standing,
        against=against,
        spreads=_find_spreads(entry, sweep, board, against),
        certificate=certificate,
        script=script.content,
        script_commit=software.commit(),
        requirements={name: _find_version(name, runs[0].versions) for name in script.requirements},
    )
    if (total := submission.largest.total) > LIMIT_BYTES:
        raise InputError(f"entry {title}: {total:,} bytes with its train_gpt.py, over {LIMIT_BYTES:,}")
    return submission


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder, whole or not at all.

    Raises:
        InputError: it exists and is not empty, or it cannot be made.
    """
    check_free(folder)
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError(f"--out {folder}: cannot be made ({error.strerror}); name a folder to write to") from None
    try:
        for name, content in contents.items():
            (staging / name).write_bytes(content)
        staging.chmod(0o755)
        os.replace(staging, folder)  # an empty folder gives way
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def check_free(folder: Path) -> None:
    """Check that a folder does not exist yet, or is empty.

    Raises:
        InputError: it exists and is not empty.
    """
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise InputError(f"--out {folder}: exists already; name a new folder, or an empty one")


def _find_entry(name: str, place: Workplace) -> tuple[BoardEntry, Sweep, Board]:
    """Find an entry, its sweep, and the board of that sweep, whose rules and baseline judge it whatever ran later."""
    if (standing := find_standing(name, place)) is not None:
        contest = standing[0].contest.name
        raise InputError(f"entry {name}: is of {contest}; only entries of {DEFAULT} can be packaged")
    latest = latest_sweep(place)
    entries = board_of(latest, place).entries()
    named = find_entry(name, entries, latest or "", former_of(place))
    if not named.sweep:
        raise InputError(f"entry {name}: is an imported record; only entries of your own sweeps can be packaged")
    record = place.store.sweep(named.sweep)
    assert record is not None
    sweep = Sweep.from_json(record.spec)
    board = board_of(named.sweep, place)
    own = next(entry for entry in board.entries() if (entry.sweep, entry.name) == (named.sweep, named.name))
    return own, sweep, board


def _check(entry: BoardEntry, chains: Sequence[JobChain], seeds: Sequence[int], sweep: Sweep, title: str) -> None:
    """Refuse an entry that is not legal, or that lacks an evaluation by this version of the code."""
    if entry.track != "legal":
        findings = "; ".join(f"{finding['code']}: {finding['detail']}" for finding in entry.columns["findings"])
        raise InputError(f"entry {title}: is {entry.track}, not legal, under rules {sweep.spec.rules}: {findings}")
    _check_seeds(chains, seeds, title)


def _check_seeds(chains: Sequence[JobChain], seeds: Sequence[int], title: str) -> None:
    """Refuse an entry that lacks an evaluation by this version of the code."""
    evaluated = [chain.measurement.seed for chain in chains]
    if missing := [str(seed) for seed in seeds if seed not in evaluated]:
        raise InputError(
            f"entry {title}: is not complete: {len(evaluated)} of {len(seeds)} seeds are evaluated by this version, "
            f"missing {', '.join(missing)}; run the sweep to its end"
        )


def describe_standing(
    entry: BoardEntry, sweep: Sweep, board: Board
) -> tuple[dict[str, Any], dict[str, tuple[str, float]]]:
    """The entry on the leaderboard of its sweep, and name and mean of its baseline and incumbent, where they exist."""
    shown = board.table()
    standing = next(row for row in shown if (row["name"], row["sweep"]) == (entry.name, entry.sweep))
    moments = {other.name_within(entry.sweep): other.moments for other in board.entries()}
    means = {name: scored.mean for name, scored in moments.items() if scored is not None}
    baseline = sweep.spec.baseline
    if isinstance(baseline, BaselineSection):
        assert baseline.mean is not None
        means[PUBLISHED] = baseline.mean
        baseline = PUBLISHED
    names = {"baseline": None if baseline == entry.name else baseline, "incumbent": standing["incumbent"]}
    return standing, {role: (name, means[name]) for role, name in names.items() if name is not None}


def _find_spreads(
    entry: BoardEntry, sweep: Sweep, board: Board, against: Mapping[str, tuple[str, float]]
) -> dict[str, Moments]:
    """Mean, variance and number of the scores of what the entry is tested against, by role."""
    moments = {
        other.name_within(entry.sweep): other.moments
        for other in board.entries()
        if other.has_spread and other.moments is not None
    }
    base = sweep.spec.baseline
    if isinstance(base, BaselineSection) and base.mean is not None and base.std is not None and base.n is not None:
        moments[PUBLISHED] = published(base.mean, base.std, base.n)
    return {role: moments[name] for role, (name, _) in against.items() if name in moments}


def _find_version(package: str, used: Mapping[str, str]) -> str:
    """The version of a package that the runs used, or that is installed where they do not say; without its build."""
    return (used.get(package) or version(package)).split("+")[0]


def _find_end(chain: JobChain) -> float:
    finished = chain.jobs[chain.scored.name].finished
    assert finished is not None
    return finished


def _gather_run(chain: JobChain, recipe: Recipe, script: Script, place: Workplace, title: str) -> SeedRun:
    """Gather one seed's run from its three jobs and their files."""
    seed = chain.measurement.seed
    where = f"entry {title}: seed {seed}"
    train, quantize, evaluation = (chain.jobs[stage] for stage in (TRAIN.name, QUANTIZE.name, chain.scored.name))
    attempts = [_find_attempt(job, place) for job in chain.jobs.values()]
    outputs, machine = _read_outputs(evaluation), train.order.job.machine
    artifact = _read_content(_read_outputs(quantize)["artifact"], "artifact", place, where)
    metrics = _read_content(_read_outputs(train)["metrics"], "log of training steps", place, where)
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
        result=_read_outputs(train),
        printed=_read_printed(_read_outputs(train), place, where),
        machine=machine.describe(_recipe_of(chain).eval.precision),
        world=machine.processes,
        versions=attempts[0].versions,
        commits=tuple(dict.fromkeys(attempt.commit for attempt in attempts if attempt.commit is not None)),
    )


def _read_outputs(job: JobRecord) -> Mapping[str, Any]:
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
    outputs = _read_outputs(evaluation)
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


def _recipe_of(chain: JobChain) -> Recipe:
    """The recipe of a legal entry, which none of a script is."""
    recipe = chain.measurement.recipe
    assert isinstance(recipe, Recipe)
    return recipe
