"""A service that listens, and a browser to look at it."""

import shutil
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import expect, sync_playwright

from golf.threads import BackgroundThread
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.service import Service

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

MILLISECONDS = 60_000
"""For whatever a page does, on a machine that does other work, too."""


@contextmanager
def serving(place: Workplace) -> Iterator[str]:
    """The address of a service of a home, for as long as it is needed."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = make_app(Service(place=place, host="127.0.0.1", port=port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = BackgroundThread("service", lambda: server.run(sockets=[listening]))
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(MILLISECONDS / 1000)


@contextmanager
def open_browser() -> Iterator[Any]:
    """Chromium without a window."""
    with warnings.catch_warnings(), sync_playwright() as driver:
        warnings.simplefilter("ignore")
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        expect.set_options(timeout=MILLISECONDS)  # `set_default_timeout` does not reach it: it would wait 5 seconds
        yield opened
        opened.close()
