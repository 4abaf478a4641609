"""The benchmarks of scheduling in short: that they run to their end and measure what they say; no figure is judged."""

from benchmarks import fill, policy


def test_every_sleeping_job_is_done_once_and_work_never_waits_beside_a_free_cluster() -> None:
    found = fill.measure(30, scale=0.01)
    assert found["jobs"] == 30
    assert 0 <= found["idle_share"] < 1
    assert found["overhead_ms_per_job"] > 0


def test_the_policy_keeps_a_simulated_cluster_full() -> None:
    found = policy.measure(10, 2000)
    assert found["placements"] >= 2000
    assert found["idle_share"] < 0.05  # on the virtual clock: the same on every machine
    assert len(found["memory_bytes"]) == 10
