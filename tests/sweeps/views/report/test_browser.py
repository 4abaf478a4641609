"""The pages in a real Chromium: accessible, as wide as a phone, usable by keyboard, without scripts and on paper."""

import re
import shutil
import warnings
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from jobs.workplace import Workplace
from sweeps.board.compare import compare, document_differences
from sweeps.board.rules import RuleFinding
from sweeps.contests.catalog import contest_named
from sweeps.entries.reading import board_of, pair_of
from sweeps.standings.board import Standings
from sweeps.standings.entry import ContestEntry, RunResult
from sweeps.views.components.drawing import read_asset
from sweeps.views.report import report, standings_report
from tests.sweeps.made_up import file, play

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: no page is looked at")

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
SPACE = {
    "eval.lr": {"low": 3e-4, "high": 1e-2, "log": True},
    "eval.multipliers.q": {"low": 0.1, "high": 4.0, "log": True, "per": "third"},
}
HOSTILE = "<script>document.title='taken'</script>"
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'none'"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report with all its parts, a leaderboard and a comparison."""
    root = tmp_path_factory.mktemp("pages")
    place = Workplace.open(root / "home")
    play(place, file("spring", arm=[{"name": "none", "eval": {"preset": "none"}}]))
    arms = [
        {"name": "base", "baseline": True}, {"name": HOSTILE, "eval": {"preset": "none"}},
        {"name": "a-name-of-forty-characters-with-dashes-0", "eval": {"lr": 0.02}},
        {"name": "leak", "eval": {"preset": "chimera-611"}, "seeds": [3]},
        *({"name": f"arm {number}", "eval": {"lr": number / 1000}} for number in range(2, 7)),
    ]  # fmt: skip
    search = {"trials": 4, "documents": 2, "space": SPACE}
    play(place, file("full", arm=arms, search=search, seeds={"tune": [1], "confirm": [3, 4, 5]}, confirm={"top": 1}))
    board, pair = board_of("full", place), pair_of("base", "spring/none", place)
    leaderboard = root / "leaderboard.html"
    leaderboard.write_text(report.leaderboard_page(board_of("full", place), "full", place))
    standings = root / "standings.html"
    standings.write_text(standings_report.leaderboard_page(make_standings(), None, place))
    comparison = report.write_comparison(compare(pair), document_differences(pair), place)
    written = report.write("full", board, place)
    return {"report": written, "leaderboard": leaderboard, "standings": standings, "comparison": comparison}


