"""Reading what events are about: boards, records, budgets, jobs and nodes as they are after them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from golf.errors import InputError
from jobs.machine.clock import steady_epoch
from jobs.state import EventKind
from jobs.store import EventRecord, SweepRecord
from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.entries.facts import contest_of, latest_sweep
from sweeps.entries.reading import board_of
from sweeps.standings.reading import list_present, standings_of
from sweeps.views.components.panels.verdict_bar import prepare_verdict_bar
from sweeps.views.ranking.measure import BITS_PER_BYTE, Measure
from sweeps.views.ranking.standing_facts import measure_of
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.verdicts.read_verdict import read_verdict
from sweeps.views.verdicts.sweep_verdict import SweepVerdict
from sweeps.web.notices.facts import BoardFacts, BudgetFacts, NodeActivity, NoticeFacts, RecordFacts

_CHANGES_BOARD = (
    EventKind.ENTRY_WRITTEN, EventKind.ENTRY_REMOVED, EventKind.ENTRY_WITHDRAWN, EventKind.SWEEP_ENDED
)  # fmt: skip
_COSTS = (
    EventKind.JOB_DONE, EventKind.JOB_FAILED, EventKind.JOB_REQUEUED, EventKind.JOB_LOST, EventKind.JOB_CANCELLED,
    EventKind.SWEEP_PUT, EventKind.SWEEP_ENDED,
)  # fmt: skip
Rows = Sequence[Mapping[str, Any]]
Changes = Iterable[Mapping[str, Any]]


def observe(events: Sequence[EventRecord], place: Workplace, *, nodes: bool) -> NoticeFacts:
    """What the subjects of events are like now.

    Args:
        events: those that notices are made of.
        place: the home.
        nodes: whether to look at nodes, too.
    """
    boards: dict[str, BoardFacts] = {}
    records: dict[str, RecordFacts] = {}
    for record in filter(None, map(place.store.sweep, _sweeps_of(events, _CHANGES_BOARD))):
        try:
            facts, changes = _read_board(record, place)
        except InputError:  # another version of golfsweep wrote it
            continue
        boards[record.name] = facts
        records |= _last_records(contest_of(record), changes)
    if any(event.kind == EventKind.RECORD_IMPORTED for event in events):
        records |= _read_records(place)
    return NoticeFacts(
        boards=boards,
        records=records,
        budgets=_read_budgets(_sweeps_of(events, _COSTS), place),
        labels=_read_labels(events, place),
        nodes=_read_nodes(place) if nodes else None,
    )


def _sweeps_of(events: Sequence[EventRecord], kinds: Collection[EventKind]) -> list[str]:
    return list(dict.fromkeys(event.sweep for event in events if event.kind in kinds and event.sweep is not None))


def _read_board(record: SweepRecord, place: Workplace) -> tuple[BoardFacts, Changes]:
    if contest_of(record) == DEFAULT:
        board = board_of(record.name, place)
        rows: Rows = board.table()
        verdict = read_verdict(record.name, rows, place)
        return _describe_board(verdict, rows, BITS_PER_BYTE, "val_bpb_mean"), board.changes()
    contest = contest_named(contest_of(record))
    standings = standings_of(contest, place)
    rows = standings.rows(record.name)
    verdict = read_verdict(record.name, rows, place, contest=contest)
    return _describe_board(verdict, rows, measure_of(contest), "value"), standings.changes()


def _describe_board(verdict: SweepVerdict, rows: Rows, measure: Measure, score: str) -> BoardFacts:
    own = [row for row in rows if row["source"] == "golfsweep" and row[score] is not None]
    leader = next((row for row in own if row["name"] == verdict.leader and row["track"] == "legal"), None)
    honest = [row[score] for row in own if row["track"] != "flagged"]
    leaked = {
        row["name"]: describe_flags(row["findings"])
        for row in own
        if row["track"] == "flagged" and all(measure.gain(row[score], other) > 0 for other in honest)
    }
    bar = prepare_verdict_bar(verdict)
    said = ", ".join(text for text in (bar.score, bar.gain) if text)
    chips = ", ".join(chip.word for chip in bar.chips)
    return BoardFacts(
        best=None if leader is None else verdict.leader,
        score=said if leader is not None else "",
        leaked=leaked,
        verdict=f"{bar.name}{f' leads with {said}' if verdict.leader is not None else ''} ({chips})",
    )


def _last_records(contest: str, changes: Changes) -> dict[str, RecordFacts]:
    """The last change of each track's record; keys tell contests, tracks and machines apart."""
    records = {}
    measure = BITS_PER_BYTE if contest == DEFAULT else measure_of(contest_named(contest))
    for change in changes:
        if change["track"] != "flagged":
            value = change["val_bpb_mean"] if contest == DEFAULT else change["value"]
            records["/".join((contest, change["track"], change.get("machine") or ""))] = RecordFacts(
                contest=contest, track=change["track"], name=change["name"], sweep=change["sweep"],
                score=measure.describe(value), over=change["over"],
            )  # fmt: skip
    return records


def _read_records(place: Workplace) -> dict[str, RecordFacts]:
    """The current records of every contest."""
    records: dict[str, RecordFacts] = {}
    for contest in list_present(place):
        if contest != DEFAULT:
            records |= _last_records(contest, standings_of(contest_named(contest), place).changes())
            continue
        latest = latest_sweep(place)
        try:
            records |= _last_records(contest, board_of(latest, place).changes())
        except InputError:  # the latest sweep is of another contest, or another version wrote it
            records |= _last_records(contest, board_of(None, place).changes())
    return records


def _read_budgets(names: Sequence[str], place: Workplace) -> dict[str, BudgetFacts]:
    budgets = {}
    for name in names:
        hours = place.store.budget(name).hours
        if hours:
            budgets[name] = BudgetFacts(spent_hours=place.store.account(name).spent, hours=hours)
    return budgets


def _read_labels(events: Sequence[EventRecord], place: Workplace) -> dict[str, str]:
    keys = {event.key for event in events if event.kind == EventKind.JOB_FAILED and event.key is not None}
    records = filter(None, map(place.store.job, sorted(keys)))
    return {record.key: record.order.label for record in records}


def _read_nodes(place: Workplace) -> NodeActivity:
    store = place.store
    return NodeActivity(
        running={(attempt.cluster, attempt.node) for attempt in store.running_attempts() if attempt.node is not None},
        clusters={scheduler.cluster for scheduler in store.live_schedulers()},
        bad={(node.cluster, node.name) for node in store.nodes() if not node.good},
        now=steady_epoch(),
    )
