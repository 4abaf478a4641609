"""`golfsweep serve` and `golfsweep token` as processes: a real server, its streams, its end."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from jobs.budget import Budget
from jobs.workplace import Workplace
from tests.sweeps.conftest import Command

SECONDS = 120.0
"""For whatever takes a moment, on a machine that does other work, too."""


def free_port() -> int:
    """A port on which nobody listens, and that no outgoing connection gets before somebody does."""
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(first_outgoing // 2, first_outgoing)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "it's a home"
    place = Workplace.open(root)
    place.store.close()
    return root


@pytest.fixture
def token(home: Path, golfsweep: Command) -> str:
    code, out, _ = golfsweep("token", "create", "--scope", "read", "--owner", "anna", "--home", home)
    assert code == 0
    return out.strip()


@contextmanager
def serving_process(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`golfsweep serve` as a process, and its address, at which it answers."""
    port = free_port()
    words = [sys.executable, "-m", "sweeps.cli", "serve", "--port", str(port), "--home", str(home), *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + SECONDS
        while time.monotonic() < until and process.poll() is None:
            try:
                httpx2.get(f"{url}/healthz")
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield process, url
        process.kill()


@pytest.fixture
def server(home: Path, token: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server and its address."""
    with serving_process(home) as running:
        yield running


def follow(url: str, token: str, seen: list[dict[str, Any]], last: int, enough: int) -> None:
    headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(last)}
    with httpx2.stream("GET", f"{url}/api/v1/events", headers=headers, timeout=SECONDS) as answer:
        event: dict[str, Any] = {}
        for line in answer.iter_lines():
            if not line and event:
                seen.append(event)
                event = {}
                if len(seen) >= enough:
                    return
            elif ": " in line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value


def test_events_arrive_as_they_happen_and_none_is_missed(
    server: tuple[subprocess.Popen[str], str], home: Path, token: str
) -> None:
    _, url = server
    store = Workplace.open(home).store
    first = store.last_event()
    seen: list[dict[str, Any]] = []
    reader = threading.Thread(target=follow, args=(url, token, seen, first, 6), daemon=True)
    reader.start()
    for number in range(6):
        store.put_sweep(f"sweep-{number}", {}, Budget())
        time.sleep(0.2)
    reader.join(SECONDS)
    assert [int(event["id"]) for event in seen] == [event.id for event in store.events(first)]
    assert [json.loads(event["data"])["sweep"] for event in seen] == [f"sweep-{number}" for number in range(6)]
    assert {json.loads(event["data"])["kind"] for event in seen} == {"sweep put"}
    again: list[dict[str, Any]] = []
    follow(url, token, again, int(seen[2]["id"]), 3)
    assert again == seen[3:]
    store.close()


def test_a_stream_ends_with_its_token(server: tuple[subprocess.Popen[str], str], home: Path, token: str) -> None:
    _, url = server
    reader = threading.Thread(target=follow_to_the_end, args=(url, token), daemon=True)
    reader.start()
    time.sleep(0.5)
    store = Workplace.open(home).store
    store.revoke_token(token.split("_")[1])
    store.close()
    reader.join(SECONDS)
    assert not reader.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_although_somebody_follows(
    server: tuple[subprocess.Popen[str], str], token: str, number: signal.Signals
) -> None:
    process, url = server
    reader = threading.Thread(target=follow_to_the_end, args=(url, token), daemon=True)
    reader.start()
    time.sleep(1)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode in (0, 128 + number), err
    assert "Traceback" not in err and out == ""


def follow_to_the_end(url: str, token: str) -> None:
    with suppress(httpx2.TransportError):
        follow(url, token, [], 0, 10**9)


def test_it_imports_nothing_that_runs() -> None:
    program = (
        "import sys, sweeps.web.app; "
        "print([name for name in ('torch', 'ray', 'optuna', 'plotly', 'sweeps.run', 'sweeps.driver', 'sweeps.planning')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_port_in_use_is_one_line(home: Path, token: str, refused: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        line = refused("serve", "--port", str(taken.getsockname()[1]), "--home", home)
    assert "choose another address or port" in line


def test_others_are_not_served_without_a_token(home: Path, refused: Any) -> None:
    assert "golfsweep token create" in refused("serve", "--host", "0.0.0.0", "--port", "0", "--home", home)


class TestTokenCommands:
    def test_a_token_is_shown_once(self, home: Path, token: str, golfsweep: Command) -> None:
        _, listed, _ = golfsweep("token", "list", "--home", home)
        assert token.split("_")[1] in listed and "anna" in listed and token not in listed
        _, document, _ = golfsweep("token", "list", "--home", home, "--json")
        [facts] = json.loads(document)["tokens"]
        assert facts["owner"] == "anna" and facts["scope"] == "read" and token not in document

    def test_revoke(self, home: Path, token: str, golfsweep: Command) -> None:
        code, said, _ = golfsweep("token", "revoke", token.split("_")[1], "--home", home)
        assert code == 0 and said.startswith("Revoked token")
        assert "revoked" in golfsweep("token", "list", "--home", home)[1]

    @pytest.mark.parametrize("words", [
        ("token", "create", "--scope", "root"), ("token", "create", "--scope", "read", "--owner", ""),
        ("token", "create", "--scope", "read", "--owner", "a\nb"), ("token", "revoke", "zz"),
        ("token", "create", "--scope", "read", "--expires", "-1"),
    ])  # fmt: skip
    def test_wrong_words_are_one_line(self, home: Path, refused: Any, words: tuple[str, ...]) -> None:
        refused(*words, "--home", home)
