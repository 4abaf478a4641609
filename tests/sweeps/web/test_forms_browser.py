"""Forms in a real browser, with scripts and without: a sweep is submitted, edited, paused, tagged and cancelled."""

import shutil
import socket
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from golf.threads import BackgroundThread
from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.sweeps.web.test_writing import FILE, checked

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: no form is filled in")
__all__ = ["checked"]
MILLISECONDS = 60_000
"""For whatever a page does, on a machine that does other work, too."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Workplace]]:
    """A service that listens, and its home."""
    place = Workplace.open(tmp_path / "home")
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = make_app(Service(place=place, host="127.0.0.1", port=port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = BackgroundThread("service", lambda: server.run(sockets=[listening]))
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}", place
    server.should_exit = True
    thread.join(MILLISECONDS / 1000)
    place.store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with warnings.catch_warnings(), sync_playwright() as driver:
        warnings.simplefilter("ignore")
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        expect.set_options(timeout=MILLISECONDS)  # `set_default_timeout` does not reach it: it would wait 5 seconds
        yield opened
        opened.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_sweep_is_submitted_and_decided_about(
    browser: Any, served: tuple[str, Workplace], checked: list[Any], tmp_path: Path, scripts: bool
) -> None:
    address, place = served
    context, errors = (
        browser.new_context(java_script_enabled=scripts, viewport={"width": 390, "height": 844}),
        list[str](),
    )
    page = context.new_page()
    page.set_default_timeout(MILLISECONDS)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Security Policy" in message.text else None)
    page.goto(f"{address}/submit")
    page.get_by_label("Token").fill(place.store.create_token(Scope.SUBMIT, "anna", days=1).text)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Sweep file (TOML)").fill("\n" + FILE)
    page.get_by_label("Tags, with commas").fill("first")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("sent")
    expect(page.locator("header")).to_contain_text("no driver; golfsweep run --queue")
    page.get_by_role("link", name="Edit or clone").click()
    script = tmp_path / "a.py"
    script.write_text("x = 1\n")
    page.get_by_label("Files of its script").set_input_files(script)
    page.get_by_label("Values on top of it").fill("seeds.confirm=[3, 4]")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("Difference to the version before").click()
    expect(page.locator("#difference")).to_contain_text("+--set seeds.confirm=[3, 4]")
    expect(page.locator("#difference")).to_contain_text("+a.py: ")
    page.get_by_label("Tags").fill("second, third")
    page.get_by_role("button", name="Set tags").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("header")).to_contain_text("paused by anna")
    page.get_by_label("Add seeds").fill("2")
    page.get_by_role("button", name="Show price").click()
    expect(page.locator("main")).to_contain_text("on seeds 5, 6, too")
    page.get_by_role("link", name="sent").click()
    page.screenshot(path=tmp_path / "sweep.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 if scripts else True
    page.locator("#cancel summary").click()
    page.get_by_role("button", name="Cancel this sweep").click()
    expect(page.locator("header")).to_contain_text("cancelled by anna")
    record = place.store.submission("sent")
    assert record is not None and (record.version, record.tags, record.state) == (2, ("second", "third"), "cancelled")
    assert {event.who for event in place.store.events(sweep="sent")} == {"anna"}
    assert errors == []
    context.close()
