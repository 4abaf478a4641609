"""The command line: `golfsweep COMMAND`. Each module holds the commands of one kind."""

from sweeps.cli import bench, machine, prove, results, running
from sweeps.cli.app import app, main

__all__ = ["app", "bench", "machine", "main", "prove", "results", "running"]
