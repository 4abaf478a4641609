"""Driving sweeps: opening one, its steps to its end, and many at once from the queue."""
