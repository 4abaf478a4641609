"""From the entries of a home to its leaderboard and to pairs of entries: what reading commands and pages show."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from golf.errors import InputError, shown_name
from jobs.errors import Unreadable
from jobs.files import FileStore
from jobs.store import EntryRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.compare import Pair
from sweeps.board.entries import BoardEntry
from sweeps.board.evaluation import Evaluation
from sweeps.board.leaderboard import open_board
from sweeps.board.ledger import SweepOwner
from sweeps.board.rules import RuleFinding
from sweeps.contests.catalog import DEFAULT
from sweeps.entries.checking import judge_evidence
from sweeps.entries.facts import SweepFacts, can_read, contest_of, latest_sweep
from sweeps.entries.form import evaluations_of
from sweeps.entries.lost import Lost, LostKind
from sweeps.entries.names import EntryName, contest_of_record, match_entries, resolve_entry
from sweeps.entries.shape import read_entries, read_records
from sweeps.entries.superseded import Superseded, Withdrawn, find_superseded, find_withdrawn, is_current
from sweeps.entries.tables import read_scores
from sweeps.statistics.documents import Documents


def board_of(name: str | None, place: Workplace, lost: Lost | None = None, named_sweeps: Collection[str] = ()) -> Board:
    """The leaderboard of a sweep, imported records beside it, and all other sweeps as what came before.

    Superseded and withdrawn entries are not on it. Entries are held against their evidence, and one that it contradicts
    is flagged: all that are shown, and of other sweeps those that have ever led, with which alone the shown ones are
    compared. A number that needs lost document scores is left out.

    Args:
        name: of the sweep whose entries are shown; None where there is none yet, which leaves the records.
        place: the home that it belongs to.
        lost: collects which evidence could not be read.
        named_sweeps: other sweeps, all of whose entries are held against their evidence.

    Raises:
        InputError: another version of golfsweep wrote the sweep.
    """
    records = [content for content in place.store.records() if contest_of_record(content) == DEFAULT]
    imported = read_records(records)
    record = None if name is None else place.store.sweep(name)
    if record is None:
        board = open_board(profile="accepted")
        board.add(records=imported)
        return board
    facts = SweepFacts.of(record)
    if facts.contest != DEFAULT:
        raise InputError(f"sweep {name}: is of {facts.contest}; see golfsweep leaderboard --contest {facts.contest}")
    elsewhere = {sweep.name for sweep in place.store.sweeps() if contest_of(sweep) != DEFAULT}
    current = [entry for entry in read_entries(place.store) if is_current(entry) and entry.sweep not in elsewhere]
    lost = lost or Lost()
    scores = ScoreReader(place.files, lost)
    board = open_board(profile=facts.rules, baseline=facts.baseline, scores=scores, owners=owners_of(place))
    judged = {name, *named_sweeps}
    findings = judge_evidence([entry for entry in current if entry.sweep in judged], place, lost)
    own, earlier = (
        [
            run
            for entry in current
            if (entry.sweep == name) is own
            for run in _judge(scores.know(entry), entry, findings)
        ]
        for own in (True, False)
    )
    board.add(own, imported)
    board.add(earlier, shown=False)
    unjudged = {(entry.sweep, entry.name): entry for entry in current if entry.sweep not in judged}
    _judge_leaders(board, unjudged, scores, place, lost)
    return board


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputedBoard:
    """A leaderboard, computed once."""

    board: Board
    rows: Sequence[dict[str, Any]]
    changes: Sequence[dict[str, Any]]
    lost: Lost
    """What could not be read."""


def compute_board(name: str | None, place: Workplace) -> ComputedBoard:
    """The leaderboard of a sweep, as `board_of` has it; raises what that does."""
    lost = Lost()
    board = board_of(name, place, lost)
    return ComputedBoard(board=board, rows=board.table(), changes=board.changes(), lost=lost)


def owners_of(place: Workplace) -> dict[str, SweepOwner]:
    """Sweep → who tried its settings."""
    return {
        record.name: SweepOwner(name=record.owner, runners=record.spec.get("runners", ()))
        for record in place.store.sweeps()
    }


def _judge_leaders(
    board: Board, unjudged: dict[tuple[str, str], EntryRecord], scores: "ScoreReader", place: Workplace, lost: Lost
) -> None:
    """Hold those hidden entries against their evidence that a shown one is compared with.

    One that is contradicted is flagged, and then another one may lead.
    """
    while leading := [key for leader in board.leaders() if (key := (leader.sweep, leader.name)) in unjudged]:
        records = [unjudged.pop(key) for key in leading]
        findings = judge_evidence(records, place, lost)
        flagged = [record for record in records if (record.sweep, record.name) in findings]
        board.add([run for record in flagged for run in _judge(scores.know(record), record, findings)], shown=False)
        if not flagged:
            return


def _judge(
    runs: list[Evaluation], entry: EntryRecord, findings: Mapping[tuple[str, str], RuleFinding]
) -> list[Evaluation]:
    """An entry's evaluations with the finding of its evidence, if there is one."""
    more = findings.get((entry.sweep, entry.name))
    return runs if more is None else [replace(run, findings=(*run.findings, more)) for run in runs]


