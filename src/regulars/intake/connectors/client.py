"""Call a shop's API: only where it may be, as fast as it likes, and not for ever."""

import ipaddress
import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import structlog
import urllib3
from django.conf import settings
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as SlowError

from regulars.kernel.errors import RegularsError
from regulars.shop.wording import gettext as _

_log = structlog.get_logger()
_TRIES = 7
_LONGEST_WAIT_SECONDS = 60.0
_LONGEST_ANSWER_BYTES = 32 * 1024 * 1024
_TIMEOUT = urllib3.Timeout(connect=10, read=60)
_AGENT = "Regulars"


class AddressNotAllowedError(RegularsError):
    """The address is not one that Regulars may call."""

    code: ClassVar[str] = "address_not_allowed"


class ShopUnreachableError(RegularsError):
    """The shop does not answer, or not as its API does. Trying again later may help."""

    code: ClassVar[str] = "shop_unreachable"


class ShopRefusedError(RegularsError):
    """The shop refuses the credentials, or what was asked with them."""

    code: ClassVar[str] = "shop_refused"

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message, status=status)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the shop answered; header names are in lower case."""

    headers: Mapping[str, str]
    body: Any


# A name of the DNS or an address of IPv4, or one of IPv6.
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_BLANK = re.compile(r"[\s\x00-\x1f]")


def checked_address(told: str) -> str:
    """Return a shop's address as `https://host[:port][/path]`, without looking anything up.

    Raises:
        AddressNotAllowedError: It is no address, not HTTPS, or names more than a place.
    """
    text = told.strip().rstrip("/")
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    is_plain_allowed = parts.scheme == "http" and settings.CONNECTORS_MAY_CALL_LOOPBACK
    if parts.scheme != "https" and not is_plain_allowed:
        raise AddressNotAllowedError(_("%(address)s must begin with https://") % {"address": told[:100]})
    is_place = _HOST.fullmatch(host) is not None and not _BLANK.search(text) and not text.endswith(":")
    if not is_place or parts.username or parts.password or parts.query or parts.fragment:
        raise AddressNotAllowedError(_("%(address)s is not the address of a site") % {"address": told[:100]})
    written = f"[{host}]" if ":" in host else host
    place = written if port is None else f"{written}:{port}"
    return f"{parts.scheme}://{place}{parts.path}"


def pinned_pool(address: str, *, timeout: urllib3.Timeout) -> urllib3.HTTPConnectionPool:
    """Return connections to the host of a checked address, looked up once: to that very place in the public internet.

    Raises:
        AddressNotAllowedError: The host lies in a private network.
        ShopUnreachableError: There is no such host.
    """
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    ip = _public_address(host, port)
    if parts.scheme == "https":
        return urllib3.HTTPSConnectionPool(
            ip,
            port,
            timeout=timeout,
            retries=False,
            server_hostname=host,
            assert_hostname=host,
            ssl_context=ssl.create_default_context(),
        )
    return urllib3.HTTPConnectionPool(ip, port, timeout=timeout, retries=False)


class ShopClient:
    """Calls of one shop's API.

    The name is looked up once; every address it has must lie in the public internet, and that very address is called, so a
    name that later leads elsewhere does not. Redirects are not followed. Waits as the shop says when it is asked too fast.
    """

    def __init__(self, address: str, *, headers: Mapping[str, str], sleep: Callable[[float], None]) -> None:
        self._address = checked_address(address)
        self._sleep = sleep
        parts = urlsplit(self._address)
        self._base = parts.path
        self._headers = {"Accept": "application/json", **headers, "Host": parts.netloc, "User-Agent": _AGENT}
        self._pool = pinned_pool(self._address, timeout=_TIMEOUT)

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """Return what lies at a path below the shop's address.

        Raises:
            ShopUnreachableError: It did not answer in JSON, after several tries.
            ShopRefusedError: It will not say.
        """
        target = f"{self._base}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
        problem, wait = "", 0.0
        for attempt in range(_TRIES):
            if attempt:
                self._sleep(min(wait, _LONGEST_WAIT_SECONDS))
            wait = float(2**attempt)
            try:
                found = self._pool.request(
                    "GET", target, headers=self._headers, redirect=False, preload_content=False
                )
                try:
                    body = found.read(_LONGEST_ANSWER_BYTES + 1, decode_content=True)
                finally:
                    found.release_conn()
            except (HTTPError, OSError) as error:
                is_slow = isinstance(error, TimeoutError | SlowError) and not isinstance(
                    error, NewConnectionError
                )
                problem = _("it took too long") if is_slow else _("no connection to it")
                _log.warning("shop did not answer", problem=type(error).__name__)
                continue
            headers = {name.lower(): value for name, value in found.headers.items()}
            if found.status == HTTPStatus.OK and len(body) <= _LONGEST_ANSWER_BYTES:
                return Answer(headers=headers, body=self._json(body))
            problem = f"HTTP {found.status}"
            if (
                found.status != HTTPStatus.TOO_MANY_REQUESTS
                and found.status < HTTPStatus.INTERNAL_SERVER_ERROR
            ):
                raise ShopRefusedError(
                    _("%(address)s answered %(problem)s") % {"address": self._address, "problem": problem},
                    status=found.status,
                )
            wait = _seconds(headers.get("retry-after", ""), wait)
        raise ShopUnreachableError(
            _("%(address)s did not answer: %(problem)s") % {"address": self._address, "problem": problem}
        )

    def pause(self, seconds: float) -> None:
        """Leave the shop alone for a while."""
        self._sleep(seconds)

    def close(self) -> None:
        """Let go of the connection."""
        self._pool.close()

    def _json(self, body: bytes) -> Any:  # noqa: ANN401  anything that JSON holds
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ShopUnreachableError(
                _("%(address)s did not answer in JSON; is it the address of the shop?")
                % {"address": self._address}
            ) from error


def nothing_told(resource: str) -> ShopUnreachableError:
    """Return the error of an answer in which what was asked for is not there."""
    return ShopUnreachableError(_("the shop's answer holds no list of %(name)s") % {"name": resource})


def _seconds(told: str, otherwise: float) -> float:
    try:
        return max(float(told), 0.0)
    except ValueError:
        return otherwise


def _public_address(host: str, port: int) -> str:
    """Return an address of the host.

    Raises:
        AddressNotAllowedError: One of its addresses lies in a private network.
        ShopUnreachableError: It has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ShopUnreachableError(_("there is no host %(host)s") % {"host": host}) from error
    addresses = [str(place[0]) for *_rest, place in found]
    for address in addresses:
        if not _is_allowed(ipaddress.ip_address(address.partition("%")[0])):
            raise AddressNotAllowedError(
                _("%(host)s lies at %(address)s, which is not in the public internet")
                % {"host": host, "address": address}
            )
    return addresses[0]


def _is_allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if address.is_loopback:
        return bool(settings.CONNECTORS_MAY_CALL_LOOPBACK)
    if isinstance(address, ipaddress.IPv6Address):
        # Addresses that carry another one lead to that.
        carried = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if carried:
            return _is_allowed(carried)
        if address in _NAT64:
            return _is_allowed(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    is_kept = any(address in network for network in _NOT_PUBLIC if network.version == address.version)
    return address.is_global and not address.is_multicast and not is_kept


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# What `is_global` lets through: the protocols' own numbers, at one of which a cloud tells its machines' secrets; relays of 6to4;
# IPv6 forms of IPv4 that were given up; translation within one network; sites.
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "::/96", "64:ff9b:1::/48", "fec0::/10"),
    )
)
