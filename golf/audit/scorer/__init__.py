"""Calling a scorer from outside: in this process or its own, with its replies checked and recorded."""
