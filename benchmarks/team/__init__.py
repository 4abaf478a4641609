"""Two people with browsers and an agent submit, watch, compare and cancel sweeps at once on one service.

Everything is real: PostgreSQL, two clusters of Ray (a fake node each) with a queue process each, the service, Chromium.
The service is killed twice meanwhile. Afterwards the leaderboards must equal those of undisturbed runs, what was
cancelled must have ended, every decision must stand in the activity under the name of who took it, and no process may
be left.
"""
