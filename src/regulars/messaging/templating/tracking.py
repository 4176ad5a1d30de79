"""Links that count: an address of ours, signed for one delivery and one link of one version, that leads on to the shop's.

A fixed link's address stands in the version and not in the token. One that depends on the customer travels in the token, under the
same signature, and its host must be one that the version or the shop names: no customer's data leads anybody elsewhere.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar
from urllib.parse import urlsplit
from zlib import crc32

from regulars.kernel.errors import RegularsError
from regulars.messaging.templating.faults import FillingError
from regulars.shop.wording import gettext as _

_MAC = 12
# A forged short link leads to an address of the shop's own and counts one click: less is at stake, and every letter is paid for.
_SHORT_MAC = 6
_MOST_URL = 1_800
_KINDS = {"click": 1, "open": 2}


class BadTrackingLinkError(RegularsError):
    """The link was not made here, or was cut off."""

    code: ClassVar[str] = "bad_tracking_link"


@dataclass(frozen=True)
class Tracked:
    """What a tracking link says. `url` is "" of a fixed link, whose address stands in the version.

    Attributes:
        delivery_id: For whom and when.
        version_id: Of which version of a template.
        language: Of which variant.
        number: Which of its links.
        url: Where it leads.
    """

    delivery_id: int
    version_id: int
    language: str
    number: int
    url: str


_LANGUAGES = ("en", "zh-hans")


def token(secret: str, tracked: Tracked, *, kind: str = "click") -> str:
    """Return the signed part of an address."""
    head = b"".join(
        (
            bytes([_KINDS[kind], _LANGUAGES.index(tracked.language)]),
            tracked.number.to_bytes(2),
            tracked.version_id.to_bytes(5),
            tracked.delivery_id.to_bytes(7),
        )
    )
    said = head + tracked.url.encode()
    return base64.urlsafe_b64encode(_mac(secret, said) + said).rstrip(b"=").decode()


def read_token(secrets: Sequence[str], text: str, *, kind: str = "click") -> Tracked:
    """Return what a token says.

    Args:
        secrets: The installation's, and those before it.
        text: The token.
        kind: `click` or `open`; one is never taken for the other.

    Raises:
        BadTrackingLinkError: It is not genuine.
    """
    raw = _raw(text)
    mac, said = raw[:_MAC], raw[_MAC:]
    if len(said) < 16 or not any(hmac.compare_digest(mac, _mac(secret, said)) for secret in secrets):  # noqa: PLR2004  the head
        raise BadTrackingLinkError("the link is not genuine")
    if said[0] != _KINDS[kind]:
        raise BadTrackingLinkError("the link is for something else")
    return Tracked(
        delivery_id=int.from_bytes(said[9:16]),
        version_id=int.from_bytes(said[4:9]),
        language=_LANGUAGES[said[1]],
        number=int.from_bytes(said[2:4]),
        url=said[16:].decode(),
    )


def short_token(secret: str, *, link_id: int, delivery_id: int) -> str:
    """Return the signed part of a short address, of 11 to 20 letters: which link, and from which delivery."""
    said = _varint(link_id) + _varint(delivery_id)
    return base64.urlsafe_b64encode(_short_mac(secret, said) + said).rstrip(b"=").decode()


def read_short_token(secrets: Sequence[str], text: str) -> tuple[int, int]:
    """Return the link and the delivery that a short token names.

    Raises:
        BadTrackingLinkError: It is not genuine.
    """
    raw = _raw(text)
    mac, said = raw[:_SHORT_MAC], raw[_SHORT_MAC:]
    if not any(hmac.compare_digest(mac, _short_mac(secret, said)) for secret in secrets):
        raise BadTrackingLinkError("the link is not genuine")
    numbers, number, shift = [], 0, 0
    for byte in said:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004  the last byte of a number
            numbers.append(number)
            number = shift = 0
    link_id, delivery_id = numbers
    return link_id, delivery_id


def number_of(url: str) -> int:
    """Return a number for a link that no version numbers: the same for the same address, below those of a version."""
    return -1 - crc32(url.encode()) % 30_000


def checked_url(url: str, *, hosts: frozenset[str]) -> str:
    """Return an address that a link of a message may lead to.

    Args:
        url: The address with the customer's values in it.
        hosts: Those that the version or the shop names.

    Raises:
        FillingError: It is none, or leads somewhere else.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError as error:
        raise FillingError(_("a link has no address: “%(url)s”") % {"url": url[:100]}) from error
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise FillingError(_("a link leads to “%(url)s”, which is no address of a page") % {"url": url[:100]})
    if host not in hosts:
        raise FillingError(
            _("a link leads to %(host)s, which neither the template nor the letterhead names")
            % {"host": host}
        )
    if len(url) > _MOST_URL or any(char <= " " or char == "\\" for char in url):
        raise FillingError(
            _("a link has an address of %(count)s characters or with blanks in it") % {"count": len(url)}
        )
    return url


def tracker(  # noqa: PLR0913  what a link is made of
    *,
    root: str,
    secret: str,
    delivery_id: int,
    version_id: int,
    language: str,
    fixed: frozenset[int],
    hosts: frozenset[str],
) -> Callable[[str, int], str]:
    """Return what writes the links of one delivery; addresses under `root` are left alone."""

    def write(url: str, number: int) -> str:
        if url.startswith(root):
            return url
        led = "" if number in fixed else checked_url(url, hosts=hosts)
        return f"{root}l/{token(secret, Tracked(delivery_id, version_id, language, number, led))}/"

    return write


def _raw(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadTrackingLinkError("the link is not genuine") from error


def _varint(number: int) -> bytes:
    """Return a number in seven bits a byte, the last of which is below 128."""
    found = bytearray()
    while number >= 0x80:  # noqa: PLR2004  what fits a byte
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def _short_mac(secret: str, said: bytes) -> bytes:
    # What a short link says never begins like what a long one says.
    return hmac.digest(_key(secret), b"short\x00" + said, "sha256")[:_SHORT_MAC]


def _mac(secret: str, said: bytes) -> bytes:
    return hmac.digest(_key(secret), said, "sha256")[:_MAC]


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return sha256(b"regulars.messaging.tracking\x00" + secret.encode()).digest()
