"""Signed links to the pages for the shop's own customers: whoever has one may do that one thing, without a login.

A link is signed for one purpose under the installation's secret, or one before it (`REGULARS_FORMER_SECRET_KEYS`), and ends. It
carries numbers, nothing that names a person.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import ClassVar

from django.conf import settings
from django.core import signing

from regulars.kernel.errors import RegularsError

ROOT = "/my/"


class Purpose(Enum):
    """What a link lets its holder do, and how long. Unsubscribing must work for as long as a mail may lie unread."""

    PREFERENCES = ("preferences", timedelta(days=365))
    UNSUBSCRIBE = ("unsubscribe", timedelta(days=3 * 365))
    CONFIRM = ("confirm", timedelta(days=14))
    REQUEST = ("request", timedelta(days=14))
    COUPON = ("coupon", timedelta(days=365))

    def __init__(self, word: str, lasts: timedelta) -> None:
        self.word = word
        self.lasts = lasts


class BadLinkError(RegularsError):
    """The link was not made here, is for something else, was cut off, or has ended."""

    code: ClassVar[str] = "bad_link"


def sign(purpose: Purpose, *parts: str | int) -> str:
    """Return the part of a link that says what for and whom, signed with the time of now."""
    return _signer(purpose).sign("~".join(map(str, parts)))


def read(purpose: Purpose, token: str) -> Sequence[str]:
    """Return what a link says.

    Raises:
        BadLinkError: It is not genuine, is for another purpose, or has ended.
    """
    try:
        return _signer(purpose).unsign(token, max_age=purpose.lasts).split("~")
    except signing.BadSignature as error:
        raise BadLinkError("the link is not genuine, or has ended") from error


def preferences_url(customer_id: int) -> str:
    """Return the address of a customer's preference page."""
    return f"{settings.PUBLIC_URL}{ROOT}{sign(Purpose.PREFERENCES, customer_id)}/"


def unsubscribe_url(customer_id: int, *, channel: str, purpose: str) -> str:
    """Return the address that takes one consent back."""
    token = sign(Purpose.UNSUBSCRIBE, customer_id, channel, purpose)
    return f"{settings.PUBLIC_URL}{ROOT}{token}/unsubscribe/"


def unsubscribe_headers(customer_id: int, *, purpose: str) -> dict[str, str]:
    """Return the headers of a mail by which its reader's program unsubscribes with one click (RFC 2369, RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{unsubscribe_url(customer_id, channel='email', purpose=purpose)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def confirmation_url(consent_id: int) -> str:
    """Return the address at which a yes is confirmed."""
    return f"{settings.PUBLIC_URL}{ROOT}{sign(Purpose.CONFIRM, consent_id)}/confirm/"


def request_url(request_id: int) -> str:
    """Return the address at which a privacy request is confirmed."""
    return f"{settings.PUBLIC_URL}{ROOT}{sign(Purpose.REQUEST, request_id)}/request/"


def coupon_url(coupon_id: int, *, customer_id: int) -> str:
    """Return the address at which a customer sees a code: theirs, or one that is for all."""
    return f"{settings.PUBLIC_URL}{ROOT}{sign(Purpose.COUPON, coupon_id, customer_id)}/coupon/"


def _signer(purpose: Purpose) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"regulars.links.{purpose.word}")
