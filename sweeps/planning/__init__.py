"""Previewing a sweep before anything runs: its jobs, durations and cost. In the order of the data:

similar_jobs      which finished jobs resemble a new one, and where their keys differ
durations         how long a job takes, from similar finished jobs
earlier_search    the trials of an earlier search over the same space
expected_trials   the trials that a search is certain or expected to draw
size              how many jobs a plan can have
dry_run_store     a store in memory, whose jobs end with made-up results
dry_run           the sweep's own driver on that store, and the cluster's policy on a virtual clock
plan              counts, times, cost, and why each job is new or reused
"""
