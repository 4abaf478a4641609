"""Handing a sweep over: the command that the cluster runs, and what is refused before anything is sent."""

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from jobs.errors import Unavailable
from sweeps.run import submit
from sweeps.spec.file import load_sweep
from tests.schemas import check_document

TINY = Path(__file__).parents[2] / "tiny.toml"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would have been sent to the cluster."""
    requests: list[dict[str, Any]] = []

    def take(address: str, command: str, folder: Path, name: str) -> str:
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        requests.append({"address": address, "command": command, "files": files})
        return f"golfsweep-{name}-1"

    monkeypatch.setattr(submit, "submit_job", take)
    return requests


def test_the_cluster_runs_the_same_command_on_a_copy_of_the_file(sent: list[dict[str, Any]]) -> None:
    sets = ["eval.chunk=64", "recipe.note='two words'"]
    submitted = submit.submit(
        TINY, load_sweep(TINY), sets, "http://h:8265", "~/it's home", "s3://bucket/x", owner="ann", agent="a 1"
    )
    check_document(("submit",), json.dumps(submitted))
    assert submitted["job"] == "golfsweep-tiny-1"
    assert submitted["follow"] == "ray job logs --address http://h:8265 --follow golfsweep-tiny-1"
    [request] = sent
    assert request["files"] == {"sweep.toml": TINY.read_bytes()}
    assert request["command"].startswith(
        "until golfsweep run sweep.toml --set eval.chunk=64 --set 'recipe.note='\"'\"'two words'\"'\"'' "
        "--owner ann --agent 'a 1' --files s3://bucket/x --home ~/'it'\"'\"'s home' --ray \"$RAY_ADDRESS\"; do "
    )


@pytest.mark.parametrize(("codes", "runs", "last"), [([137, 1, 0], 2, 1), ([139, 137, 0], 3, 0), ([2], 1, 2)])
def test_a_driver_that_dies_by_accident_is_started_again(
    sent: list[dict[str, Any]], tmp_path: Path, codes: list[int], runs: int, last: int
) -> None:
    submit.submit(TINY, load_sweep(TINY), [], "http://h:8265", "/data/home", None, owner="ann")
    (tmp_path / "codes").write_text("".join(f"{code}\n" for code in codes))
    driver = (
        f'#!/bin/sh\necho "$@" >>{tmp_path}/runs\nn=$(wc -l <{tmp_path}/runs)\nexit $(sed -n "$n"p {tmp_path}/codes)\n'
    )
    for name, script in (("golfsweep", driver), ("sleep", "#!/bin/sh\n")):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RAY_ADDRESS": "head:6379"}
    done = subprocess.run(["sh", "-c", sent[0]["command"]], env=environment, timeout=60, check=False)
    said = (tmp_path / "runs").read_text().splitlines()
    assert (done.returncode, said) == (last, ["run sweep.toml --owner ann --home /data/home --ray head:6379"] * runs)


@pytest.mark.parametrize("home", [".golfsweep", "data", ""])
def test_a_home_that_means_nothing_on_the_cluster_is_refused(sent: list[dict[str, Any]], home: str) -> None:
    with pytest.raises(InputError, match="expected a folder of the cluster's head"):
        submit.submit(TINY, load_sweep(TINY), [], "http://h:8265", home, None, owner="ann")
    assert sent == []


def test_data_that_other_machines_cannot_find_are_refused(sent: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    text = TINY.read_text().replace('tokens = "demo"', 'tokens = "data/fineweb"\ntokenizer = "/data/1024.model"')
    file.write_text(text)
    with pytest.raises(InputError, match=r"data\.tokens = data/fineweb: every node has to find it"):
        submit.submit(file, load_sweep(file), [], "http://h:8265", "/data/home", None, owner="ann")
    assert sent == []


@pytest.mark.parametrize(("address", "kind"), [("nonsense", InputError), ("http://127.0.0.1:1", Unavailable)])
def test_an_address_without_a_job_server_is_one_line(address: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"--ray {address}: ") as error:
        submit.submit(TINY, load_sweep(TINY), [], address, "/data/home", None, owner="ann")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("command", ["cancel", "submit"])
def test_commands_have_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from sweeps.cli import app

    run: Callable[..., Any] = app
    run([command, "--help"], standalone_mode=False)
    assert f"Example: golfsweep {command}" in capsys.readouterr().out


def test_a_job_server_that_does_not_answer_is_not_waited_for_without_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.ray.jobs.ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("cluster.ray.dashboard.find_job_server", lambda address: address)  # it answered a moment ago
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unavailable, match=f"^--ray {address}: no answer within 0 s$"):
            submit.submit(TINY, load_sweep(TINY), [], address, "/data/home", None, owner="ann")


def test_a_key_that_everybody_on_the_cluster_could_read_is_refused(sent: list[dict[str, Any]]) -> None:
    with pytest.raises(InputError, match=r"--files s3://b/x\?secret=\*\*\*: everybody who sees the cluster") as error:
        submit.submit(TINY, load_sweep(TINY), [], "http://h:8265", "/data/home", "s3://b/x?secret=hidden", owner="ann")
    assert "hidden" not in str(error.value)
    assert sent == []


def test_a_password_in_the_address_is_not_shown(sent: list[dict[str, Any]]) -> None:
    submitted = submit.submit(TINY, load_sweep(TINY), [], "http://me:hidden@h:8265", "/data/home", None, owner="ann")
    assert sent[0]["address"] == "http://me:hidden@h:8265"
    assert submitted["address"] == "http://me:***@h:8265" and "hidden" not in submitted["follow"]
