"""The command line: `golfsweep COMMAND`. Each module holds the commands of one kind."""

from sweeps.cli import audit, machine, results, running
from sweeps.cli.app import app, main

__all__ = ["app", "audit", "machine", "main", "results", "running"]
