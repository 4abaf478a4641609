"""The command line: `golfsweep COMMAND`. Each module holds the commands of one kind, and registers them."""

from sweeps.cli import (  # noqa: F401
    audit,
    bench,
    compare,
    control,
    machine,
    package,
    prove,
    records,
    results,
    running,
)
from sweeps.cli.app import app, main

__all__ = ["app", "main"]
