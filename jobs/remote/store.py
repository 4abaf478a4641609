"""A store whose every method is sent to the service, which calls it on its database."""

import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from golf.errors import InputError
from jobs.machine.host import identity, user_name
from jobs.remote.connection import Connection
from jobs.remote.methods import METHODS, MOST_ITEMS, NOT_REMOTE, PAGED
from jobs.remote.signatures import signature_of
from jobs.store import Store
from jobs.store.transactions import ActingProcess


class RemoteStore(Store):
    """The store of a service, for this process to work on.

    Its methods do, return and raise what those of `Store` do. The service writes events in the name of the token's
    owner, and judges whether this process lives by the heartbeats that it sends, as those of any other machine.

    Raises (any method):
        StoreUnavailable: the network, the service or its database does not answer; call again later.
        InputError: the token does not do; or the method needs the database itself.
    """

    def __init__(self, connection: Connection) -> None:
        self._remote = connection
        self._leases: dict[str, str] = {}
        self.user = user_name()
        self.process = ActingProcess(host=identity(), pid=os.getpid())

    @property
    def is_read_only(self) -> bool:
        """The token's scope decides, request by request."""
        return False

    def close(self) -> None:
        """Close every connection."""
        self._remote.close()


def _sender(name: str) -> Callable[..., Any]:
    def send(self: RemoteStore, *args: Any, **kwargs: Any) -> Any:
        signature = signature_of(name)
        answer = self._remote.send("POST", f"/store/{name}", signature.write_arguments(args, kwargs), JSON)
        try:
            return signature.read_result(answer.content)
        except ValueError:
            raise InputError(
                f"server {self._remote.url}: its answer to {name} has another form; expected a golfsweep of the same "
                "version there and here"
            ) from None

    return send


def _refuser(name: str, why: str) -> Callable[..., Any]:
    def refuse(self: RemoteStore, *_: Any, **__: Any) -> NoReturn:
        raise InputError(f"--server {self._remote.url}: cannot be done from here: {why}; give --db instead")

    return refuse


def _in_pages(name: str, cursor: Callable[[Any], Any]) -> Callable[..., Any]:
    """A method that gives a list of any length: it is asked for page after page."""
    send, signature = _sender(name), inspect.signature(getattr(Store, name))

    def collect(self: RemoteStore, *args: Any, **kwargs: Any) -> list[Any]:
        given = signature.bind(self, *args, **kwargs).arguments
        given = {key: list(value) if isinstance(value, Iterator) else value for key, value in given.items()}
        del given["self"]
        left, items = given.pop("limit", None), list[Any]()
        while left is None or left > len(items):
            limit = MOST_ITEMS if left is None else min(MOST_ITEMS, left - len(items))
            page = send(self, **given, limit=limit)
            items += page
            if len(page) < limit:
                break
            given["after"] = cursor(page[-1])
        return items

    return collect


JSON = {"Content-Type": "application/json"}
for _name in METHODS:
    setattr(RemoteStore, _name, _sender(_name))
for _name, _cursor in PAGED.items():
    setattr(RemoteStore, _name, _in_pages(_name, _cursor))
for _name, _why in NOT_REMOTE.items():
    setattr(RemoteStore, _name, _refuser(_name, _why))
