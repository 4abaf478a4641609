"""Holding stored entries against their evidence: `judge_evidence` for a leaderboard, `verify_entry` for one of them."""

from sweeps.entries.checking.entry import judge_evidence, verify_entry

__all__ = ["judge_evidence", "verify_entry"]
