"""The command line: `golfsweep COMMAND`. Each module holds the commands of one kind."""

from sweeps.cli import machine, prove, results, running
from sweeps.cli.app import app, main

__all__ = ["app", "machine", "main", "prove", "results", "running"]
