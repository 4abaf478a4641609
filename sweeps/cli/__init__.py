"""The command line: `golfsweep COMMAND`; the commands are in `sweeps.cli.commands`."""

from sweeps.cli.app import app, main
from sweeps.cli.commands import (  # noqa: F401
    audit,
    bench,
    challenge,
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
from sweeps.cli.commands.agents import mcp, next, wait  # noqa: F401
from sweeps.cli.commands.home import demo, export, listing, watch  # noqa: F401
from sweeps.cli.commands.service import serve, shares, tokens, webhooks, work  # noqa: F401

__all__ = ["app", "main"]
