"""Which notices follow from events: made-up events and facts, and those of real sweeps."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.state import EventKind, SweepState
from jobs.store import EventRecord
from jobs.workplace import Workplace
from sweeps.web.notices.concluding import conclude
from sweeps.web.notices.facts import BoardFacts, BudgetFacts, NodeActivity, NoticeFacts, RecordFacts
from sweeps.web.notices.idle import IDLE_SECONDS, watch_nodes
from sweeps.web.notices.observing import observe

SCORE = "1.2000 ± 0.0010 bpb over 3 seeds"


def event(
    kind: EventKind, sweep: str | None = "s", entry: str | None = None, key: str | None = None, **detail: Any
) -> EventRecord:
    return EventRecord(id=1, time=0.0, kind=kind, sweep=sweep, entry=entry, key=key, who="x", detail=detail)


def board(best: str | None = None, **leaked: str) -> BoardFacts:
    return BoardFacts(best=best, score=SCORE if best else "", leaked=leaked, verdict=f"{best} leads")


def of(events: list[EventRecord], seen: dict[str, Any], **facts: Any) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    conclusion = conclude(events, seen, NoticeFacts(**facts))
    return [(notice.kind, notice.sentence) for notice in conclusion.notices], dict(conclusion.seen)


def written(*names: str) -> list[EventRecord]:
    return [event(EventKind.ENTRY_WRITTEN, entry=name) for name in names]


class TestBoards:
    def test_a_new_best_is_reported_once(self) -> None:
        said, seen = of(written("a"), {}, boards={"s": board("a")})
        assert said == [("new-best", f"Sweep s has a new best legal entry: a, {SCORE}.")]
        said, seen = of(written("b"), seen, boards={"s": board("a")})
        assert said == []
        said, seen = of(written("c"), seen, boards={"s": board("c")})
        assert [kind for kind, _ in said] == ["new-best"]
        said, _ = of([event(EventKind.ENTRY_REMOVED, entry="c")], seen, boards={"s": board()})
        assert said == []

    def test_what_led_before_anybody_looked_is_not_new(self) -> None:
        said, seen = of(written("worse"), {}, boards={"s": board("old")})
        assert said == [] and seen["boards"] == {"s": {"best": "old", "leaked": []}}

    def test_a_leaked_winner_is_reported_once_with_why(self) -> None:
        facts = {"s": board("a", leaky="the score knows its target (C3)")}
        said, seen = of(written("leaky"), {"boards": {"s": {"best": "a", "leaked": []}}}, boards=facts)
        sentence = "Entry leaky of sweep s would lead, but it is flagged: the score knows its target (C3)."
        assert said == [("leaked-winner", sentence)]
        assert of(written("leaky", "a"), seen, boards=facts)[0] == []

    def test_a_record_moves_when_somebody_beats_another(self) -> None:
        record = RecordFacts(contest="c", track="legal", name="new", sweep="s", score="1.1 bpb", over="old")
        seen = {"records": {"c/legal/": "s/old"}}
        said, after = of(written("new"), seen, records={"c/legal/": record})
        sentence = "The current record of c (legal) is now new of sweep s with 1.1 bpb; before, it was old."
        assert said == [("record-moved", sentence)] and after["records"] == {"c/legal/": "s/new"}
        assert of(written("new"), after, records={"c/legal/": record})[0] == []
        first = RecordFacts(contest="c", track="legal", name="first", sweep=None, score="1", over=None)
        imported = [event(EventKind.RECORD_IMPORTED, None, record="first")]
        assert of(imported, {}, records={"c/legal/": first})[0] == []


class TestMoney:
    def test_each_share_of_a_budget_is_reported_once(self) -> None:
        seen: dict[str, Any] = {}
        kinds = []
        for hours in (1.0, 4.9, 5.0, 7.9, 8.0, 9.9, 10.0, 10.0):
            facts = {"s": BudgetFacts(spent_hours=hours, hours=10.0)}
            said, seen = of([event(EventKind.JOB_DONE)], seen, budgets=facts)
            kinds += [sentence for _, sentence in said]
        assert kinds == [
            "Sweep s has used 50 % of its budget: 5 of 10 slot-hours are spent.",
            "Sweep s has used 80 % of its budget: 8 of 10 slot-hours are spent.",
            "Sweep s has used its whole budget: 10 of 10 slot-hours are spent.",
        ]
        said, seen = of([event(EventKind.SWEEP_PUT)], seen, budgets={"s": BudgetFacts(spent_hours=10.0, hours=20.0)})
        assert said == [] and seen["budgets"] == {"s": 50}  # a larger budget is reported anew

    def test_a_sweep_that_stops_at_its_budget_has_used_it(self) -> None:
        end = event(EventKind.SWEEP_ENDED, state="over budget", reason="needs 2 GPU-hours")
        said, _ = of([end], {}, budgets={"s": BudgetFacts(spent_hours=9.0, hours=10.0)}, boards={"s": board("a")})
        assert [kind for kind, _ in said] == ["budget", "sweep-done"]
        assert said[1][1] == "Sweep s is over budget (needs 2 GPU-hours): a leads."


class TestJobsAndNodes:
    def test_a_failed_job_is_named_with_its_reason_in_one_line(self) -> None:
        failed = event(EventKind.JOB_FAILED, key="k" * 64, reason="Out of\nmemory\x1b[31m")
        said, _ = of([failed], {}, labels={"k" * 64: "train seed 1"})
        assert said == [("job-failed", "Job train seed 1 of sweep s failed for good: Out of memory\\x1b[31m")]

    def test_many_failures_at_once_are_one_notice(self) -> None:
        failed = [event(EventKind.JOB_FAILED, key=str(number), reason="no") for number in range(9)]
        said, _ = of(failed, {})
        assert said == [("job-failed", "9 jobs of sweep s failed for good, the last of them 8: no")]

    def test_ends_are_reported_but_those_that_somebody_wanted(self) -> None:
        ends = [event(EventKind.SWEEP_ENDED, state=state.value) for state in SweepState]
        assert [sentence for _, sentence in of(ends, {})[0]] == [
            "Sweep s is done: no verdict.", "Sweep s is failed: no verdict.", "Sweep s is over budget: no verdict.",
        ]  # fmt: skip

    def test_a_quarantined_node(self) -> None:
        bad = event(EventKind.NODE_QUARANTINED, None, cluster="c", node="n1", host="h1", reason="too slow")
        assert of([bad], {})[0] == [("node-quarantined", "Node n1 (h1) gets no more jobs: too slow")]

    def test_an_idle_node_is_reported_once_until_it_works_again(self) -> None:
        seen: dict[str, Any] = {}
        said = []
        steps = [(0, True), (1, False), (IDLE_SECONDS, False), (IDLE_SECONDS + 1, False), (IDLE_SECONDS + 9, False),
                 (2000, True), (2001, False), (2001 + IDLE_SECONDS, False)]  # fmt: skip
        for now, runs in steps:
            facts = NodeActivity(running={("c", "n1")} if runs else set(), clusters={"c"}, bad=set(), now=1e9 + now)
            notices, seen = watch_nodes(seen, facts)
            said += [(now, notice.sentence) for notice in notices]
        sentence = "No job has run on node n1 for 10 minutes."
        assert said == [(IDLE_SECONDS + 1, sentence), (2001 + IDLE_SECONDS, sentence)]

    @pytest.mark.parametrize(("clusters", "bad"), [(set(), set()), ({"c"}, {("c", "n1")})])
    def test_a_node_that_is_gone_or_quarantined_is_not_idle(self, clusters: set[str], bad: set[Any]) -> None:
        seen = {"c": {"n1": {"idle": 1.0, "reported": False}}}
        assert watch_nodes(seen, NodeActivity(running=set(), clusters=clusters, bad=bad, now=1e9)) == ([], {})


@given(st.lists(st.sampled_from([*EventKind]), max_size=8), st.text(max_size=90), st.text(max_size=90))
def test_any_events_make_sentences_of_one_line_and_the_second_time_nothing_new_of_boards(
    kinds: list[EventKind], sweep: str, text: str
) -> None:
    events = [event(kind, sweep, text, text, reason=text, state=text, node=text, record=text) for kind in kinds]
    facts = NoticeFacts(
        boards={sweep: board(text or None, **{text: text})}, budgets={sweep: BudgetFacts(spent_hours=9, hours=10)}
    )
    first = conclude(events, {}, facts)
    assert all(notice.sentence.isprintable() and len(notice.sentence) < 900 for notice in first.notices)
    again = conclude(events, first.seen, facts)
    assert {notice.kind for notice in again.notices} <= {"job-failed", "node-quarantined", "sweep-done"}


def test_the_events_of_a_real_sweep_tell_its_story(place: Workplace) -> None:
    events = place.store.events(limit=100_000)
    name = place.store.sweeps()[0].name
    facts = observe(events, place, nodes=True)
    conclusion = conclude(events, {}, facts)
    kinds = [notice.kind for notice in conclusion.notices]
    rows = facts.boards[name]
    assert kinds.count("sweep-done") == 1 and kinds.count("new-best") == (rows.best is not None)
    [done] = [notice for notice in conclusion.notices if notice.kind == "sweep-done"]
    assert done.sentence.startswith(f"Sweep {name} is done: {rows.best or ''}") and done.path == f"/sweeps/{name}"
    assert conclude([], conclusion.seen, observe([], place, nodes=True)).notices == []
