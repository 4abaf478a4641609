"""The command line: `golfsweep COMMAND`. Each module registers the commands of one purpose."""

from sweeps.cli import (  # noqa: F401
    audit,
    bench,
    compare,
    control,
    gc,
    machine,
    package,
    prove,
    records,
    results,
    run,
    running,
)
from sweeps.cli.app import app, main

__all__ = ["app", "main"]
