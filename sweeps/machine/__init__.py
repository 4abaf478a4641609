"""Checking and measuring machines."""
