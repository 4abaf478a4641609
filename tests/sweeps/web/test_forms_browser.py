"""Forms in a real browser, with scripts and without: a sweep is submitted, edited, paused, tagged and cancelled."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from jobs.state import Scope
from jobs.workplace import Workplace
from tests.sweeps.web.browsing import CHROMIUM, MILLISECONDS, open_browser, serving
from tests.sweeps.web.test_writing import FILE, checked

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: no form is filled in")
__all__ = ["checked"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Workplace]]:
    """A service that listens, and its home."""
    place = Workplace.open(tmp_path / "home")
    with serving(place) as address:
        yield address, place
    place.store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


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
