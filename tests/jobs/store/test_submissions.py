"""Submitted sweeps: one row a version, taken under the sweep's lease, and decided about by people."""

import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jobs.errors import LostLease, WrongState
from jobs.state import EventKind, JobState, SubmissionState, SweepState
from jobs.store import Store, SubmissionRecord, SubmittedContent
from jobs.store.submissions import OPEN, WAITING
from tests.jobs.stores import Clock, order, started

FIRST = SubmittedContent(file='name = "new"', assignments=("priority=1",), files={"a.py": "0" * 64})
SECOND = SubmittedContent(file='name = "new"  # edited')


def submit(store: Store, content: SubmittedContent = FIRST, sweep: str = "new") -> SubmissionRecord:
    return store.acting_as("anna").submit(sweep, content, tags=["b", "a", "b"], priority=3).record


def latest(store: Store, sweep: str = "new") -> SubmissionRecord:
    record = store.submission(sweep)
    assert record is not None
    return record


def events_of(store: Store, sweep: str = "new") -> list[tuple[str, str]]:
    return [(event.kind.value, event.who) for event in store.events(sweep=sweep)]


def take(store: Store, ticket: str, sweep: str = "new", driver: str = "driver") -> bool:
    store.drive(sweep, driver, "cluster")
    return store.take_submission(ticket)


def test_a_submission_has_all_that_was_sent(store: Store, clock: Clock) -> None:
    record = submit(store)
    assert latest(store) == record
    assert (record.sweep, record.version, record.state, record.owner) == ("new", 1, SubmissionState.QUEUED, "anna")
    assert (record.file, record.assignments, dict(record.files)) == (FIRST.file, FIRST.assignments, dict(FIRST.files))
    assert (record.tags, record.priority, record.created) == (("a", "b"), 3, clock.now)
    assert events_of(store) == [("sweep submitted", "anna")]


def test_the_same_content_is_the_same_submission(store: Store) -> None:
    record = submit(store)
    again = store.submit("new", FIRST, agent="other", tags=["c"])
    assert (again.record, again.is_new) == (record, False)
    assert len(store.events(sweep="new")) == 1


@pytest.mark.parametrize("other", [
    SECOND, SubmittedContent(file=FIRST.file, assignments=FIRST.assignments, files={"a.py": "1" * 64}),
    SubmittedContent(file=FIRST.file, files=FIRST.files),
    SubmittedContent(file=FIRST.file, assignments=FIRST.assignments, files={"b.py": "0" * 64}),
])  # fmt: skip
def test_other_content_is_a_new_version_and_replaces_the_one_before(store: Store, other: SubmittedContent) -> None:
    first, second = submit(store), submit(store, other)
    assert second.version == 2
    before, now = store.submission_versions("new")
    assert (before.ticket, before.state, before.reason) == (first.ticket, "ended", "replaced by version 2")
    assert now == second == latest(store)
    assert [record.ticket for record in store.open_submissions()] == [second.ticket]
    assert submit(store, FIRST).version == 3, "whoever goes back to an earlier content means to"


def test_many_at_once_make_one_submission(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: store.submit("new", FIRST), range(8)))
    assert [each.is_new for each in made].count(True) == 1
    assert len({each.record.ticket for each in made}) == 1


def test_it_is_taken_with_the_lease_given_back_and_ended(store: Store) -> None:
    ticket = submit(store).ticket
    assert take(store, ticket)
    assert latest(store).state == SubmissionState.TAKEN
    store.return_submission(ticket)
    assert latest(store).state == SubmissionState.QUEUED
    assert take(store, ticket)
    store.end_submission(ticket, "done")
    assert (latest(store).state, latest(store).reason) == (SubmissionState.ENDED, "done")
    assert not take(store, ticket)
    assert [kind for kind, _ in events_of(store)] == [
        "sweep submitted", "driver started", "submission taken", "submission returned", "submission taken",
        "submission ended",
    ]  # fmt: skip
    assert {who for kind, who in events_of(store) if kind.startswith("submission")} == {"driver"}


def test_whoever_lost_the_lease_neither_takes_nor_ends(store: Store, clock: Clock) -> None:
    ticket = submit(store).ticket
    assert take(store, ticket)
    other = store.acting_as("x")
    clock.now += 100.0
    other.drive("new", "other driver", "cluster")
    for attempt in (store.take_submission, store.return_submission):
        with pytest.raises(LostLease):
            attempt(ticket)
    with pytest.raises(LostLease):
        store.end_submission(ticket, "done")
    assert other.take_submission(ticket)


def test_the_most_important_comes_first_then_the_oldest(store: Store, clock: Clock) -> None:
    for name, priority in (("old", 0), ("new", 0), ("urgent", 5)):
        clock.now += 1
        store.submit(name, SubmittedContent(file=name), priority=priority)
    assert [record.sweep for record in store.open_submissions()] == ["urgent", "old", "new"]
    store.set_priority("new", 9)
    assert [record.sweep for record in store.open_submissions()] == ["new", "urgent", "old"]


