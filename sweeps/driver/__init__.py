"""Driving a sweep: which jobs it needs now, what its search tries next, and how far it is. Runs nothing itself."""
