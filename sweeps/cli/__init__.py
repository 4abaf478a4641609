"""The command line: `golfsweep COMMAND`. Each module holds the commands of one kind."""

from sweeps.cli import control, machine, results, running
from sweeps.cli.app import app, main

__all__ = ["app", "control", "machine", "main", "results", "running"]
