"""The registry of executors: where the jobs of `golfsweep run` run, by name (`--executor NAME[:ADDRESS]`).

A new executor is a file with its class (`cluster.executor.Executor`) and a function that opens it, and a line of
`EXECUTORS` here. A line names functions as `module:function`, which is imported when it is called: nobody pays for an
executor that is not used, and the help of a command loads none.

A choice without an address means this machine: the machine class of a sweep is then that of the process which drives
it, and the executor's `cluster` must be `machine_cluster()`. With an address, both come from the executor.
"""

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from golf.errors import InputError, shown_name

if TYPE_CHECKING:
    from cluster.executor import Executor, JoinedExecutor, Opening


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutorKind:
    """An executor that users can name: on this machine, on a cluster that is running already, or on either."""

    summary: str
    """What --help says of it."""
    open: str | None = None
    """A function from `Opening` to the executor on this machine (`NAME`); None if it needs an address."""
    join: str | None = None
    """A function from an address to the executor on the cluster there (`NAME:ADDRESS`); None if it takes none."""
    hint: str = ""
    """What tells a user of the cluster at `{address}` why nodes are quarantined."""


EXECUTORS: dict[str, ExecutorKind] = {
    "ray": ExecutorKind(
        summary="Ray, started on this machine or running at HOST:PORT",
        open="cluster.ray.supervised:open_ray",
        join="cluster.ray.supervised:join_ray",
        hint="golfsweep doctor --ray {address} shows which nodes are quarantined, and why.",
    ),
    "local": ExecutorKind(summary="processes of this machine, without Ray", open="cluster.executors.local:open_local"),
}
DEFAULT_EXECUTOR = "ray"


def join_cluster(choice: str) -> "JoinedExecutor | None":
    """Join the cluster of a choice NAME:ADDRESS; None for a choice NAME, which runs on this machine.

    Raises:
        InputError: there is no such executor, its address is missing or too much, or the cluster refuses us.
        Unavailable: the cluster cannot be reached.
    """
    name, colon, address = choice.partition(":")
    if name not in EXECUTORS:
        raise InputError(
            f'--executor {shown_name(choice)}: no executor "{shown_name(name)}"; expected one of {", ".join(EXECUTORS)}'
        )
    kind = EXECUTORS[name]
    if not colon:
        if kind.open is None:
            raise InputError(
                f"--executor {shown_name(choice)}: {name} needs an address; give --executor {name}:ADDRESS"
            )
        return None
    if kind.join is None:
        raise InputError(f"--executor {shown_name(choice)}: {name} takes no address; leave it out")
    joined: JoinedExecutor = resolve_name(kind.join)(address)
    return joined


def quarantine_hint(choice: str) -> str:
    """What tells why nodes of a choice's cluster are quarantined; empty for this machine."""
    name, _, address = choice.partition(":")
    return EXECUTORS[name].hint.format(address=address) if address else ""


def open_executor(choice: str, opening: "Opening") -> "Executor":
    """Open the executor of a choice that runs on this machine."""
    function = EXECUTORS[choice].open
    assert function is not None, "join_cluster has refused such a choice"
    executor: Executor = resolve_name(function)(opening)
    return executor
