"""Headless Chromium over the live server; every test ends with no error, no foreign request."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "server" / "web" / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; where it is missing the browser tests fail, they are not skipped.

    One per module: while it runs, its event loop keeps other tests from running theirs.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "no chromium on this machine: `make test` installs it"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, live_server: str) -> Iterator[Page]:
    """A page of 1366 by 768; console errors, CSP reports and foreign requests fail the test.

    A test that provokes a refusal names by `page.expect_faults` what the browser says of it; when
    the browser says it is left open, since its message may come after the page has changed.
    """
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    one = context.new_page()
    faults: list[str] = []
    expected: list[str] = []
    one.expect_faults = lambda *said: expected.extend(said)  # type: ignore[attr-defined]
    one.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    one.on("pageerror", lambda error: faults.append(str(error)))
    one.on(
        "request",
        lambda r: None if _ours(r.url, live_server) else faults.append(f"foreign: {r.url}"),
    )
    yield one
    context.close()
    assert not [one for one in faults if not any(said in one for said in expected)]


@pytest.fixture
def screenshot(page: Page) -> Callable[[str], Path]:
    """Keep a picture of the page under build/screenshots."""

    def keep(name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return keep


@pytest.fixture
def violations(page: Page) -> Callable[[], list[str]]:
    """What axe-core finds wrong by WCAG 2.1 A and AA."""

    def find() -> list[str]:
        # Evaluated through the debugger, as the page's own policy forbids any script but ours.
        page.evaluate(AXE.read_text("utf-8"))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
        result = page.evaluate("tags => axe.run({runOnly: tags})", tags)
        return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in result["violations"]]

    return find


def _ours(url: str, base: str) -> bool:
    return url.startswith((base, "data:", "blob:"))
