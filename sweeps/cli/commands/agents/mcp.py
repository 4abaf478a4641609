"""The MCP server for agents: mcp."""

from pathlib import Path
from typing import Annotated, Any

import typer

from golf.errors import InputError
from sweeps.cli.app import HOME, DbOption, FilesOption, HomeOption, app
from sweeps.cli.errors import explain, hide_given
from sweeps.text.terminal import Terminal


@app.command()
def mcp(
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Sweep files must lie below it.")] = Path("."),
    agent: Annotated[
        str, typer.Option("--agent", metavar="NAME", envvar="GOLFSWEEP_AGENT", help="The agent's name, for the ledger.")
    ] = "mcp",
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
) -> None:
    """Serve plan, run, wait, status, leaderboard, compare, next and log to an agent.

    It speaks the Model Context Protocol over stdin and stdout until its caller ends it. Runs that it starts go on.

    Example: golfsweep mcp --agent claude
    """
    from sweeps.agents.server import make_server
    from sweeps.agents.tools import AgentTools
    from sweeps.spec.checks.names import check_names

    check_names([agent], "--agent")
    if not folder.is_dir():
        raise InputError(f"--folder {folder}: not a folder; name the folder that has the sweep files")
    console = Terminal(stderr=True)

    def describe(error: Exception) -> dict[str, Any]:
        problem = explain(error)
        return {"error": hide_given(problem.error), "hint": hide_given(problem.hint), "code": int(problem.code)}

    tools = AgentTools(
        root=home.resolve(), folder=folder, agent=agent, database=db, files=files, say=console.print_line
    )
    make_server(tools, describe).run("stdio")
