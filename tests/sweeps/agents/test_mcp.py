"""The MCP server over real stdio, by the SDK's own client: eight tools, each the function of its command."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
from mcp import Client, StdioServerParameters, stdio_client

from golf.data.corpus import DemoData
from jobs.workplace import Workplace
from sweeps.views.brief.fitting import MOST_BYTES
from tests.process_ends import wait_for_ends
from tests.schemas import validator
from tests.short_data import with_short_data
from tests.sweeps.cli.test_run_command import SWEEP
from tests.sweeps.made_up import file, play

ROOT = Path(__file__).parents[3]
TOOLS = ["plan", "run", "wait", "status", "leaderboard", "compare", "next", "log"]
SCHEMAS = {"plan": "plan.brief", "run": "run", "status": "status.brief", "leaderboard": "leaderboard.brief",
           "compare": "compare.brief", "next": "next"}  # fmt: skip
SECONDS = 120.0
Ask = Callable[..., Awaitable[dict[str, Any]]]


def converse(folder: Path, home: str, talk: Callable[[Client, Ask], Awaitable[None]]) -> None:
    """Start the server in a folder, and talk to it."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "sweeps.cli", "mcp", "--agent", "robot", "--home", home],
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]},
        cwd=folder,
    )

    async def main() -> None:
        async with Client(stdio_client(parameters), read_timeout_seconds=240) as client:

            async def ask(tool: str, *, fails: bool = False, **arguments: Any) -> dict[str, Any]:
                answer = await client.call_tool(tool, arguments)
                [content] = answer.content
                assert content.type == "text" and answer.is_error is fails, content
                assert len(content.text.encode()) <= MOST_BYTES
                document: dict[str, Any] = json.loads(content.text)
                assert document == answer.structured_content
                if fails or tool in SCHEMAS:
                    validator("error" if fails else SCHEMAS[tool]).validate(document)
                return document

            await talk(client, ask)

    asyncio.run(main())


def test_what_an_agent_reads_is_what_commands_print_in_short(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "played")
    play(place, file("main"))
    key = place.store.jobs()[0].key
    place.store.close()

    async def talk(client: Client, ask: Ask) -> None:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == TOOLS
        assert all(tool.description and "\n" not in tool.description for tool in tools)
        assert (await ask("next", sweep="main"))["best"]["entry"] == "base"
        assert (await ask("compare", challenger="none", incumbent="base"))["track"] == "legal"
        assert (await ask("leaderboard"))["flagged"] == ["leak"]
        assert (await ask("wait", sweep="main", seconds=100))["state"] == "done"
        assert (await ask("log", job=key[:12]))["key"] == key
        assert "3 jobs" in (await ask("log", job="train", fails=True))["error"]
        assert (await ask("status", sweep="none of that name", fails=True))["code"] == 2

    converse(tmp_path, "played", talk)


def test_an_agent_plans_and_runs_a_sweep_that_outlives_the_server(tmp_path: Path, demo: DemoData) -> None:
    (tmp_path / "small.toml").write_text(with_short_data(SWEEP, demo, tmp_path / "data"))
    (tmp_path / "wrong.toml").write_text(SWEEP + "evil = 1\n")
    (tmp_path / "outside.toml").symlink_to("/etc/hostname")
    started: dict[str, Any] = {}

    async def run(client: Client, ask: Ask) -> None:
        assert (await ask("plan", file="small.toml"))["stages"]["eval"]["jobs"] == 1
        assert "evil" in (await ask("plan", file="wrong.toml", fails=True))["error"]
        for path in ("../secret.toml", "/etc/passwd", "outside.toml", "a\x00b"):
            refused = await ask("run", file=path, fails=True)
            assert refused["code"] == 2 and str(tmp_path) in refused["error"] + refused["hint"]
        # Longer than this test: how far it has come when it is looked at must not decide anything.
        started.update(await ask("run", file="small.toml", set=["eval.chunk=256", "train.steps=1000000"]))
        assert (await ask("wait", sweep="small", seconds=0))["over"] is False

    converse(tmp_path, "home", run)

    async def follow(client: Client, ask: Ask) -> None:
        while (await ask("wait", sweep="small", seconds=2))["state"] == "starting":
            pass
        assert (await ask("status"))["driver"]["pid"] == started["pid"]

    converse(tmp_path, "home", follow)
    run_process = psutil.Process(started["pid"])
    run_process.terminate()
    assert wait_for_ends([run_process], SECONDS) == []

    async def read(client: Client, ask: Ask) -> None:
        end = await ask("wait", sweep="small", seconds=100)
        assert (end["state"], end["over"]) == ("stopped", True), str(end)
        assert (await ask("next"))["decision"] is None

    converse(tmp_path, "home", read)
    place = Workplace.open_to_read(tmp_path / "home")
    record = place.store.sweep("small")
    assert record is not None and record.spec["runners"] == ["agent robot"]
    place.store.close()
