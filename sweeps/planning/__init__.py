"""Previewing a sweep: jobs, durations and cost before anything runs."""
