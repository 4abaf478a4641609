"""Which notices follow from events and from what is known after them: a pure function.

What was known before is plain JSON, which the store keeps: by sweep the best entry, the leaked ones and the share of
the budget that was reported; the current records; and since when each node is idle.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from golf.errors import shown_name
from jobs.state import EventKind, NoticeKind, SweepState
from jobs.store import EventRecord, Notice
from sweeps.text.escaping import escape
from sweeps.web.addresses import entry_address, sweep_address
from sweeps.web.notices.facts import BoardFacts, BudgetFacts, NoticeFacts
from sweeps.web.notices.idle import watch_nodes

SHARES = (50, 80, 100)
"""Percent of a budget that are reported."""
MOST_FAILURES = 3
"""Failed jobs of a sweep, in one look, up to which each gets a notice of its own."""
MOST_REASON_CHARACTERS = 300
ENDS = (SweepState.DONE, SweepState.FAILED, SweepState.OVER_BUDGET)
"""Of a sweep that are reported; who stops or cancels one knows it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclusion:
    """What follows."""

    notices: Sequence[Notice]
    seen: Mapping[str, Any]
    """What is known from now on."""


def conclude(events: Sequence[EventRecord], seen: Mapping[str, Any], facts: NoticeFacts) -> Conclusion:
    """The notices of some events.

    Args:
        events: in order.
        seen: what was known before them; empty at the first look.
        facts: what is known after them.
    """
    written = {(event.sweep, event.entry) for event in events if event.kind == EventKind.ENTRY_WRITTEN}
    imported = {event.detail.get("record") for event in events if event.kind == EventKind.RECORD_IMPORTED}
    boards, budgets = dict(seen.get("boards", {})), dict(seen.get("budgets", {}))
    records, nodes = dict(seen.get("records", {})), seen.get("nodes", {})
    notices: list[Notice] = []
    for sweep, board in facts.boards.items():
        notices += _judge_board(sweep, board, boards.get(sweep), written)
        boards[sweep] = {"best": board.best, "leaked": sorted(board.leaked)}
    for group, record in facts.records.items():
        known, name = group in records, f"{record.sweep or ''}/{record.name}"
        is_new = records[group] != name if known else (record.sweep, record.name) in written or record.name in imported
        if is_new and record.over is not None:
            notices.append(_record_moved(record))
        records[group] = name
    notices += _report_failures(events, facts)
    ended_over_budget = {
        event.sweep for event in events if _ended_as(event) == SweepState.OVER_BUDGET and event.sweep is not None
    }
    for sweep, budget in facts.budgets.items():
        share = _share_of(budget, over=sweep in ended_over_budget)
        if share > budgets.get(sweep, 0):
            notices.append(_budget_spent(sweep, budget, share))
        budgets[sweep] = share
    notices += [_quarantined(event) for event in events if event.kind == EventKind.NODE_QUARANTINED]
    if facts.nodes is not None:
        idle, nodes = watch_nodes(nodes, facts.nodes)
        notices += idle
    for event in events:
        if (state := _ended_as(event)) in ENDS and event.sweep is not None:
            notices.append(_sweep_done(event, state or "", facts.boards.get(event.sweep)))
    return Conclusion(notices=notices, seen={"boards": boards, "budgets": budgets, "records": records, "nodes": nodes})


def _judge_board(
    sweep: str, board: BoardFacts, before: Mapping[str, Any] | None, written: set[tuple[str | None, str | None]]
) -> Iterator[Notice]:
    """Notices of what changed on a board; where nothing was known of it, only of entries that were just written."""
    best = board.best
    if best is not None and (best != before["best"] if before else (sweep, best) in written):
        sentence = f"Sweep {shown_name(sweep)} has a new best legal entry: {shown_name(best)}, {clip(board.score)}."
        yield _about_entry(NoticeKind.NEW_BEST, sentence, sweep, best, score=board.score)
    for name, why in board.leaked.items():
        if name not in before["leaked"] if before else (sweep, name) in written:
            sentence = (
                f"Entry {shown_name(name)} of sweep {shown_name(sweep)} would lead, but it is flagged: {clip(why)}."
            )
            yield _about_entry(NoticeKind.LEAKED_WINNER, sentence, sweep, name, findings=why)


def _about_entry(kind: NoticeKind, sentence: str, sweep: str, entry: str, **facts: Any) -> Notice:
    path = entry_address({"name": entry, "source": "golfsweep", "sweep": sweep})
    data = {"sweep": sweep, "entry": entry, **facts}
    return Notice(kind=kind.value, sentence=sentence, path=path or sweep_address(sweep), data=data)


