"""Wrong addresses of a cluster: each is one line that says what would be right, soon, and before Ray connects."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from ray._private.utils import compute_version_info
from ray.core.generated import gcs_pb2, gcs_service_pb2, gcs_service_pb2_grpc

from cluster.ray import address, dashboard, head
from cluster.ray.dashboard import find_job_server
from cluster.ray.head import require_joinable
from golf.errors import InputError
from jobs.errors import Unavailable

RAY, PYTHON = compute_version_info()
TOKEN = "ab" * 32


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No token but those that a test sets."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(head, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(dashboard, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(address, "CONNECT_SECONDS", 1.0)


class Head(gcs_service_pb2_grpc.InternalKVGcsServiceServicer, gcs_service_pb2_grpc.NodeInfoGcsServiceServicer):
    """The part of a cluster's head that is asked before Ray connects, over real gRPC."""

    def __init__(self, versions: tuple[str, str], token: str | None, dashboard: str) -> None:
        facts = {"ray_version": versions[0], "python_version": versions[1]}
        self.values = {b"CLUSTER_METADATA": json.dumps(facts).encode(), b"dashboard": dashboard.encode()}
        self.token = token

    def InternalKVGet(self, request: Any, context: Any) -> Any:
        given = dict(context.invocation_metadata()).get("authorization")
        if self.token is not None and given != f"Bearer {self.token}":
            context.abort(
                grpc.StatusCode.UNAUTHENTICATED, "InvalidAuthToken: Authentication token is missing or incorrect"
            )
        return gcs_service_pb2.InternalKVGetReply(value=self.values[request.key])

    def GetAllNodeInfo(self, request: Any, context: Any) -> Any:
        node = gcs_pb2.GcsNodeInfo(node_id=b"\1" * 28, node_manager_address="10.1.2.3")
        return gcs_service_pb2.GetAllNodeInfoReply(node_info_list=[node])


@pytest.fixture
def start_head() -> Iterator[Callable[..., str]]:
    """Start a head; its address."""
    servers: list[Any] = []

    def start(versions: tuple[str, str] = (RAY, PYTHON), token: str | None = None, dashboard: str = "") -> str:
        server = grpc.server(ThreadPoolExecutor(2))
        service = Head(versions, token, dashboard)
        gcs_service_pb2_grpc.add_InternalKVGcsServiceServicer_to_server(service, server)
        gcs_service_pb2_grpc.add_NodeInfoGcsServiceServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop(None)


@pytest.fixture
def start_web() -> Iterator[Callable[[int, str], str]]:
    """Start a web server that always answers the same; its address."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(status: int, body: str) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of a program that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def blackhole() -> Iterator[str]:
    """An address at which packets vanish: a queue of connections that is full."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(server.getsockname())
            waiting.append(client)
        time.sleep(0.05)
        yield f"127.0.0.1:{server.getsockname()[1]}"
        for client in waiting:
            client.close()


def refused(action: Callable[[str], object], given: str) -> str:
    """What is wrong in the command, one line."""
    with pytest.raises(InputError) as error:
        action(given)
    return line(error.value, given)


def unavailable(action: Callable[[str], object], given: str) -> str:
    """What may pass, one line."""
    started = time.monotonic()
    with pytest.raises(Unavailable) as error:
        action(given)
    assert time.monotonic() - started < 15
    return line(error.value, given)


def line(error: Exception, given: str) -> str:
    assert "\n" not in str(error)
    assert str(error).startswith(f"--ray {given}: ")
    return str(error).removeprefix(f"--ray {given}: ")


# The form of an address


@pytest.mark.parametrize(
    "given", ["", "garbage", ":6379", "head:", "head:0", "head:65536", "head:٣", "a b:6379", "a/b:1"]
)
def test_what_is_no_address_says_what_one_looks_like(given: str) -> None:
    assert refused(require_joinable, given).startswith("not an address; expected HOST:PORT")
    assert "http://HOST:8265" in refused(find_job_server, given)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("http://h:8265", "the address of a dashboard, to which only golfsweep submit connects"),
        ("https://h", "the address of a dashboard, to which only golfsweep submit connects"),
        ("ray://h:10001", "a Ray client's address, through which no sweep can run"),
        ("redis://h:6379", "not the address of a Ray cluster"),
    ],
)
def test_an_address_of_another_kind_is_named(given: str, problem: str) -> None:
    host = "HOST" if given == "https://h" else "h"
    assert refused(require_joinable, given) == f"{problem}; expected the head's own address, e.g. {host}:6379"


@pytest.mark.parametrize("given", ["ray://h:10001", "http://", "http://h:99999", "ftp://h:1"])
def test_what_is_no_dashboard_is_refused_by_its_form(given: str) -> None:
    assert "expected http://HOST:8265" in refused(find_job_server, given)


# What answers there


