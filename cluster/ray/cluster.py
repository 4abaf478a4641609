"""Starting or joining a Ray cluster, with token authentication and without Ray's log messages."""

import logging
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
import ray._private.utils
from ray.exceptions import AuthenticationError

from cluster.executors.processes import deaf_to
from cluster.ray.folders import MARK
from cluster.ray.head import require_joinable
from cluster.ray.reach import Endpoint
from golf.errors import InputError
from jobs.errors import Unavailable
from jobs.secrets import hide_passwords

_CHECKOUT = str(Path(__file__).parents[2])
_TOKEN = secrets.token_hex(32)
"""The token of every cluster that this process starts: Ray reads a token once per process."""


def start_local(slots: int, folder: Path) -> None:
    """Start a Ray cluster on this machine, with its files in a folder, that ends with this process."""
    _prepare()
    # Ray turns token authentication on for a cluster that it starts; given a token, it writes none to the user's home.
    os.environ["RAY_AUTH_TOKEN"] = _TOKEN
    os.environ[MARK] = str(folder)
    # Never joins a cluster that happens to run here: "local" always starts one.
    _init(address="local", num_cpus=slots, include_dashboard=False, _temp_dir=str(folder))


def join(address: str) -> None:
    """Join a running cluster, with the token that Ray finds (RAY_AUTH_TOKEN, or its own token file).

    Raises:
        InputError: no address of a head, or the cluster refuses us.
        Unavailable: no head answers there now.
    """
    _prepare()
    require_joinable(address)
    try:
        _init(address=address)
    except ConnectionError as error:
        raise Unavailable(
            f"--ray {address}: does not answer ({hide_passwords(' '.join(str(error).split()))})"
        ) from None
    except (AuthenticationError, RuntimeError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"--ray {address}: refused ({first}); golfsweep doctor --ray {address} checks it") from None


def identity() -> str:
    """The unique name of the cluster that was started or joined: its address and the session of its head."""
    context = ray.get_runtime_context()
    return f"ray {context.gcs_address} {context.get_session_name()}"


def endpoints() -> dict[str, Endpoint]:
    """The servers without which this process can do nothing: the cluster's GCS, and the raylet of this node."""
    context = ray.get_runtime_context()
    own = next(node for node in ray.nodes() if node["NodeID"] == context.get_node_id())
    raylet = Endpoint(own["NodeManagerAddress"], own["NodeManagerPort"])
    return {"GCS": Endpoint.parse(context.gcs_address), "raylet": raylet}


def leave() -> None:
    """Leave the cluster; ends it if it was started here."""
    ray.shutdown()


def _init(**arguments: Any) -> None:
    """Start or join; its processes do not notice when the terminal closes, which ends this process, and it them."""
    with deaf_to(signal.SIGHUP), _own_sigterm_handler():
        ray.init(log_to_driver=False, logging_level=logging.ERROR, runtime_env=_environment(), **arguments)


@contextmanager
def _own_sigterm_handler() -> Iterator[None]:
    """Keep this process's SIGTERM handler, from the first moment: Ray's exit without a message.

    One of Ray's is in Python, and is never set; the other is in C++, and is replaced as soon as Ray is there.
    """
    before = ray._private.utils.set_sigterm_handler
    ray._private.utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        ray._private.utils.set_sigterm_handler = before
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _prepare() -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    logging.getLogger("ray").setLevel(logging.ERROR)


def _environment() -> dict[str, dict[str, str]]:
    """Workers import the code that the driver runs, and compute with one thread per slot."""
    path = os.pathsep.join(filter(None, [_CHECKOUT, os.environ.get("PYTHONPATH")]))
    return {"env_vars": {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}}
