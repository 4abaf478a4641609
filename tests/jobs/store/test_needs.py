"""Which entries and trials need which jobs: kept as fields, several to a job."""

from dataclasses import replace

from jobs.spec import Order
from jobs.store import Store, TrialKeys, TrialRecord
from tests.jobs.stores import order


def needed(seed: int, entry: str, trial: int | None = None) -> Order:
    return replace(order(seed), entry=entry, trial=trial)


class TestNeeds:
    def test_a_job_that_one_entry_needs_is_read_as_its_job(self, store: Store) -> None:
        put = store.put_job(needed(1, "trial 7", 7))
        [read] = store.jobs(sweep="s")
        assert put.order == read.order
        assert (read.order.entry, read.order.trial, read.needed_by) == ("trial 7", 7, {"trial 7": 7})
        assert read.order.label == "trial 7 seed 1"

    def test_a_job_that_several_entries_need_is_read_as_nobodys_and_names_them_all(self, store: Store) -> None:
        store.put_job(needed(1, "trial 7", 7))
        added = store.add_entry(needed(1, "base"))
        [read] = store.jobs(sweep="s")
        assert added == read
        assert (read.order.entry, read.order.trial) == (None, None)
        assert read.needed_by == {"base": None, "trial 7": 7}
        assert read.order.label == "eval seed 1"

    def test_another_sweeps_needs_are_its_own(self, store: Store) -> None:
        store.put_job(needed(1, "trial 7", 7))
        store.put_job(replace(needed(1, "base"), sweep="other"))
        [here], [there] = store.jobs(sweep="s"), store.jobs(sweep="other")
        assert (here.needed_by, there.needed_by) == ({"trial 7": 7}, {"base": None})

    def test_one_more_entry_does_not_queue_a_failed_job_again(self, store: Store) -> None:
        record = store.put_job(needed(1, "base"))
        store.cancel_jobs("s", [record.key])
        assert store.add_entry(needed(1, "none")).state == "cancelled"

    def test_a_trials_jobs_are_its_own_or_shared(self, store: Store) -> None:
        own = store.put_job(needed(1, "trial 7", 7))
        report = store.put_job(needed(2, "trial 7 report", 7))
        shared = store.put_job(needed(3, "trial 7", 7))
        store.add_entry(needed(3, "base"))
        with_trial = store.put_job(needed(4, "trial 8", 8))
        store.add_entry(needed(4, "trial 7", 7))
        store.put_job(order(5))
        keys = TrialKeys(own=(own.key, report.key), shared=(shared.key, with_trial.key))
        assert store.keys_of_trial("s", 7) == keys
        assert store.keys_of_trial("other", 7) is None
        assert store.keys_of_trial("s", 9) is None

    def test_a_trial_that_only_waits_for_what_all_share_has_no_jobs(self, store: Store) -> None:
        trial = TrialRecord(number=9, parameters={}, distributions={}, state="running", value=None)
        store.put_trial("s", "search", trial)
        assert store.keys_of_trial("s", 9) == TrialKeys(own=(), shared=())

    def test_a_job_that_is_withdrawn_is_needed_by_nobody(self, store: Store) -> None:
        record = store.put_job(needed(1, "base"))
        store.withdraw("s", [record.key])
        assert store.put_job(order(1)).needed_by == {}
