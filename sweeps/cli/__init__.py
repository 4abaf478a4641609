"""The command line: `golfsweep COMMAND`. Each module holds the commands of one kind, and registers them."""

from sweeps.cli import audit, bench, compare, control, gc, machine, package, prove, records, results, running  # noqa: F401
from sweeps.cli.app import app, main

__all__ = ["app", "main"]
