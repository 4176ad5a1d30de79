"""X4: addresses that lead into the private network, redirects and names that change their mind reach nothing there.

A canary listens on the loopback; whatever reaches it is the violation. Every way by which Regulars calls out is tried: the
channels that call an address of a merchant's, the services behind django-anymail, and shops. Pictures and files that a
template names are never fetched at all.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from django.conf import LazySettings

from regulars.intake.connectors import client
from regulars.intake.connectors.client import ShopClient
from regulars.kernel.errors import RegularsError
from regulars.messaging.channels.http import Caller
from regulars.messaging.channels.providers.calling import GuardedSession
from regulars.messaging.templating.building import Content, build
from regulars.messaging.templating.faults import TemplateFaultError
from regulars.messaging.templating.mail import Letterhead

pytestmark = [pytest.mark.reliability, pytest.mark.integration]

_HOSTS = (
    "127.0.0.1", "127.1", "127.0.1", "0.0.0.0", "0",  # noqa: S104  an address to call
    "localhost", "LOCALHOST", "localhost.", "127.0.0.2", "127.255.255.254",
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0x7F.1", "127.0x1", "[fec0::1]", "[64:ff9b:1::7f00:1]",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[2002:7f00:1::]",
    "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[2001:0:7f00:1::]", "[fe80::1]", "[fc00::1]", "[fd00::1]", "[ff02::1]",
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "169.254.169.254",
    "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.88.99.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
    "[2002:a00:1::]", "[64:ff9b::a9fe:a9fe]", "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "ⓛocalhost",
)  # fmt: skip
_SHAPES = (
    "http://{place}/", "ftp://{place}/", "file:///etc/passwd", "gopher://{place}/", "dict://{place}/", "//{place}/", "{place}",
    "https://user:pass@{place}/", "https://shop.example@{place}/", "https://{place}#@shop.example/", "https://{place}?@x.example",
    "https://shop.example\\@{place}/", "https://{place}\\.shop.example/", "javascript:alert(1)", "data:text/plain,x",
    "https://{place}\t/", "https://\t{place}/", "https://{place}%00.shop.example/", "https://{place}/..;/", "https:/{place}/",
    "https:///{place}/", "https://{place}:0/", "https://{place}:99999/", "jar:https://{place}!/", "ldap://{place}/",
    "unix:///run/x.sock", "https://127.0.0.1\\{place}/", "wss://{place}/", "https://{place}//shop.example/", "http+unix://%2Frun/", "https://{place}\r\nHost: x/", "https://[{place}/", "https://",
    "https://xn--/", "\x00https://{place}/", "blob:https://{place}/", "view-source:https://{place}/", "HTTPS://{place}/",
    "https:\\\\{place}\\", "https://{place}/?url=https://shop.example", "netdoc:///etc/passwd", "https://.{place}/", "tftp://{place}/x",
)  # fmt: skip


class Canary:
    """A server on the loopback that counts who reaches it: not with a word, by the connection alone."""

    def __init__(self) -> None:
        self.reached = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _place = self._socket.accept()
                self.reached += 1
                caller.close()

    def close(self) -> None:
        self._socket.close()


def _without_name_servers(host: str, port: int, *rest: Any, **more: Any) -> Any:  # noqa: ANN401  as getaddrinfo
    """Look up numbers in whatever form, and the name of this machine; nothing leaves it."""
    place = "127.0.0.1" if host.lower().rstrip(".") == "localhost" else host
    return _look_up(place, port, *rest, **{**more, "flags": socket.AI_NUMERICHOST})


_look_up = socket.getaddrinfo


@pytest.fixture
def canary(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Canary]:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = False
    monkeypatch.setattr(socket, "getaddrinfo", _without_name_servers)
    found = Canary()
    yield found
    found.close()


@pytest.fixture
def called(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every place that somebody tries to reach; none but the canary is there."""
    found: list[str] = []

    def connect(self: socket.socket, place: tuple[str, int]) -> None:
        found.append(place[0])
        if place[1] != canary.port or place[0] != "127.0.0.1":
            raise ConnectionRefusedError
        real(self, place)

    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", connect)
    return found


def by_channel(url: str) -> None:
    Caller(url).post(b"{}", headers={})


def by_service(url: str) -> None:
    GuardedSession(url.rstrip("/")).post(url, data=b"{}")


def by_shop(url: str) -> None:
    ShopClient(url, headers={}, sleep=lambda _seconds: None).get("/admin/orders.json")


WAYS: tuple[Callable[[str], None], ...] = (by_channel, by_service, by_shop)


