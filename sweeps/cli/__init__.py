"""The command line: `golfsweep COMMAND`. Each module holds the commands of one kind."""

from sweeps.cli import compare, machine, results, running
from sweeps.cli.app import app, main

__all__ = ["app", "compare", "machine", "main", "results", "running"]
