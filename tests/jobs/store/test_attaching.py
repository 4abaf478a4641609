"""Jobs that are done because somebody gives their outputs."""

from dataclasses import replace

import pytest

from jobs.errors import LostClaim
from jobs.state import EventKind, JobState
from jobs.store import Store
from tests.jobs.stores import FACTS, done, order, started

DIGEST = "a" * 64
OUTPUTS = {"weights": DIGEST, "notes": ["attached"]}


class TestAttaching:
    def test_a_new_job_is_done_at_once_for_its_sweep(self, store: Store) -> None:
        job = store.attach(order(1), OUTPUTS, {DIGEST: 9})
        assert job is not None
        assert (job.state, job.outputs, job.attempt, job.seconds) == (JobState.DONE, OUTPUTS, 0, None)
        assert [record.key for record in store.jobs(sweep="s")] == [job.key]
        assert store.claim("a", 5) == []
        kinds = [event.kind for event in store.events() if event.key == job.key]
        assert kinds == [EventKind.JOB_ATTACHED]

    def test_a_job_that_waits_failed_or_was_claimed_takes_outputs(self, store: Store) -> None:
        failing = started(store, 2)
        store.fail(failing.key, 1, "crash: no", counted=True, final=True)
        waiting = store.put_job(order(1))
        assert [job.key for job in store.claim("a", 5)] == [waiting.key]
        for number in (1, 2):
            job = store.attach(order(number), OUTPUTS, {DIGEST: 9})
            assert job is not None
            assert (job.state, job.reason) == (JobState.DONE, None)
        with pytest.raises(LostClaim):
            store.start_attempt(waiting.key, "a", **FACTS)

    def test_a_job_that_runs_or_is_done_takes_none(self, store: Store) -> None:
        running, finished = started(store, 1), done(store, order(2), {"weights": "b" * 64})
        for number in (1, 2):
            assert store.attach(order(number), OUTPUTS, {DIGEST: 9}) is None
        states = [store.job(key) for key in (running.key, finished.key)]
        assert [job.state if job else None for job in states] == [JobState.RUNNING, JobState.DONE]
        assert states[1] is not None and states[1].outputs == {"weights": "b" * 64}

    def test_another_sweep_finds_it_done(self, store: Store) -> None:
        store.attach(order(1), OUTPUTS, {DIGEST: 9})
        found = store.put_job(replace(order(1), sweep="other"))
        assert (found.state, found.outputs) == (JobState.DONE, OUTPUTS)

    def test_an_attached_content_that_is_lost_is_made_by_running_the_job(self, store: Store) -> None:
        job = store.attach(order(1), OUTPUTS, {DIGEST: 9})
        assert job is not None
        assert store.lose_content(DIGEST)
        assert [claimed.key for claimed in store.claim("a", 5)] == [job.key]