def test_a_host_that_does_not_exist_is_bad_input() -> None:
    assert refused(require_joinable, "nosuch.invalid:6379").startswith("no machine is named nosuch.invalid; expected")
    assert refused(require_joinable, f"{'a' * 70}.b:6379").startswith("no machine is named")
    assert refused(find_job_server, "http://nosuch.invalid:8265").startswith("no machine is named nosuch.invalid")


def test_a_closed_port_and_a_host_that_does_not_answer_may_pass(blackhole: str) -> None:
    assert unavailable(require_joinable, "127.0.0.1:1") == "cannot be reached (Connection refused)"
    assert unavailable(require_joinable, blackhole) == "cannot be reached (no answer within 1 s)"
    assert "cannot be reached" in unavailable(find_job_server, f"http://{blackhole}")


def test_a_program_that_says_nothing_may_pass(mute: str) -> None:
    assert "says nothing within 1 s; expected the head's port, 6379" in unavailable(require_joinable, mute)
    assert unavailable(find_job_server, f"http://{mute}") == "no dashboard answers there within 1 s"


def test_a_dashboard_where_the_head_belongs_and_the_other_way_round(
    start_web: Callable[[int, str], str], start_head: Callable[..., str]
) -> None:
    web = start_web(200, json.dumps({"ray_version": RAY}))
    for action in (require_joinable, find_job_server):
        assert "expected the head's port, 6379" in refused(action, web)
    assert "perhaps the head (port 6379); expected http://HOST:8265" in refused(
        find_job_server, f"http://{start_head()}"
    )


@pytest.mark.parametrize(("status", "body"), [(404, ""), (200, "<html>"), (200, "[]"), (302, "{}")])
def test_another_web_server_is_no_dashboard(start_web: Callable[[int, str], str], status: int, body: str) -> None:
    given = f"http://{start_web(status, body)}"
    assert "a web server answers there, but not a Ray dashboard" in refused(find_job_server, given)


def test_another_grpc_server_is_no_head() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    assert "no head answers there, but another part of Ray" in refused(require_joinable, f"127.0.0.1:{port}")
    server.stop(None)


@pytest.mark.parametrize(("ours", "theirs"), [((RAY, PYTHON), ("2.59.1", PYTHON)), ((RAY, PYTHON), (RAY, "3.12.4"))])
def test_other_versions_are_both_named(
    start_head: Callable[..., str], ours: tuple[str, str], theirs: tuple[str, str]
) -> None:
    assert refused(require_joinable, start_head(theirs)) == (
        f"the cluster runs Ray {theirs[0]} on Python {theirs[1]}, this golfsweep Ray {ours[0]} on Python {ours[1]}; "
        "install the same versions on both sides"
    )


def test_a_machine_that_is_no_node_of_the_cluster_is_told_how_to_become_one(start_head: Callable[..., str]) -> None:
    given = start_head()
    problem = refused(require_joinable, given)
    assert problem.startswith("this machine is no node of the cluster (its nodes: 10.1.2.3); ")
    assert f'"ray start --address={given}"' in problem


# Tokens


def test_a_missing_and_a_wrong_token_are_told_apart(
    start_head: Callable[..., str],
    start_web: Callable[[int, str], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    head, web = start_head(token=TOKEN), f"http://{start_web(401, 'Unauthorized')}"
    for action, given in ((require_joinable, head), (find_job_server, head), (find_job_server, web)):
        assert refused(action, given).startswith(
            "the cluster asks for a token, and none is set; set RAY_AUTH_MODE=token"
        )
    file = tmp_path / "token"
    file.write_text("cd" * 32)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(file))
    problem = refused(require_joinable, head)
    assert problem.startswith(f"the cluster refuses the token of RAY_AUTH_TOKEN_PATH={file}; ")
    assert "cd" * 32 not in problem
    file.write_text(TOKEN)
    assert "this machine is no node" in refused(require_joinable, head)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "ef" * 32)  # goes before the file, as Ray has it
    assert "the token of RAY_AUTH_TOKEN;" in refused(require_joinable, head)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert "none is set" in refused(require_joinable, head)


def test_a_token_that_is_demanded_and_not_there_is_bad_input(
    start_head: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = start_head()
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(InputError, match="RAY_AUTH_MODE=token: there is no token; set"):
        require_joinable(given)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"none: cannot be read \(No such file or directory\); expected the file"):
        require_joinable(given)


# What is right


def test_a_head_leads_to_its_dashboard(start_head: Callable[..., str], start_web: Callable[[int, str], str]) -> None:
    web = start_web(200, json.dumps({"ray_version": "2.9.0"}))
    assert find_job_server(f"http://{web}/") == f"http://{web}"
    assert find_job_server(start_head(dashboard=web)) == f"http://{web}"
    assert "start its head with" in refused(find_job_server, start_head())
