"""A page that stays open while server and PostgreSQL are killed and come back: it shows what happened meanwhile."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from jobs.state import Scope
from jobs.store import SubmittedContent
from jobs.workplace import Workplace
from tests.jobs.stores import empty_database
from tests.postgresql import Server
from tests.sweeps.web.test_forms_browser import CHROMIUM, browser
from tests.sweeps.web.test_serving import free_port
from tests.sweeps.web.test_worker import answers, wait_until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: no page is open")
__all__ = ["browser"]


@pytest.fixture
def place(postgresql: Server, tmp_path: Path) -> Iterator[Workplace]:
    opened = Workplace.open(tmp_path / "home", empty_database(postgresql))
    yield opened
    opened.store.close()


@pytest.fixture
def serve(postgresql: Server, place: Workplace) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the service, each time at the same address, which is its attribute `url`."""
    port = free_port()
    words = ["-m", "sweeps.cli", "serve", "--port", str(port), "--home", str(place.home.root), "--db", postgresql.url]
    with ExitStack() as stack:

        def start() -> subprocess.Popen[bytes]:
            process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            wait_until(lambda: answers(start.url))  # type: ignore[attr-defined]
            return process

        start.url = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
        yield start


def test_a_live_page_shows_what_happened_while_nothing_answered(
    browser: Any, serve: Any, place: Workplace, postgresql: Server
) -> None:
    anna = place.store.acting_as("anna")
    anna.submit("sent", SubmittedContent(file='name = "sent"'))
    token = place.store.create_token(Scope.SUBMIT, "anna", days=1).text
    service = serve()
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    page.goto(f"{serve.url}/sweeps/sent")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()
    header, stale = page.locator("header"), page.locator(".stale")
    expect(header).to_contain_text("no driver; golfsweep run --queue")
    page.evaluate("window.stays = true")

    service.kill()
    expect(stale).to_contain_text("Not connected")
    postgresql.kill()
    postgresql.start()
    wait_until(lambda: anna.pause_sweep("sent") is not None)
    context.route("**/events?*", lambda route: route.fulfill(status=503), times=1)  # as a proxy answers meanwhile
    service = serve()
    expect(header).to_contain_text("paused by anna")
    expect(stale).to_have_count(0)

    context.route("**/sweeps/sent", lambda route: route.fulfill(status=503), times=1)
    anna.resume_sweep("sent")
    expect(header).to_contain_text("no driver; golfsweep run --queue")

    postgresql.kill()
    postgresql.start()
    wait_until(lambda: anna.cancel_submission("sent") is not None)
    expect(header).to_contain_text("cancelled by anna")
    assert page.evaluate("window.stays"), "it is the same page all the time"
    os.kill(service.pid, signal.SIGTERM)
    context.close()
