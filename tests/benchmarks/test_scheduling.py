"""The benchmarks of scheduling in short: that they run to their end and measure what they say; no figure is judged."""

from benchmarks import fill, policy


def test_every_sleeping_job_is_done_once_and_work_never_waits_beside_a_free_cluster() -> None:
    measured = fill.measure(30, scale=0.01)
    assert measured["jobs"] == 30
    assert 0 <= measured["idle_share"] < 1
    assert measured["overhead_ms_per_job"] > 0


def test_the_policy_keeps_a_simulated_cluster_full() -> None:
    measured = policy.measure(10, 2000)
    assert measured["placements"] >= 2000
    assert measured["idle_share"] < 0.05  # on the virtual clock: the same on every machine
    assert len(measured["memory_bytes"]) == 10
