"""What tells a machine from others of its name."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.machine import host

SAY = "from jobs.machine.host import identity; print(identity())"


def test_all_processes_of_a_machine_agree() -> None:
    done = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == host.identity()
    assert host.identity().startswith(f"{socket.gethostname()} ")


def test_a_container_of_the_same_name_is_another_machine() -> None:
    unshared = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", SAY]
    done = subprocess.run(unshared, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("may not make a namespace of process numbers here")
    assert done.stdout.strip() != host.identity()


def test_a_clone_of_the_same_name_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: "another boot")
    assert host.identity.__wrapped__() != host.identity()
