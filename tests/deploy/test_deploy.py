"""The files for a team's server: whole, and every golfsweep command in them is one that there is."""

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from sweeps.cli.app import app

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


def check_command(words: list[str]) -> None:
    """Make sure that a command and its options exist."""
    command: Any = typer.main.get_command(app)
    assert words[0].rpartition("/")[2] == "golfsweep"
    command = command.commands[words[1]]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert [word for word in words[2:] if word.startswith("-") and word not in known] == []


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def test_compose_starts_what_there_is() -> None:
    services = compose()["services"]
    assert set(services) == {"database", "service", "queue", "proxy"}
    for name in ("service", "queue"):
        check_command(services[name]["command"])
        assert services[name]["depends_on"]["database"]["condition"] == "service_healthy"
    volumes = {mount.partition(":")[0] for service in services.values() for mount in service.get("volumes", ())}
    assert {volume for volume in volumes if not volume.startswith(".")} == set(compose()["volumes"])
    assert all((DEPLOY / volume).exists() for volume in volumes if volume.startswith("."))
    text = (DEPLOY / "compose.yaml").read_text()
    example = (DEPLOY / "team.env.example").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    dockerfile = compose()["x-golfsweep"]["build"]["dockerfile"]
    assert (DEPLOY.parent / dockerfile).exists()


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_what_there_is(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    assert unit.sections() == ["Unit", "Service", "Install"]
    check_command(shlex.split(unit["Service"]["ExecStart"]))
    assert unit["Service"]["User"] != "root"


def has_compose() -> bool:
    """Whether docker is here, and has its part that reads compose.yaml."""
    words = ["docker", "compose", "version"]
    return shutil.which("docker") is not None and not subprocess.run(words, capture_output=True, check=False).returncode


@pytest.mark.skipif(not has_compose(), reason="no docker compose here: its own check of compose.yaml is left out")
def test_docker_accepts_it(tmp_path: Path) -> None:
    settings = tmp_path / "team.env"
    settings.write_text("POSTGRES_PASSWORD=x\nGOLFSWEEP_NAME=localhost\n")
    command = ["docker", "compose", "--env-file", settings, "-f", DEPLOY / "compose.yaml", "config", "--quiet"]
    subprocess.run(command, check=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here: its own check is left out")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_them(path: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, encoding="utf-8", check=False)
    wrong = [line for line in done.stderr.splitlines() if path.name in line and "not executable" not in line]
    assert [line for line in wrong if "User" not in line] == []
