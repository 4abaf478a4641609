"""What answers at the address of a cluster's head, found out before Ray connects.

Ray's own client retries for minutes, prints its log on the terminal, and ends the process where it should raise.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from ray._common.tls_utils import load_certs_from_env
from ray._private.services import find_node_ids
from ray._private.utils import check_version_info, compute_version_info
from ray.core.generated import gcs_pb2, gcs_service_pb2, gcs_service_pb2_grpc

from cluster.ray.address import DASHBOARD_PORT, HEAD_PORT, Address, parse_head, require_listener
from cluster.ray.token import HOW_TO_SET, Token, read_token
from golf.errors import InputError
from jobs.errors import Unavailable

ANSWER_SECONDS = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """What a cluster's head says of the cluster."""

    versions: Mapping[str, Any]
    """`ray_version` and `python_version` with which it was started."""
    dashboard: str | None
    """HOST:PORT of its dashboard, as the head reaches it; None without one."""
    nodes: Mapping[str, str]
    """Nodes that are alive: Ray's id → address."""


def require_joinable(address: str) -> None:
    """Make sure that this process can join the cluster at an address; takes at most 15 s.

    Raises:
        InputError: no address of a head, another version of Ray or Python there, a wrong token, or this machine is
            no node of the cluster.
        Unavailable: no head answers there now.
    """
    option = parse_head(address)
    head = ask_head(option)
    _require_same_versions(option.option, head)
    if not head.nodes.keys() & set(find_node_ids()):
        listed = ", ".join(sorted(set(head.nodes.values()))[:4]) or "none"
        raise InputError(
            f"{option.option}: this machine is no node of the cluster (its nodes: {listed}); run the command on one of "
            f'them, or make this one a node with "ray start --address={option}"'
        )


def ask_head(address: Address) -> Head:
    """Ask a head for its versions, its dashboard and its nodes.

    Raises:
        InputError: something else answers there, or it refuses the token.
        Unavailable: no head answers there now.
    """
    require_listener(address)
    token = read_token()
    with _channel(address) as channel, _mapping_errors(address, token):
        table = gcs_service_pb2_grpc.InternalKVGcsServiceStub(channel)
        nodes = gcs_service_pb2_grpc.NodeInfoGcsServiceStub(channel)
        until = time.monotonic() + ANSWER_SECONDS
        metadata = list(token.headers().items()) if token else []

        def look_up(namespace: bytes, key: bytes) -> bytes:
            request = gcs_service_pb2.InternalKVGetRequest(namespace=namespace, key=key)
            value: bytes = table.InternalKVGet(request, timeout=until - time.monotonic(), metadata=metadata).value
            return value

        versions, dashboard = look_up(b"cluster", b"CLUSTER_METADATA"), look_up(b"dashboard", b"dashboard")
        if not versions:
            raise Unavailable(f"{address.option}: the head there is still starting")
        request = gcs_service_pb2.GetAllNodeInfoRequest()
        answer = nodes.GetAllNodeInfo(request, timeout=until - time.monotonic(), metadata=metadata)
    alive = [node for node in answer.node_info_list if node.state == gcs_pb2.GcsNodeInfo.GcsNodeState.ALIVE]
    return Head(
        versions=json.loads(versions),
        dashboard=dashboard.decode() or None,
        nodes={node.node_id.hex(): node.node_manager_address for node in alive},
    )


def _require_same_versions(option: str, head: Head) -> None:
    ours = compute_version_info()
    theirs = head.versions["ray_version"], head.versions["python_version"]
    try:
        check_version_info(dict(head.versions), "this machine")  # Ray's own rule, which a variable of Ray can relax
    except RuntimeError:
        raise InputError(
            f"{option}: the cluster runs Ray {theirs[0]} on Python {theirs[1]}, this golfsweep Ray {ours[0]} on Python "
            f"{ours[1]}; install the same versions on both sides"
        ) from None


@contextmanager
def _channel(address: Address) -> Iterator[Any]:
    """A connection to a head, encrypted if Ray's own would be."""
    options = [("grpc.enable_http_proxy", 0)]  # Ray's own takes no proxy either
    if os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true"):
        try:
            certificates, key, authority = load_certs_from_env()
            credentials = grpc.ssl_channel_credentials(authority, key, certificates)
        except (OSError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{address.option}: RAY_USE_TLS is set, but its files cannot be used ({reason})") from None
        channel = grpc.secure_channel(str(address), credentials, options=options)
    else:
        channel = grpc.insecure_channel(str(address), options=options)
    try:
        yield channel
    finally:
        channel.close()


@contextmanager
def _mapping_errors(address: Address, token: Token | None) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        _raise_mapped(error, address, token)


def _raise_mapped(error: Any, address: Address, token: Token | None) -> NoReturn:
    option, code, details = address.option, error.code(), str(error.details())
    expected = f"expected the head's port, {HEAD_PORT} unless it was started with another"
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        raise refusal(option, token) from None
    if "http1.x" in details:
        raise InputError(
            f"{option}: a web server answers there, perhaps the dashboard (port {DASHBOARD_PORT}); {expected}"
        ) from None
    if code == grpc.StatusCode.UNIMPLEMENTED and "http2 header" not in details:  # a proxy answers so for any address
        what = "another part of Ray or another server"
        raise InputError(f"{option}: no head answers there, but {what}; {expected}") from None
    if "parsing HTTP/2" in details or "SSL" in details or "Handshake" in details:
        raise InputError(f"{option}: something other than Ray answers there; {expected}") from None
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        reason = f"it accepts connections, but says nothing within {ANSWER_SECONDS:.0f} s"
    else:
        reason = " ".join(details.split()).removeprefix("failed to connect to all addresses; last error: ")[:120]
    raise Unavailable(f"{option}: no Ray head answers there ({reason}; {expected})") from None


def refusal(option: str, token: Token | None) -> InputError:
    """The error of a cluster that does not take our token."""
    if token is None:
        return InputError(f"{option}: the cluster asks for a token, and none is set; {HOW_TO_SET}")
    return InputError(f"{option}: the cluster refuses the token of {token.source}; {HOW_TO_SET}")
