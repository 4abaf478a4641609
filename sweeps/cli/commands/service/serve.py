"""Serving a home over HTTP: serve."""

import gc
import socket
import sys
from dataclasses import replace
from typing import Annotated

import typer

from golf.errors import InputError
from sweeps.cli.app import (
    HOME,
    DbOption,
    FilesOption,
    HomeOption,
    app,
)
from sweeps.text.terminal import Terminal

GRACE_SECONDS = 5
"""For requests that are being answered when the service stops; streams end at once."""


@app.command(needs_database=True)
def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")
    ] = 8080,
    names: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="HOST", help="A host name under which it is reached, e.g. that of a proxy."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Let anybody read without a token; writing needs one.")
    ] = False,
    private_webhooks: Annotated[
        bool,
        typer.Option("--private-webhooks", help="Let webhooks send to private addresses, and without TLS."),
    ] = False,
    home: HomeOption = HOME,
    db: DbOption = None,
    files: FilesOption = None,
) -> None:
    """Serve sweeps and leaderboard over HTTP.

    It runs no jobs: whoever runs sweeps on the same database may come and go. Every request needs a token, which
    golfsweep token create makes. It sends the notices of webhooks; of several services on a database, one does.

    Example: golfsweep serve --port 8080
    """
    import uvicorn

    from jobs.store.kept import KeptStore
    from jobs.workplace import Workplace
    from sweeps.web.app import make_app
    from sweeps.web.notices.sender import NoticeSender
    from sweeps.web.service import Service

    _give_way()
    place = Workplace.open(home, db, files)
    place = replace(place, store=KeptStore.of(place.store))
    service = Service(place=place, host=host, port=port, names=names or (), public=public, logs_requests=True)
    if not service.is_local and not any(token.revoked is None for token in place.store.tokens()):
        raise InputError(
            f"--host {host}: others can reach it, and there is no token yet; golfsweep token create makes one"
        )
    listening = _listen(host, port)
    service = replace(service, port=listening.getsockname()[1])
    shown = f"[{host}]" if ":" in host else host
    Terminal(stderr=True).print_line(f"Serving {home} at http://{shown}:{service.port}; Ctrl-C stops it.")
    config = uvicorn.Config(
        make_app(service), log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )  # fmt: skip
    sender = NoticeSender(place, service.base_url, private=private_webhooks)
    sender.start()
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        sender.stop()


def _give_way() -> None:
    """Keep what takes long from holding up everything else.

    Threads that make leaderboards give way after a millisecond, not five. Garbage is looked for among new objects, and
    seldom among all: in a large home that takes half a second, in which nothing is answered.
    """
    sys.setswitchinterval(0.001)
    gc.set_threshold(20_000, 50, 100)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; uvicorn's own would end the process with a line of its own."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while ")[0]
        raise InputError(f"--host {host} --port {port}: {reason}; choose another address or port") from None