def addresses(canary: Canary) -> list[str]:
    """Return addresses that must not be called."""
    place = f"127.0.0.1:{canary.port}"
    return [
        *(f"https://{host}:{canary.port}/" for host in _HOSTS),
        *(shape.format(place=place) for shape in _SHAPES),
    ]


def attack(urls: Sequence[str], *, ways: Sequence[Callable[[str], None]]) -> int:
    """Try every address in every way, and return how many answered with anything but a refusal."""
    got_through = 0
    for url in urls:
        for way in ways:
            try:
                way(url)
            except (RegularsError, requests.exceptions.RequestException):
                continue
            got_through += 1
    return got_through


def test_x4_no_address_leads_into_the_private_network(canary: Canary, called: list[str]) -> None:
    urls = addresses(canary)
    assert len(urls) >= 100
    through = attack(urls, ways=WAYS)
    assert (called, canary.reached, through) == ([], 0, 0)
    tried = len(urls) * len(WAYS)
    print(f"X4: {tried} calls of {len(urls)} addresses, 0 reached the canary (below {3 / tried:.1%} at 95 %)")


def test_x4_planted_a_door_that_checks_no_address_lets_the_canary_be_reached(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_is_allowed", lambda _address: True)
    attack(addresses(canary)[:3], ways=WAYS[:2])
    assert canary.reached == 6


def _resolver(answers: list[str], real: Any) -> Callable[..., Any]:  # noqa: ANN401  what getaddrinfo is
    def look_up(host: str, port: int, *rest: Any, **more: Any) -> Any:  # noqa: ANN401  as getaddrinfo
        if host != "rebind.example":
            return real(host, port, *rest, **more)
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (said, port))]

    return look_up


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["192.0.2.1", "127.0.0.1"], ["93.184.215.14", "127.0.0.1"]]
)
def test_x4_a_name_that_changes_its_mind_is_called_where_it_was_checked(
    answers: list[str], canary: Canary, called: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server of the attacker answers anew each time; only the first answer counts, and it is checked."""
    for way in WAYS:
        with (
            monkeypatch.context() as patch,
            contextlib.suppress(RegularsError, requests.exceptions.RequestException),
        ):
            patch.setattr(socket, "getaddrinfo", _resolver(list(answers), real=socket.getaddrinfo))
            way(f"https://rebind.example:{canary.port}/")
    assert canary.reached == 0
    assert set(called) <= {"93.184.215.14"}


@contextlib.contextmanager
def _redirecting(target: str, status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815  the name that the server calls

        def log_message(self, *_told: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_x4_redirects_are_not_followed(status: int, canary: Canary, settings: LazySettings) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    with _redirecting(f"http://127.0.0.1:{canary.port}/", status) as url:
        assert Caller(url).post(b"{}", headers={}).status == status
        assert GuardedSession(url).post(f"{url}/x", data=b"{}").status_code == status
        with pytest.raises(RegularsError):
            by_shop(url)
    assert canary.reached == 0


def test_x4_pictures_and_files_that_a_template_names_are_never_fetched(canary: Canary) -> None:
    place = f"http://127.0.0.1:{canary.port}"
    letterhead = Letterhead(
        shop="Corner",
        website=place,
        logo_url=f"{place}/logo.png",
        accent="#4f46e5",
        postal_address="",
        product_link="",
    )
    bodies = [
        f"![tea]({place}/a.png)",
        f'<img src="{place}/b.png">',
        f'<mjml><mj-head><mj-include path="{place}/c.mjml" /></mj-head><mj-body><mj-text>x</mj-text></mj-body></mjml>',
        (f'<mjml><mj-head><mj-font name="F" href="{place}/f.css" /></mj-head><mj-body><mj-section><mj-column>'
        f'<mj-image src="{place}/d.png" /></mj-column></mj-section></mj-body></mjml>'),
        f'<mjml><mj-head><mj-style inline="inline">@import url("{place}/e.css");</mj-style></mj-head><mj-body /></mjml>',
        f'<link rel="stylesheet" href="{place}/g.css"><style>@import "{place}/h.css"; p {{ background: url({place}/i.png) }}</style>',
        f'<object data="{place}/j"></object><iframe src="{place}/k"></iframe><script src="{place}/l"></script>',
        '<link rel="stylesheet" href="file:///etc/passwd">',
        f"{{% include '{place}/m' %}}",
    ]  # fmt: skip
    for body in bodies:
        with contextlib.suppress(TemplateFaultError):
            build(
                Content(subject="x", preheader="", body=body), format="email", language="en", letterhead=letterhead,
                block=lambda _told, is_mail: "",  # noqa: ARG005  as blocks are called
            )  # fmt: skip
    assert canary.reached == 0