def make_standings() -> Standings:
    """Records of a contest whose times of several runs are compared."""
    contest = contest_named("modded-nanogpt-1")

    def entry(name: str, seconds: float, day: int, **changes: Any) -> ContestEntry:
        runs = {
            f"run-{run}": RunResult(score=Decimal(f"3.277{run}"), seconds=seconds + run / 10, gpu=HOSTILE)
            for run in range(5)
        }
        facts: dict[str, Any] = {"metric": "val_loss", "step": 1390, "track": "unverified", "machine": "here"}
        return ContestEntry(name=name, contest=contest.name, runs=runs, date=f"2026-07-{day:02}", **facts | changes)

    finding = RuleFinding(code="time", detail=HOSTILE)
    return Standings(
        contest,
        [
            entry("a-name-of-forty-characters-with-dashes-0", 80.6, 1),
            entry(HOSTILE, 79.7, 2),
            entry("flagged", 79.0, 3, track="flagged", findings=(finding,)),
        ],
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with warnings.catch_warnings(), sync_playwright() as driver:
        warnings.simplefilter("ignore")
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def look(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    """Open a page; an error that it reports fails the test."""
    contexts, errors = [], []

    def open_page(name: str, **context: Any) -> Any:
        contexts.append(browser.new_context(**({"viewport": DESKTOP} | context)))
        contexts[-1].set_default_timeout(60_000)
        page = contexts[-1].new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if name:
            page.goto(pages[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.mark.parametrize(
    ("name", "viewport", "scheme"),
    [
        ("report", DESKTOP, "light"), ("report", PHONE, "dark"), ("leaderboard", PHONE, "light"),
        ("comparison", PHONE, "light"), ("comparison", DESKTOP, "dark"), ("standings", PHONE, "light"),
    ],
)  # fmt: skip
def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(
    look: Any, name: str, viewport: dict[str, int], scheme: str
) -> None:
    page = look(name, viewport=viewport, color_scheme=scheme)
    page.evaluate("for (const drawer of document.querySelectorAll('details')) drawer.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    problems = Axe().run(page).response["violations"]
    serious = [problem for problem in problems if problem["impact"] in ("serious", "critical")]
    assert [(problem["id"], problem["nodes"][0]["html"][:200]) for problem in serious] == []
    assert page.title() != "taken"


def test_the_first_screen_has_the_verdict_and_the_intervals(look: Any) -> None:
    page = look("report")
    ends = page.evaluate(
        "['.verdict-bar', '#entries-legal tbody svg'].map(part => document.querySelector(part)"
        ".getBoundingClientRect().bottom)"
    )
    assert max(ends) <= DESKTOP["height"]


def test_a_phone_shows_six_entries_at_once(look: Any) -> None:
    page = look("report", viewport=PHONE)
    spans = page.evaluate(
        "Array.from(document.querySelectorAll('#entries-legal tbody'), body => [body.getBoundingClientRect().top, "
        "body.getBoundingClientRect().bottom])"
    )
    assert spans[5][1] - spans[0][0] <= PHONE["height"]


def test_the_keyboard_sorts_and_opens_drawers(look: Any) -> None:
    page = look("report")
    table = page.locator("#entries-legal")
    names = "Array.from(document.querySelectorAll('#entries-legal tbody th'), name => name.textContent.trim())"
    before = page.evaluate(names)
    table.locator("th.entry button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert table.locator("thead th.entry").get_attribute("aria-sort") == "descending"
    after = page.evaluate(names)
    assert after[0] == "trial 0" and sorted(after) == sorted(before)
    page.keyboard.press("Tab")  # the next heading
    page.keyboard.press("Enter")
    scores = page.evaluate(
        "Array.from(document.querySelectorAll('#entries-legal td.score'), cell => cell.dataset.value)"
    )
    assert scores == sorted(scores, key=float)
    table.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert table.locator(".evidence").first.is_visible()


def test_a_page_works_without_its_script(look: Any) -> None:
    page = look("report", java_script_enabled=False)
    drawer = page.locator("#entries-legal .evidence").first
    assert not drawer.is_visible()
    page.locator("#entries-legal tbody tr").first.click(force=True)  # its drawer's summary lies over it
    assert drawer.is_visible()
    assert page.locator("button:visible").count() == 0


def test_paper_shows_what_is_folded_away(look: Any) -> None:
    page = look("report", java_script_enabled=False)
    page.emulate_media(media="print")
    for part in (".evidence", "details.data table", "details.text pre"):
        assert page.locator(part).first.bounding_box()["height"] > 20, part
    assert page.pdf().startswith(b"%PDF")


def test_a_strict_content_security_policy_can_serve_the_parts(look: Any, pages: dict[str, Path]) -> None:
    """A served page links the stylesheet and the script, and has the same markup."""
    markup = pages["report"].read_text()
    markup = re.sub(r"<style>.*?</style>", '<link rel="stylesheet" href="/golfsweep.css">', markup, flags=re.DOTALL)
    markup = re.sub(r"<script>.*?</script>", '<script src="/golfsweep.js"></script>', markup, flags=re.DOTALL)
    types = {"golfsweep.css": "text/css", "golfsweep.js": "text/javascript"}

    def serve(route: Any) -> None:
        name = route.request.url.rpartition("/")[2]
        headers = {"content-security-policy": POLICY, "content-type": types.get(name, "text/html; charset=utf-8")}
        route.fulfill(headers=headers, body=str(read_asset(name)) if name in types else markup)

    page = look("")
    page.route("**/*", serve)
    page.goto("http://golfsweep.test/report")
    assert page.locator("th button.sort").count() > 5
    assert page.evaluate("getComputedStyle(document.querySelector('.verdict-bar')).display") == "grid"