class ScoreReader:
    """Reads document scores by digest, and tells of those that are lost whose they are."""

    def __init__(self, files: FileStore, lost: Lost) -> None:
        self._files, self._lost = files, lost
        self._owners: dict[str | None, str] = {}

    def know(self, entry: EntryRecord) -> list[Evaluation]:
        """An entry's evaluations, whose scores may be read."""
        runs = evaluations_of(entry)
        self._owners |= {run.scores: f"{run.sweep}/{run.row} seed {run.seed}" for run in runs}
        return runs

    def __call__(self, digest: str) -> Documents:
        """A score table.

        Raises:
            Unreadable: it is lost.
        """
        try:
            return read_scores(self._files, digest)
        except Unreadable:
            self._lost.note(LostKind.SCORES, self._owners[digest])
            raise


def superseded_of(place: Workplace) -> list[Superseded]:
    """Entries of any sweep that were measured with another arithmetic than this code's."""
    return find_superseded(read_entries(place.store))


def withdrawn_of(place: Workplace) -> list[Withdrawn]:
    """Entries of any sweep that do not count until it is run again."""
    return _find_withdrawn(read_entries(place.store), place)


def former_of(place: Workplace) -> list[Superseded | Withdrawn]:
    """Entries of any sweep that are on no leaderboard any more, with the reason."""
    entries = read_entries(place.store)
    return [*find_superseded(entries), *_find_withdrawn(entries, place)]


def _find_withdrawn(entries: Sequence[EntryRecord], place: Workplace) -> list[Withdrawn]:
    """Withdrawn entries, and all of sweeps that cannot be read."""
    unread = {record.name for record in place.store.sweeps() if not can_read(record)}
    names: dict[str, list[str]] = {}
    for entry in entries:
        if entry.sweep in unread:
            names.setdefault(entry.sweep, []).append(entry.name)
    reason = "another version of golfsweep wrote it"
    others = [Withdrawn(sweep=sweep, entries=known, reason=reason) for sweep, known in names.items()]
    return [*find_withdrawn(entry for entry in entries if entry.sweep not in unread), *others]


def pair_of(challenger: str, incumbent: str, place: Workplace, lost: Lost | None = None) -> Pair:
    """Two entries by name, as `resolve_entry` has it.

    Raises:
        InputError: no entry or several have such a name, or it is superseded.
    """
    latest = latest_sweep(place)
    named = [name.partition("/")[0] for name in (challenger, incumbent) if "/" in name]
    entries = board_of(latest, place, named_sweeps=named).entries()
    former = former_of(place)
    c, i = (find_entry(name, entries, latest or "", former) for name in (challenger, incumbent))
    scores = ScoreReader(place.files, lost or Lost())
    for record in filter(is_current, read_entries(place.store)):
        scores.know(record)
    return _make_pair(c, i, entries, scores, place)


def pair_of_leader(board: Board, sweep: str, name: str, place: Workplace, lost: Lost) -> Pair | None:
    """An entry of a sweep beside what its verdict is against; None where that is no entry."""
    entries = board.entries()
    leader = next((entry for entry in entries if (entry.sweep, entry.name) == (sweep, name)), None)
    opponent = None if leader is None else board.opponent_of(leader)
    if leader is None or not isinstance(opponent, BoardEntry):
        return None
    scores = ScoreReader(place.files, lost)
    for owner in {leader.sweep, opponent.sweep} - {""}:
        for record in place.store.entries(owner):
            scores.know(record)
    return _make_pair(leader, opponent, entries, scores, place)


def _make_pair(
    c: BoardEntry, i: BoardEntry, entries: Sequence[BoardEntry], scores: "ScoreReader", place: Workplace
) -> Pair:
    both = {entry.sweep for entry in (c, i)} - {""}  # public records share no sweep
    kind = (c.track, c.data)
    peers = [
        entry for entry in entries if entry in (c, i) or (entry.sweep in both and (entry.track, entry.data) == kind)
    ]
    return Pair(
        challenger=c,
        incumbent=i,
        peers=peers,
        records=[entry for entry in entries if entry.source == "import"],
        recipes=(_settings(c, place), _settings(i, place)),
        read_scores=scores,
    )


def find_entry(
    name: str, entries: Sequence[BoardEntry], latest: str, former: Sequence[Superseded | Withdrawn] = ()
) -> BoardEntry:
    """The entry that a name means, as `resolve_entry` has it.

    Raises:
        InputError: there is none, or several; the message names the nearest, or says that it is superseded or
            withdrawn.
    """
    known = {EntryName(sweep=entry.sweep, name=entry.name): entry for entry in entries}
    gone = {EntryName(sweep=each.sweep, name=entry): each for each in former for entry in each.entries}
    meant = resolve_entry(name, [*known, *gone] if match_entries(name, [*gone], latest) else [*known], latest=latest)
    if meant in gone:
        raise InputError(f'entry "{shown_name(name)}": {gone[meant].line}')
    return known[meant]


def read_entry(sweep: str, name: str, place: Workplace) -> EntryRecord | None:
    """The stored entry of a name, superseded ones included."""
    return next((entry for entry in read_entries(place.store, sweep) if entry.name == name), None)


def _settings(entry: BoardEntry, place: Workplace) -> Mapping[str, Any]:
    """Every setting of an entry's recipe; none of a public record's."""
    record = read_entry(entry.sweep, entry.name, place) if entry.sweep else None
    return {} if record is None else record.content["settings"]
