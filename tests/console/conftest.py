"""A live console in a real browser. Whatever a page does that it should not, the test fails."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.console.browser import Console

# Playwright keeps an event loop in the test's thread, which Django would take for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
# A busy machine takes its time; only what never comes waits so long.
expect.set_options(timeout=20_000)


# The shell is Chromium without a window: the same pages for a fifth less work.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium, started once. It ends with these tests: its event loop would be in the way of others."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip(
            "no Chromium on this machine: install the package chromium-headless-shell to run the browser tests"
        )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--force-color-profile=srgb",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def console(browser: Browser, live_server: LiveServer) -> Iterator[Console]:
    """The console served over HTTP, with its database; `console.open(path, user=...)` gives a page."""
    served = Console(browser=browser, url=live_server.url)
    yield served
    served.close()
