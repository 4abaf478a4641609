"""`golfsweep package`: write an entry of the store, legal or of a script, as a folder in the challenge's form.

Every number is read again from what the jobs left; an entry without one of them is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from golf.errors import InputError
from jobs.machine import software
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
from sweeps.spec.script.kind import ScriptKind
from sweeps.standings.reading import find_standing
from sweeps.submission.comparison import describe_standing, find_spreads
from sweeps.submission.script_package import gather_script
from sweeps.submission.seed_runs import gather_run, recipe_of
from sweeps.submission.submission import Submission, make_claims
from sweeps.submission.submission_folder import make_files


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
    recipe, data = recipe_of(chains[0]), sweep.data
    assert isinstance(data, DataSet)
    standing, against = describe_standing(entry, sweep, board)
    stored = read_entry(entry.sweep, entry.name, place)
    assert stored is not None
    certificate = read_certificate(stored, place.files)
    assert certificate is not None  # a legal entry is audited
    script = sweep.script(entry.name, recipe)
    runs = [gather_run(chain, recipe, script, place, title) for chain in chains]
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
        spreads=find_spreads(entry, sweep, board, against),
        certificate=certificate,
        script=script.content,
        script_commit=software.commit(),
        requirements={name: _find_version(name, runs[0].versions) for name in script.requirements},
    )
    if (total := submission.largest.total) > LIMIT_BYTES:
        raise InputError(f"entry {title}: {total:,} bytes with its train_gpt.py, over {LIMIT_BYTES:,}")
    return submission


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


def _find_version(package: str, used: Mapping[str, str]) -> str:
    """The version of a package that the runs used, or that is installed where they do not say; without its build."""
    return (used.get(package) or version(package)).split("+")[0]


def _find_end(chain: JobChain) -> float:
    finished = chain.jobs[chain.scored.name].finished
    assert finished is not None
    return finished
