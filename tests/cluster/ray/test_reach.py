"""Watching servers: one that is gone is noticed, one that only closes a connection is not gone."""

import socket
import threading
from collections.abc import Iterator

import pytest

from cluster.ray.reach import Endpoint, ReachWatch

LIMIT_SECONDS = 30.0


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(LIMIT_SECONDS)
        yield listening


def endpoint_of(server: socket.socket) -> Endpoint:
    return Endpoint.parse(f"127.0.0.1:{server.getsockname()[1]}")


def test_a_server_that_is_gone_is_named_once(server: socket.socket) -> None:
    gone = threading.Event()
    endpoint = endpoint_of(server)
    watch = ReachWatch({"GCS": endpoint}, 0.2, gone.set)
    connection, _ = server.accept()
    assert watch.lost is None
    server.close()
    connection.close()
    assert gone.wait(LIMIT_SECONDS)
    assert watch.lost == f"its GCS at 127.0.0.1:{endpoint.port} is gone: connection refused"
    watch.close()


def test_a_server_that_closes_a_connection_is_connected_to_anew(server: socket.socket) -> None:
    watch = ReachWatch({"GCS": endpoint_of(server)}, 0.2)
    for _ in range(3):
        connection, _ = server.accept()
        connection.sendall(b"settings")
        connection.close()
    server.accept()[0].close()
    assert watch.lost is None
    watch.close()


def test_a_server_may_be_away_for_less_than_the_patience() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # nobody listens yet, and nobody else may
        watch = ReachWatch({"raylet": endpoint_of(reserved)}, LIMIT_SECONDS)
        reserved.listen()
        reserved.settimeout(LIMIT_SECONDS)
        reserved.accept()[0].close()
        assert watch.lost is None
        watch.close()


def test_an_address_of_version_six_is_read() -> None:
    assert Endpoint.parse("[::1]:6379") == Endpoint("::1", 6379)
