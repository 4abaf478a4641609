"""Every page of the service in a real browser, full and empty: axe finds nothing, nothing scrolls sideways, and the
keyboard reaches everything in the order of the page, with a visible focus."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.testclient import TestClient

from jobs.budget import Budget
from jobs.state import Scope
from jobs.store.submissions import SubmittedContent
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.jobs.stores import FACTS, order
from tests.sweeps.made_up import file, play
from tests.sweeps.web.browsing import CHROMIUM, open_browser, serving
from tests.sweeps.web.conftest import NAME
from tests.sweeps.web.test_records import NAME_OF_RECORD, ZIP, zipped

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: no page is looked at")

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
EMPTY = ("/", "/sweeps", "/records", "/cluster", "/activity")
LONG = "a-sweep-with-a-name-of-forty-characters0"
STOPS = 25
"""Presses of Tab on each page."""
FOCUS = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
  const first = document.body === at ? -1 : Array.from(document.querySelectorAll('*')).indexOf(at);
  return {place: first, shown: box.width > 0 && box.height > 0, what: at.outerHTML.slice(0, 120),
          ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1};
}"""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A home with a submitted sweep that is done, a record, and a job that runs while others wait."""
    place = Workplace.open(tmp_path_factory.mktemp("full") / "home")
    play(place, file(LONG))
    place.store.submit(LONG, SubmittedContent(file="name = 'x'"))
    place.store.put_sweep("s", play(place, file("played")).to_json(), Budget(dollars_per_gpu_hour=2.0))
    place.store.beat("a", "the cluster", 4, 4)
    for seed in (1, 2):
        place.store.put_job(order(seed))
    [record] = place.store.claim("a", 1)
    place.store.start_attempt(record.key, "a", sweep="s", node="n1", **FACTS)
    token = place.store.create_token(Scope.SUBMIT, "anna", days=1).text
    client = TestClient(
        make_app(Service(place=place, host="127.0.0.1", port=0)),
        base_url=f"http://{NAME}", headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert client.post("/api/v1/records", params={"name": NAME_OF_RECORD}, content=zipped(), headers=ZIP).is_success
    yield place
    place.store.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    place = Workplace.open(tmp_path_factory.mktemp("empty") / "home")
    yield place
    place.store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


def list_pages(place: Workplace) -> list[str]:
    """A page of each kind."""
    sweep, pair = f"/sweeps/{LONG}", f"challenger={LONG}/none&incumbent={LONG}/base"
    training = next(job for job in place.store.jobs(sweep=LONG) if job.order.job.stage == "train")
    return [
        *EMPTY, "/compare", "/submit", "/nothing", sweep,
        f"{sweep}/jobs", f"{sweep}/entries/none", f"{sweep}/entries/leak", f"/compare?{pair}",
        f"/compare?challenger=none&incumbent={LONG}/leak", f"/records/{NAME_OF_RECORD}", f"/submit?sweep={LONG}",
        f"/jobs/{training.key}",
    ]  # fmt: skip


def test_every_page_can_be_read_and_reached_by_all(browser: Any, full: Workplace, empty: Workplace) -> None:
    problems = list[str]()

    def report_error(error: Any) -> None:
        problems.append(str(error))

    for place, paths in ((full, list_pages(full)), (empty, EMPTY)):
        with serving(place) as address:
            context = browser.new_context(viewport=PHONE)
            page = context.new_page()
            page.on("pageerror", report_error)
            page.goto(f"{address}/login")
            problems.extend(examine(page, "/login"))
            page.reload()
            page.keyboard.press("Tab")  # the skip link
            page.keyboard.press("Tab")
            page.keyboard.type(place.store.create_token(Scope.ADMIN, "anna", days=1).text)
            page.keyboard.press("Enter")
            page.wait_for_url(f"{address}/")
            for path in paths:
                page.goto(f"{address}{path}")
                problems.extend(walk(page, path) if place is full else [])
                problems.extend(examine(page, path))
            context.close()
    assert problems == []


def examine(page: Any, path: str) -> list[str]:
    """What axe finds with all drawers open, and whether the page is wider than a phone or a dark desktop."""
    page.evaluate("for (const drawer of document.querySelectorAll('details')) drawer.open = true")
    problems = list[str]()
    for viewport, scheme in ((PHONE, "light"), (DESKTOP, "dark")):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        problems += (f"{path}: {problem['id']}: {problem['nodes'][0]['html'][:200]}" for problem in found)
        if page.evaluate("document.documentElement.scrollWidth") > viewport["width"]:
            problems.append(f"{path}: wider than a screen of {viewport['width']}")
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="light")
    return problems


def walk(page: Any, path: str) -> list[str]:
    """What is wrong with the places that Tab stops at: out of order, not seen, or without a visible focus."""
    places, problems = [-1], list[str]()
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at["place"] < 0 or (len(places) > 2 and at["place"] == places[1]):
            break  # once around
        if at["place"] < places[-1] or not (at["shown"] and at["ring"]):
            problems.append(f"{path}: {at}")
        places.append(at["place"])
    return problems if len(places) > 1 else [*problems, f"{path}: Tab stops nowhere"]
