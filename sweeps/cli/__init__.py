"""The command line: `golfsweep COMMAND`; the commands are in `sweeps.cli.commands`."""

from sweeps.cli.app import app, main
from sweeps.cli.commands import (  # noqa: F401
    attach,
    audit,
    bench,
    compare,
    control,
    gc,
    init,
    logs,
    machine,
    package,
    prove,
    records,
    results,
    run,
    running,
)

__all__ = ["app", "main"]
