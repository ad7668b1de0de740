"""A real browser for the pages: Debian's Chromium driven by Playwright; skipped with a line where either is absent.

What the console reports as an error, an exception of a script, and a request to anywhere else fail the test.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cli.conftest import cli  # noqa: F401 - a fixture of the tests here as well

FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]
PATIENCE = 60
"""Seconds that anything may take on a machine that does much else at once."""
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1400, "height": 1000}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser, started once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=program, args=[*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])])
        yield browser
        browser.close()


class Watched:
    """Opens pages and remembers what went wrong in them."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.contexts: list[Any] = []
        self.faults: list[str] = []
        self.allowed: tuple[str, ...] = ("file:", "data:", "blob:")

    def __call__(self, url: str, viewport: dict[str, int] = DESK, *, scheme: str = "light") -> Any:
        context = self.browser.new_context(viewport=viewport, accept_downloads=True, color_scheme=scheme, reduced_motion="reduce")
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.set_default_navigation_timeout(PATIENCE * 1000)
        page.on("console", lambda m: self.faults.append(f"console {m.type}: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.faults.append(f"exception: {e}"))
        page.on("dialog", lambda d: self.faults.append(f"dialog: {d.message}"))
        page.on("request", lambda r: None if r.url.startswith(self.allowed) else self.faults.append(f"request: {r.url}"))
        page.goto(url)
        page.wait_for_selector("html[data-ready]")
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a URL; the test fails when the page reports a fault or asks for anything elsewhere."""
    watched = Watched(chromium)
    yield watched
    watched.close()
    assert watched.faults == []


def until(page: Any, read: Callable[[], Any], wanted: Any) -> None:
    """Read until it is what is wanted: what a page shows may come with a later frame, or an answer of the server.

    Args:
        page: whose events go on meanwhile.
        read: returns what is seen now.
        wanted: the value, or a function that says whether a value will do.
    """
    will_do = wanted if callable(wanted) else lambda seen: seen == wanted
    latest = time.monotonic() + PATIENCE
    seen = read()
    while not will_do(seen) and time.monotonic() < latest:
        page.wait_for_timeout(20)
        seen = read()
    if not callable(wanted):
        assert seen == wanted
    assert will_do(seen), seen


def drawn(page: Any) -> None:
    """Wait until the page has drawn what was done so far."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def serious_faults(page: Any) -> list[str]:
    """Return what axe-core finds serious or critical in a page, by rule and place."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    violations = axe.Axe().run(page).response["violations"]
    return [f"{v['id']}: {[n['target'] for n in v['nodes']][:4]}" for v in violations if v["impact"] in ("serious", "critical")]
