"""Chaos: disturb whatever can be disturbed, at random moments, and compare the leaderboard with an undisturbed run's.

    python -m benchmarks.chaos --faults 100

`places.py` says where drivers run, `round.py` holds the two sweeps that run there, `faults/` disturbs them, and
`judging.py` says whether what came out is right: equal leaderboards, no job done twice but those whose contents were
lost, no process left, and no driver that gave up for another reason than that what it needs was away.
"""
