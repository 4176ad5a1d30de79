"""Opens pages of the live console as a person of a language, theme and window size, and looks for faults."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from regulars.console.preferences import THEME_COOKIE
from regulars.staff.models import User

SCREENSHOTS = "REGULARS_SCREENSHOTS"
_HEIGHTS = {375: 812, 1440: 900}
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} blocked ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`));
"""


class Look(NamedTuple):
    """A window's width, a language, a theme."""

    width: int
    language: Literal["en", "zh-hans"]
    theme: Literal["light", "dark"]

    @property
    def name(self) -> str:
        return f"{self.width}-{self.language}-{self.theme}"


EVERY_LOOK = [
    Look(*look)
    for look in product((1440, 375), ("en", "zh-hans"), ("light", "dark"))  # type: ignore[arg-type]
]
# Each width, language and theme once with each of the others: what a test checks when no pictures are wanted.
PAIRWISE_LOOKS = [
    Look(1440, "en", "light"),
    Look(1440, "zh-hans", "dark"),
    Look(375, "en", "dark"),
    Look(375, "zh-hans", "light"),
]


@dataclass
class Console:
    """The live console."""

    browser: Browser
    url: str
    faults: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self, path: str, *, user: User | None = None, look: Look = PAIRWISE_LOOKS[0], expects: int = 200
    ) -> Page:
        """Open a page. Errors in its console, refused content and lost requests fail the test at its end.

        Args:
            path: The address on the console.
            user: Who is logged in; None for nobody.
            look: Window, language and theme.
            expects: The status the server should answer with.
        """
        context = self.browser.new_context(
            viewport={"width": look.width, "height": _HEIGHTS[look.width]},
            locale={"en": "en-GB", "zh-hans": "zh-CN"}[look.language],
            color_scheme=look.theme,
            reduced_motion="reduce",
            has_touch=look.width < 640,
        )
        self.contexts.append(context)
        cookies = {THEME_COOKIE: look.theme, settings.LANGUAGE_COOKIE_NAME: look.language}
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
        self._watch(page, path=path, look=look, expects=expects)
        response = page.goto(self.url + path)
        assert response is not None
        assert response.status == expects, f"{path} answered {response.status}"
        settle(page)
        return page

    def look_over(
        self,
        path: str,
        *,
        name: str,
        user: User | None = None,
        expects: int = 200,
        looks: list[Look] | None = None,
    ) -> None:
        """Open a page in several looks: nothing may scroll sideways, axe finds nothing, nothing fails.

        With REGULARS_SCREENSHOTS set to a folder, every look is taken and its picture kept there.
        """
        folder = os.environ.get(SCREENSHOTS)
        for look in looks or (EVERY_LOOK if folder else PAIRWISE_LOOKS):
            page = self.open(path, user=user, look=look, expects=expects)
            self.check(page, where=f"{path} {look.name}")
            if folder:
                Path(folder).mkdir(parents=True, exist_ok=True)
                page.screenshot(path=Path(folder) / f"{name}-{look.name}.png")
            page.context.close()

    def check(self, page: Page, *, where: str) -> None:
        """Note what is wrong with a page as it stands: width and accessibility."""
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if widths[0] > widths[1]:
            self.faults.append(f"{where}: scrolls sideways, {widths[0]} px in a window of {widths[1]} px")
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

    @contextmanager
    def forgiving(self, *words: str) -> Iterator[None]:
        """Overlook faults that hold one of `words` and arise inside the block."""
        before = list(self.faults)
        yield
        self.faults = before + [
            fault for fault in self.faults[len(before) :] if not any(word in fault for word in words)
        ]

    def _watch(self, page: Page, *, path: str, look: Look, expects: int) -> None:
        where = f"{path} {look.name}"

        def note_message(kind: str, text: str) -> None:
            # Chromium tells of the page's own status in the console too.
            if kind == "error" and f"status of {expects}" not in text:
                self.faults.append(f"{where}: console {text}")

        page.on("console", lambda message: note_message(message.type, message.text))
        page.on("pageerror", lambda error: self.faults.append(f"{where}: script {error}"))
        page.on(
            "requestfailed",
            lambda request: self.faults.append(f"{where}: lost {request.url} {request.failure}"),
        )


def settle(page: Page) -> None:
    """Wait until fonts are there, htmx is quiet and the charts in view are drawn."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    page.wait_for_function(
        """() => !document.querySelector(".htmx-request") &&
          [...document.querySelectorAll("[data-chart]")].every(
            (chart) => chart.dataset.drawn || chart.getBoundingClientRect().top > innerHeight + 300)"""
    )
