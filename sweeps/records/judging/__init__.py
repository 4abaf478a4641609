"""Judging a record: its claims against its logs, its logs against each other, and both against the rules."""