def _record_moved(record: Any) -> Notice:
    of = f" of sweep {shown_name(record.sweep)}" if record.sweep else ""
    source = "golfsweep" if record.sweep else "import"
    path = entry_address({"name": record.name, "source": source, "sweep": record.sweep})
    return Notice(
        kind=NoticeKind.RECORD_MOVED.value,
        sentence=f"The current record of {record.contest} ({record.track}) is now {shown_name(record.name)}{of} with "
        f"{record.score}; before, it was {shown_name(record.over)}.",
        path=path or "/records",
        data={name: getattr(record, name) for name in ("contest", "track", "name", "sweep", "score", "over")},
    )


def _report_failures(events: Sequence[EventRecord], facts: NoticeFacts) -> Iterator[Notice]:
    failed: dict[str, list[EventRecord]] = {}
    for event in events:
        if event.kind == EventKind.JOB_FAILED:
            failed.setdefault(event.sweep or "", []).append(event)
    for sweep, those in failed.items():
        of = f" of sweep {shown_name(sweep)}" if sweep else ""
        if len(those) > MOST_FAILURES:
            label, reason = _describe_failure(those[-1], facts)
            yield Notice(
                kind=NoticeKind.JOB_FAILED.value,
                sentence=f"{len(those)} jobs{of} failed for good, the last of them {label}: {reason}",
                path=sweep_address(sweep) if sweep else "/activity",
                data={"sweep": sweep or None, "keys": [event.key for event in those]},
            )
            continue
        for event in those:
            label, reason = _describe_failure(event, facts)
            yield Notice(
                kind=NoticeKind.JOB_FAILED.value,
                sentence=f"Job {label}{of} failed for good: {reason}",
                path=f"/jobs/{quote(event.key or '', safe='')}",
                data={"sweep": sweep or None, "key": event.key, "label": label, "reason": reason},
            )


def _describe_failure(event: EventRecord, facts: NoticeFacts) -> tuple[str, str]:
    label = facts.labels.get(event.key or "", (event.key or "")[:12])
    return shown_name(label), clip(str(event.detail.get("reason") or "no reason is known"))


def _share_of(budget: BudgetFacts, *, over: bool) -> int:
    spent = 100 if over else 100 * budget.spent_hours / budget.hours
    return max((share for share in SHARES if spent >= share), default=0)


def _budget_spent(sweep: str, budget: BudgetFacts, share: int) -> Notice:
    part = "its whole budget" if share == 100 else f"{share} % of its budget"
    return Notice(
        kind=NoticeKind.BUDGET.value,
        sentence=f"Sweep {shown_name(sweep)} has used {part}: {budget.spent_hours:.3g} of {budget.hours:.3g} "
        "slot-hours are spent.",
        path=sweep_address(sweep),
        data={"sweep": sweep, "percent": share, "spent_hours": budget.spent_hours, "hours": budget.hours},
    )


def _quarantined(event: EventRecord) -> Notice:
    cluster, node, host = (str(event.detail.get(name, "")) for name in ("cluster", "node", "host"))
    reason = clip(str(event.detail.get("reason", "")))
    return Notice(
        kind=NoticeKind.NODE_QUARANTINED.value,
        sentence=f"Node {shown_name(node)} ({shown_name(host)}) gets no more jobs: {reason}",
        path="/cluster",
        data={"cluster": cluster, "node": node, "host": host, "reason": reason},
    )


def _ended_as(event: EventRecord) -> str | None:
    return event.detail.get("state") if event.kind == EventKind.SWEEP_ENDED else None


def _sweep_done(event: EventRecord, state: str, board: BoardFacts | None) -> Notice:
    sweep, reason = event.sweep or "", clip(str(event.detail.get("reason") or ""))
    verdict = "no verdict" if board is None else clip(board.verdict)
    why = f" ({reason})" if reason else ""
    return Notice(
        kind=NoticeKind.SWEEP_DONE.value,
        sentence=f"Sweep {shown_name(sweep)} is {state}{why}: {verdict}.",
        path=sweep_address(sweep),
        data={"sweep": sweep, "state": state, "reason": reason or None, "verdict": verdict},
    )


def clip(text: str) -> str:
    """A text of others in one line in which everything shows, and not too long."""
    line = escape(" ".join(text.split()))
    return line if len(line) <= MOST_REASON_CHARACTERS else f"{line[: MOST_REASON_CHARACTERS - 1]}…"
