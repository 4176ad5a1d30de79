"""The snippet on pages of a shop: another origin, a real browser, and the record it leaves."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route
from pytest_django.live_server_helper import LiveServer

from regulars.console.assets import FOLDER, manifest
from regulars.console.snippet import code_for
from regulars.intake import operations as intake
from regulars.intake.models import Call, WriteKey
from regulars.shop.models import Customer, Event
from tests.intake.tracking import make_source, work_all

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
_KEPT = "JSON.stringify(Object.keys(localStorage).concat(document.cookie ? ['cookie'] : []))"


@pytest.fixture
def shop(live_server: LiveServer) -> Iterator[tuple[str, WriteKey]]:
    """A shop's site on an origin of its own, whose pages carry the code to paste, and its write key."""
    key = make_source()
    code = code_for(key, host=live_server.url)

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(
                f"<!doctype html><title>Tea</title>{code}<h1>Tea</h1><a href='/next'>Next</a>".encode()
            )

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", key
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """A fresh browser profile, as often as one is asked for."""
    opened: list[BrowserContext] = []

    def arrive() -> BrowserContext:
        opened.append(browser.new_context(locale="en-GB"))
        return opened[-1]

    yield arrive
    for context in opened:
        context.close()


def _quiet(page: Page) -> None:
    """Wait until the snippet is there and nothing of it waits to be sent."""
    page.wait_for_function(
        "() => window.regulars.isReady && !Object.keys(localStorage).some((name) => name.includes('waiting'))"
    )


def _arrived(events: int) -> None:
    deadline = time.monotonic() + 20
    while sum(Call.objects.values_list("events", flat=True)) < events:
        assert time.monotonic() < deadline, f"waited for {events} events in vain"
        time.sleep(0.05)


def test_what_somebody_looked_at_before_they_said_who_they_are_is_theirs(
    *, shop: tuple[str, WriteKey], visitor: Callable[[], BrowserContext]
) -> None:
    site, key = shop
    intake.set_browser_rules(key_id=key.pk, origins=[f"{site}/"], asks_consent=False, heeds_signals=True)
    page = visitor().new_page()
    lost: list[str] = []

    def cut_once(route: Route) -> None:
        lost.append(route.request.url)
        if len(lost) == 1:
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/batch", cut_once)
    page.goto(f"{site}/?utm_source=letter")
    page.evaluate("regulars.viewed({sku: 'T1', name: 'Oolong', price: 9})")
    # Gone at once, before anything was answered.
    page.evaluate("regulars.added({sku: 'T1', quantity: 2}); location.href = '/next'")
    page.wait_for_url("**/next")
    _quiet(page)
    page.evaluate("regulars.identify('17', {email: 'Ann@Example.com', name: 'Ann'})")
    page.evaluate("regulars.track('Video Played', {title: 'Brewing'})")
    _quiet(page)
    work_all()
    ann = Customer.objects.get(name="Ann")
    told = Event.objects.order_by("at").values_list("name", "product__code", "customer_id", "is_named")
    assert list(told) == [
        ("Page Viewed", None, ann.pk, False),
        ("Product Viewed", "T1", ann.pk, False),
        ("Product Added", "T1", ann.pk, False),
        ("Page Viewed", None, ann.pk, False),
        ("Video Played", None, ann.pk, True),
    ]
    assert len(lost) > 1
    assert {row.kind for row in ann.identifiers.all()} == {"external", "email"}


def test_nothing_is_kept_or_sent_before_consent_nor_of_who_asks_not_to_be_tracked(
    *, shop: tuple[str, WriteKey], visitor: Callable[[], BrowserContext]
) -> None:
    site, key = shop
    intake.set_browser_rules(key_id=key.pk, origins=[], asks_consent=True, heeds_signals=True)
    private = visitor()
    private.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    )
    pages = {"undecided": visitor().new_page(), "private": private.new_page()}
    for page in pages.values():
        page.goto(site)
        page.wait_for_function("window.regulars.isReady")
        page.evaluate("regulars.viewed({sku: 'T1'})")
    pages["private"].evaluate("regulars.consent(true)")
    for page in pages.values():
        page.goto(f"{site}/next")
        page.wait_for_function("window.regulars.isReady")
        assert json.loads(page.evaluate(_KEPT)) == []
    assert Call.objects.count() == 0
    page = pages["undecided"]
    page.evaluate("regulars.consent(true)")
    _arrived(1)
    _quiet(page)
    assert json.loads(page.evaluate(_KEPT)) == ["regulars.visitor", "regulars.consent"]
    page.evaluate("regulars.consent(false); regulars.viewed({sku: 'T2'})")
    page.goto(site)
    page.wait_for_function("window.regulars.isReady")
    assert json.loads(page.evaluate(_KEPT)) == ["regulars.consent"]
    assert sum(Call.objects.values_list("events", flat=True)) == 1


def test_the_few_lines_a_page_loads_are_few_and_only_for_a_good_key() -> None:
    key = make_source()
    answer = Client().get(f"/snippet/{key.key}.js")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert manifest()["snippet.js"] in answer.content.decode()
    assert (FOLDER / f"{manifest()['snippet.js']}.gz").stat().st_size < 4_000
    assert Client().get("/snippet/unknown.js").status_code == 404