class TestPeople:
    def test_pause_stops_the_sweep_and_resume_queues_it(self, store: Store) -> None:
        ticket = submit(store).ticket
        assert take(store, ticket)
        store.put_sweep("new", {})
        anna = store.acting_as("anna")
        paused = anna.pause_sweep("new")
        assert (paused.state, paused.reason) == (SubmissionState.PAUSED, "paused by anna")
        sweep = store.sweep("new")
        assert sweep is not None and (sweep.state, sweep.reason) == (SweepState.STOPPED, "paused by anna")
        store.end_submission(ticket, "its driver leaves")
        assert latest(store).state == SubmissionState.PAUSED, "whoever drove it does not end it"
        assert not store.take_submission(ticket)
        assert anna.pause_sweep("new") == paused
        assert anna.resume_sweep("new").state == SubmissionState.QUEUED
        assert store.take_submission(ticket)

    def test_resume_runs_what_ended_before_it_was_done(self, store: Store) -> None:
        ticket = submit(store).ticket
        assert take(store, ticket)
        store.put_sweep("new", {})
        store.end_sweep("new", SweepState.FAILED)
        store.end_submission(ticket, "failed")
        assert store.resume_sweep("new").state == SubmissionState.QUEUED

    def test_what_is_done_is_not_resumed(self, store: Store) -> None:
        ticket = submit(store).ticket
        assert take(store, ticket)
        store.put_sweep("new", {})
        store.end_sweep("new", SweepState.DONE)
        store.end_submission(ticket, None)
        for act in (store.resume_sweep, store.pause_sweep):
            with pytest.raises(WrongState):
                act("new")
        assert not store.cancel_submission("new")

    def test_cancelling_the_sweep_cancels_the_submission(self, store: Store) -> None:
        ticket = submit(store).ticket
        assert take(store, ticket)
        store.put_sweep("new", {})
        store.acting_as("anna").cancel_sweep("new")
        assert (latest(store).state, latest(store).reason) == (SubmissionState.CANCELLED, "cancelled by anna")
        store.end_submission(ticket, "cancelled")
        assert latest(store).state == SubmissionState.CANCELLED

    def test_one_that_nobody_has_begun_is_cancelled(self, store: Store) -> None:
        ticket = submit(store).ticket
        assert store.acting_as("anna").cancel_submission("new")
        assert not take(store, ticket)
        assert ("sweep cancelled", "anna") in events_of(store)
        assert store.resume_sweep("new").state == SubmissionState.QUEUED

    def test_a_priority_reaches_the_jobs_that_wait(self, store: Store) -> None:
        store.submit("s", FIRST)
        running = started(store, seed=3)
        for seed in (1, 2):
            store.put_job(order(seed))
        store.put_job(order(2, sweep="other"))
        store.acting_as("anna").set_priority("s", 7)
        priorities = {job.order.job.seed: job.order.priority for job in store.jobs()}
        assert priorities == {1: 7, 2: 0, 3: 0}
        assert running.state == JobState.RUNNING
        [event] = [event for event in store.events(sweep="s") if event.kind == EventKind.SWEEP_PRIORITIZED]
        assert (event.who, event.detail["before"], event.detail["priority"]) == ("anna", 0, 7)

    def test_a_sweep_that_was_not_submitted_is_its_runners(self, store: Store) -> None:
        for act in (store.pause_sweep, store.resume_sweep, lambda name: store.set_priority(name, 1)):
            with pytest.raises(WrongState, match=r"has no file in the database"):
                act("s")
        assert not store.cancel_submission("s")


class Machine(RuleBasedStateMachine):
    """Whatever people and two processes do, one version at most is open, and one process at most drives it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(f"sqlite:///{self.folder.name}/store.db", self.clock)
        self.drivers = [self.store.acting_as(name) for name in "xy"]
        self.taken: dict[int, str] = {}

    @initialize()
    def begin(self) -> None:
        submit(self.store, SECOND)

    @rule(content=st.sampled_from([FIRST, SECOND]))
    def submit(self, content: SubmittedContent) -> None:
        before = latest(self.store)
        record = submit(self.store, content)
        assert (record.ticket == before.ticket) == (content.digest == before.digest)

    @rule(act=st.sampled_from(["pause_sweep", "resume_sweep", "cancel_submission"]))
    def decide(self, act: str) -> None:
        before = latest(self.store)
        try:
            getattr(self.store, act)("new")
        except WrongState:
            assert act == "pause_sweep" and before.state not in OPEN

    @rule(number=st.sampled_from([0, 1]), ending=st.sampled_from(["end", "return"]))
    def leave(self, number: int, ending: str) -> None:
        if (ticket := self.taken.pop(number, None)) is not None:
            driver = self.drivers[number]
            driver.end_submission(ticket, "x") if ending == "end" else driver.return_submission(ticket)
            driver.stop_driving("new", f"driver {number}")

    @rule(number=st.sampled_from([0, 1]))
    def take(self, number: int) -> None:
        if not self.taken:
            record = latest(self.store)
            self.drivers[number].drive("new", f"driver {number}", "cluster")
            if self.drivers[number].take_submission(record.ticket):
                assert record.state in WAITING
                self.taken[number] = record.ticket
            else:
                assert record.state not in WAITING
                self.drivers[number].stop_driving("new", f"driver {number}")

    @invariant()
    def one_is_open_at_most(self) -> None:
        versions = self.store.submission_versions("new")
        assert [record.version for record in versions] == [*range(1, len(versions) + 1)]
        assert all(record.state not in OPEN for record in versions[:-1])

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


Machine.TestCase.settings = settings(max_examples=8, stateful_step_count=12, deadline=None)
TestStates = Machine.TestCase
