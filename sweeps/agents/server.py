"""The MCP server: the tools over stdio, by the Model Context Protocol's own SDK."""

import functools
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from sweeps.agents.tools import MOST_WAIT_SECONDS, AgentTools
from sweeps.views.brief.fitting import to_line

INSTRUCTIONS = """Sweeps of settings for contests in which a small model trains in minutes. The loop: plan a sweep file,
run it, wait for its end, then ask next, which says whether to keep, discard or replicate each change, with the cheapest
next step, its command and its price. Its p-value counts everything that the team tried; never keep a change for a
single score. A flagged entry broke a rule, whatever its score."""

Explain = Callable[[Exception], dict[str, Any]]
SweepFile = Annotated[str, Field(description="Path of a sweep file (TOML) below the server's folder.")]
Assignments = Annotated[
    list[str] | None, Field(description="Settings to change, each as KEY=VALUE, e.g. eval.epochs=4.")
]
SweepName = Annotated[str | None, Field(description="Name of a sweep; by default the latest.")]


def make_server(tools: AgentTools, explain: Explain) -> MCPServer:
    """A server with eight tools, whose answers are JSON documents of at most 2 kB.

    Args:
        tools: what they call.
        explain: an exception as the document {"error", "hint", "code"} of the command line.
    """
    server = MCPServer("golfsweep", instructions=INSTRUCTIONS, version=version("golfsweep"), log_level="WARNING")

    def plan(file: SweepFile, set: Assignments = None) -> dict[str, Any]:
        """Check a sweep file as a whole, and preview how many jobs it has, how long they take and what they cost.

        Nothing is run. Errors name every wrong key of the file.
        """
        return tools.plan(file, set or ())

    def run(
        file: SweepFile,
        set: Assignments = None,
        executor: Annotated[
            str, Field(description="local: this machine; ray: Ray on this machine; ray:HOST:PORT: a Ray cluster.")
        ] = "local",
    ) -> dict[str, Any]:
        """Start a sweep in the background, or resume it; the answer is a ticket, given as soon as the file is checked.

        The run goes on when this server ends. It spends GPU time and money: ask plan for the price first.
        """
        return tools.run(file, set or (), executor)

    def wait(
        sweep: Annotated[str, Field(description="Name of a sweep.")],
        seconds: Annotated[float, Field(ge=0, le=MOST_WAIT_SECONDS, description="Seconds to wait at most.")] = 50.0,
    ) -> dict[str, Any]:
        """Wait until a sweep has ended, for a limited time, whoever runs it; says how it stands.

        `over` is true when nothing more will happen: `state` says whether it is done, failed or stopped. Else call
        again. If no process runs the sweep, it answers at once.
        """
        return tools.wait(sweep, seconds)

    def status(sweep: SweepName = None) -> dict[str, Any]:
        """How far a sweep is, or a list of all: jobs by stage, money, what runs, why jobs wait, what failed and why."""
        return tools.status(sweep)

    def leaderboard(sweep: SweepName = None) -> dict[str, Any]:
        """The best entries of a sweep beside public records, with their verdicts; flagged ones are named apart."""
        return tools.leaderboard(sweep)

    def compare(
        challenger: Annotated[str, Field(description="An entry of the latest sweep, SWEEP/ENTRY, or a record.")],
        incumbent: Annotated[str, Field(description="What to compare it with, in the same form.")],
    ) -> dict[str, Any]:
        """Compare two entries: the difference, whether it is shown by each rule, and how many more seeds would show it
        at what price."""
        return tools.compare(challenger, incumbent)

    def next(sweep: SweepName = None) -> dict[str, Any]:
        """Keep, discard or replicate: the decision on each entry of a sweep, and the cheapest next step with its
        command and price.

        p_tries counts all settings that anybody tried on the same validation set. Follow this, not single scores.
        """
        return tools.next(sweep)

    def log(
        job: Annotated[str, Field(description="Start of a job's key, part of its label, or SWEEP/ENTRY.")],
    ) -> dict[str, Any]:
        """The last lines that a job printed."""
        return tools.log(job)

    reading, running = (
        ToolAnnotations(read_only_hint=True),
        ToolAnnotations(read_only_hint=False, destructive_hint=False),
    )
    _add(server, plan, explain, reading)
    _add(server, run, explain, running)
    for function in (wait, status, leaderboard, compare, next, log):
        _add(server, function, explain, reading)
    return server


def _add(server: MCPServer, function: Callable[..., dict[str, Any]], explain: Explain, hints: ToolAnnotations) -> None:
    """Add a tool whose answer is one line of JSON, also where it fails."""

    @functools.wraps(function)
    def answer(*args: Any, **arguments: Any) -> CallToolResult:
        try:
            document, is_error = function(*args, **arguments), False
        except Exception as error:
            document, is_error = explain(error), True
        text = TextContent(type="text", text=to_line(document))
        return CallToolResult(content=[text], structured_content=document, is_error=is_error)

    answer.__signature__ = inspect.signature(function).replace(return_annotation=CallToolResult)  # type: ignore[attr-defined]
    answer.__annotations__ = {**function.__annotations__, "return": CallToolResult}
    description = " ".join(inspect.getdoc(function).split()) if function.__doc__ else ""  # type: ignore[union-attr]
    server.add_tool(answer, name=function.__name__, description=description, annotations=hints)
