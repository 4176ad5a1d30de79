"""Opens pages of the live console as a person of a language, theme and window size, and looks for faults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from regulars.console.preferences import THEME_COOKIE
from regulars.staff.models import User

SCREENSHOTS = "REGULARS_SCREENSHOTS"
_TABLET_PX = 640
_HEIGHTS = {375: 812, 1440: 900}
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} blocked ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
"""
# Beside a long name a short figure has room for its own width.
_BROKEN_FACTS = """
[...document.querySelectorAll(".facts dd, .figure-value")].filter((one) => {
  const words = document.createRange(), text = one.innerText.trim();
  words.selectNodeContents(one);
  const lines = new Set([...words.getClientRects()].map((line) => Math.round(line.bottom)));
  return (one.matches(".facts dd") ? text.length < 8 && !one.children.length : !/\\s/.test(text)) && lines.size > 1;
}).map((one) => one.innerText)
"""


Language = Literal["en", "zh-hans"]
Theme = Literal["light", "dark"]


class Look(NamedTuple):
    """A window's width, a language, a theme."""

    width: int
    language: Language
    theme: Theme

    @property
    def name(self) -> str:
        return f"{self.width}-{self.language}-{self.theme}"


EVERY_LOOK = [
    Look(width, language, theme)
    for width in (1440, 375)
    for language in get_args(Language)
    for theme in get_args(Theme)
]
# Each width, language and theme once with each of the others: what a test checks when no pictures are wanted.
PAIRWISE_LOOKS = [
    Look(1440, "en", "light"),
    Look(1440, "zh-hans", "dark"),
    Look(375, "en", "dark"),
    Look(375, "zh-hans", "light"),
]
LOOKS = EVERY_LOOK if os.environ.get(SCREENSHOTS) else PAIRWISE_LOOKS


@dataclass
class Console:
    """The live console."""

    browser: Browser
    url: str
    faults: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, path: str, *, user: User | None = None, look: Look = PAIRWISE_LOOKS[0]) -> Page:
        """Open a page in a fresh window. Errors in its console, refused content and lost requests fail the test.

        Args:
            path: The address on the console.
            user: Who is logged in; None for nobody.
            look: Window, language and theme.
        """
        page = self._window(user=user, look=look)
        self._go(page, path)
        return page

    def look_over(
        self, pages: Mapping[str, str], *, look: Look, user: User | None = None, is_whole: bool = False
    ) -> None:
        """Open pages one after the other: none may scroll sideways, axe finds nothing, nothing fails.

        With REGULARS_SCREENSHOTS set to a folder, a picture of each is kept there.

        Args:
            pages: Addresses by the name of their picture.
            look: Window, language and theme.
            user: Who is logged in; None for nobody.
            is_whole: Picture the page from top to bottom, not only what the window shows.
        """
        page = self._window(user=user, look=look)
        for name, path in pages.items():
            self._go(page, path)
            if is_whole:
                for chart in page.locator("[data-chart]").all():
                    chart.scroll_into_view_if_needed()
                    settle(page)
                page.evaluate("scrollTo(0, 0)")
            self.check(page, where=f"{path} {look.name}")
            self.picture(page, f"{name}-{look.name}", is_whole=is_whole)

    def picture(self, page: Page, name: str, *, is_whole: bool = False) -> None:
        """Keep a picture of the page as it stands, where REGULARS_SCREENSHOTS names a folder."""
        if folder := os.environ.get(SCREENSHOTS):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=is_whole)

    def check(self, page: Page, *, where: str) -> None:
        """Note what is wrong with a page as it stands: width and accessibility."""
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if widths[0] > widths[1]:
            self.faults.append(f"{where}: scrolls sideways, {widths[0]} px in a window of {widths[1]} px")
        for broken in page.evaluate(_BROKEN_FACTS):
            self.faults.append(f"{where}: the figure {broken} is broken over lines")
        found = (
            Axe().run(page, options={"runOnly": _WCAG, "resultTypes": ["violations"]}).response["violations"]
        )
        for violation in found:
            nodes = "; ".join(
                f"{node['html'][:160]} {node['failureSummary']}" for node in violation["nodes"][:3]
            )
            self.faults.append(f"{where}: axe {violation['id']} ({violation['impact']}): {nodes}")

    def close(self) -> None:
        """End every window; raise if anything was wrong."""
        for context in self.contexts:
            context.close()
        assert not self.faults, "\n".join(self.faults)

    def _window(self, *, user: User | None, look: Look) -> Page:
        context = self.browser.new_context(
            viewport={"width": look.width, "height": _HEIGHTS[look.width]},
            locale={"en": "en-GB", "zh-hans": "zh-CN"}[look.language],
            color_scheme=look.theme,
            reduced_motion="reduce",
            has_touch=look.width < _TABLET_PX,
        )
        self.contexts.append(context)
        cookies: dict[str, str] = {THEME_COOKIE: look.theme, settings.LANGUAGE_COOKIE_NAME: look.language}
        if user is not None:
            User.objects.filter(pk=user.pk).update(language=look.language)
            client = Client()
            client.force_login(user)
            cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": key, "value": value, "url": self.url} for key, value in cookies.items()]
        )
        context.add_init_script(_TELL_VIOLATIONS)
        page = context.new_page()
        page.on("console", lambda message: self._note_message(page, message))
        page.on("pageerror", lambda error: self._note(page, str(error)))
        page.on("requestfailed", lambda lost: self._note_loss(page, lost))
        return page

    def _go(self, page: Page, path: str) -> None:
        page.goto(self.url + path)
        settle(page)

    def _note_message(self, page: Page, message: ConsoleMessage) -> None:
        # The browser refuses to run the tests' own scripts in a frame in which nothing runs; htmx tells that a newer request
        # replaced an older one, which on a busy machine happens.
        if message.text.startswith(("Blocked script execution in", "htmx:sendAbort", "htmx:afterRequest")):
            return
        # Chromium tells of a page's own status in its console too; tests look at the page for that.
        if message.type == "error" and message.location["url"] != page.url:
            self._note(page, message.text)

    def _note_loss(self, page: Page, lost: Request) -> None:
        # A newer request replaces an older one, a new page the requests of the last: the browser itself stops them.
        if lost.failure != "net::ERR_ABORTED":
            self._note(page, f"lost {lost.url} {lost.failure}")

    def _note(self, page: Page, text: str) -> None:
        self.faults.append(f"{page.url}: {text}")


def settle(page: Page) -> None:
    """Wait until fonts are there, htmx is quiet and the charts in view are drawn."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    page.wait_for_function(
        """() => !document.querySelector(".htmx-request") &&
          [...document.querySelectorAll("[data-chart]:not([data-drawn])")].every((chart) => {
            const box = chart.getBoundingClientRect();
            return box.top > innerHeight || box.bottom < 0;
          })"""
    )
