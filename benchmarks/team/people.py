"""Who uses the service: people in browsers, and an agent that only knows the API. Each does one thing at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as BrowserError

TIMEOUT_MS = 60_000
ENDED = ("done", "failed", "cancelled")


class Person:
    """Somebody at a browser of his own."""

    def __init__(self, name: str, context: BrowserContext, url: str, token: str) -> None:
        self.name, self.url = name, url
        self.page: Page = context.new_page()
        self.page.set_default_timeout(TIMEOUT_MS)
        self._token = token

    def log_in(self) -> None:
        """Give the token, once."""
        self.page.goto(f"{self.url}/login")
        self.page.fill("#token", self._token)
        self.page.click("main button[type=submit]")
        self.page.wait_for_url(f"{self.url}/")

    def submit(self, file: Path) -> str:
        """Submit a sweep file as an upload; returns the sweep's name."""
        self._visit("/submit")
        self.page.set_input_files("#upload", str(file))
        self.page.click("main form.submit button[type=submit]")
        self.page.wait_for_url(f"{self.url}/sweeps/*")
        return self.page.url.rpartition("/")[2]

    def watch(self, sweep: str) -> Iterator[None]:
        """Have a sweep's page open, and never load it again, until it shows that the sweep is done."""
        self._visit(f"/sweeps/{sweep}")
        while "done" not in self.page.locator("header .note").inner_text():
            self.page.wait_for_timeout(200)
            yield

    def cancel(self, sweep: str) -> None:
        """Open the drawer of a sweep's page, and press the button in it, until the page says that it is cancelled."""
        for _ in range(60):
            self._visit(f"/sweeps/{sweep}")
            if "cancelled" in self.page.locator("header .note").inner_text():
                return
            try:
                self.page.locator("#cancel summary").click(timeout=5000)
                self.page.locator("#cancel button").click(timeout=5000)
            except BrowserError:  # the page was renewed, or the service died, at this moment
                self.page.wait_for_timeout(500)
        raise AssertionError(f"{self.name}: {sweep} cannot be cancelled")

    def compare(self, challenger: str, incumbent: str) -> str:
        """Ask for a comparison; returns its heading."""
        self._visit("/compare")
        self.page.fill("#challenger", challenger)
        self.page.fill("#incumbent", incumbent)
        self.page.click("main form.filters button[type=submit]")
        return self.page.locator("h1").inner_text()

    def _visit(self, path: str) -> None:
        """Open a page; one of a service that is being restarted is tried again, as people do."""
        for _ in range(60):
            try:
                self.page.goto(self.url + path)
                return
            except BrowserError:
                self.page.wait_for_timeout(500)
        raise AssertionError(f"{self.name}: {path} cannot be opened")


class Agent:
    """A program with a token."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx2.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"})

    def ask(self, path: str, **query: str) -> Any | None:
        """An answer; None while there is none."""
        try:
            answer = self._client.get(path, params=query, timeout=30.0)
        except httpx2.HTTPError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def tell(self, path: str, document: Any | None = None) -> Any | None:
        """Something that changes something; None if the service may not have heard it, so that it is said again."""
        try:
            answer = self._client.post(path, json=document, timeout=60.0)
        except httpx2.HTTPError:
            return None
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        return None if answer.status_code == 503 else answer.json()

    def close(self) -> None:
        """End its connections."""
        self._client.close()
