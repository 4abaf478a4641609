"""Contents that are gone, and what is done about them."""

from dataclasses import replace

from jobs.state import JobState
from jobs.store import Store
from jobs.store.work.losses import MOST_DONE, STARTS_OVER
from tests.jobs.stores import DONE, FACTS, done, order, started


class TestLosses:
    def test_what_made_a_lost_content_is_done_again_and_what_was_to_read_it_is_asked_for_anew(
        self, store: Store
    ) -> None:
        digest, other = "a" * 64, "b" * 64
        made = done(store, order(1), {"weights": digest, "steps": 3})
        untouched = done(store, order(2), {"weights": other})
        first = order(3)
        reads = replace(first, job=replace(first.job, inputs={"weights": digest}))
        reader = store.put_job(reads)
        assert store.lose_content(digest)
        [requeued] = store.claim("a", 5)
        assert (requeued.key, requeued.attempt, requeued.attempts_before_request) == (made.key, 1, 1)
        assert store.lose_content(digest), "it is being made: a second reader waits as well"
        assert [job.key for job in store.jobs(sweep="s")] == [made.key, untouched.key]
        attempt = store.start_attempt(made.key, "a", **FACTS)
        store.finish(made.key, attempt, {"weights": digest}, sizes={digest: 1}, **DONE)
        assert store.put_job(reads).state == JobState.QUEUED
        assert [job.key for job in store.claim("a", 5)] == [reader.key]
        kept = store.job(untouched.key)
        assert kept is not None
        assert kept.state == JobState.DONE

    def test_a_file_store_that_loses_the_same_again_and_again_is_not_fed_for_ever(self, store: Store) -> None:
        digest = "a" * 64
        for _ in range(MOST_DONE - 1):
            done(store, order(1), {"weights": digest})
            assert store.lose_content(digest)
        done(store, order(1), {"weights": digest})
        assert not store.lose_content(digest)

    def test_a_lost_checkpoint_or_shard_is_forgotten(self, store: Store) -> None:
        record = started(store)
        store.put_checkpoint(record.key, 1, "a" * 64, 9)
        store.put_shard(record.key, 1, 0, "b" * 64, 9)
        store.put_shard(record.key, 1, 1, "c" * 64, 9)
        assert store.lose_content("a" * 64)
        assert store.lose_content("b" * 64)
        assert not store.lose_content("d" * 64)
        job = store.job(record.key)
        assert job is not None
        assert (job.checkpoint, job.reason) == (None, STARTS_OVER)
        assert store.shards(record.key) == {1: "c" * 64}
