"""Call a provider or a receiver over HTTP: only in the public internet, at one place, and not for ever."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import urllib3
from django.utils import timezone
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

from regulars.intake.connectors.client import (
    AddressNotAllowedError,
    ShopUnreachableError,
    checked_address,
    pinned_pool,
)
from regulars.kernel.crashes import crashpoint
from regulars.messaging.channels.channel import Fault, InvalidChannelError, SendError
from regulars.shop.wording import worded

_TIMEOUT = urllib3.Timeout(connect=5, read=15, total=20)
_LONGEST_ANSWER_BYTES = 64 * 1024
_MOST_WAIT = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the other side answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401  anything that JSON holds
        """Return the body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def text(self) -> str:
        """What it said, for people."""
        return f"HTTP {self.status} {self.body[:200].decode('utf-8', 'replace')}"


class Caller:
    """Calls of one host, at an address that is told beforehand or with each call.

    The host is looked up anew for each connection pool, and never followed elsewhere.
    """

    def __init__(self, url: str, *, field: str = "url") -> None:
        path, mark, query = url.strip().partition("?")
        try:
            self._address = checked_address(path)
        except AddressNotAllowedError as error:
            raise InvalidChannelError(worded(error), field=field) from error
        parts = urlsplit(self._address)
        slash = "/" if path.endswith("/") or not parts.path else ""
        self._target = f"{parts.path}{slash}{mark}{query}"
        self._host = parts.netloc
        self._pool: urllib3.HTTPConnectionPool | None = None

    def post(self, body: bytes, *, headers: Mapping[str, str]) -> Reply:
        """Send a body to the address and return the answer, whatever its status. Raises as `call`."""
        return self.call("POST", self._target, body=body, headers=headers)

    def call(
        self, method: str, target: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Call a path of the host and return the answer, whatever its status.

        Args:
            method: Of HTTP.
            target: The path, from its slash on, with the query.
            body: What is sent.
            headers: Besides the host and who calls.

        Raises:
            SendError: There is no answer: nothing was sent, or it may have arrived.
        """
        sent = {**(headers or {}), "Host": self._host, "User-Agent": "Regulars"}
        try:
            self._pool = self._pool or pinned_pool(self._address, timeout=_TIMEOUT)
        except AddressNotAllowedError as error:
            raise SendError(worded(error), fault=Fault.CHANNEL, reason="address_not_allowed") from error
        except ShopUnreachableError as error:
            raise SendError(worded(error), fault=Fault.TEMPORARY, reason="no_connection") from error
        try:
            found = self._pool.urlopen(
                method, target, body=body, headers=sent, redirect=False, preload_content=False, retries=False
            )  # fmt: skip
            try:
                crashpoint("messaging.answered")
                text = found.read(_LONGEST_ANSWER_BYTES, decode_content=True)
            finally:
                found.close()
                found.release_conn()
        except (NewConnectionError, ConnectTimeoutError, NameResolutionError, SSLError) as error:
            self.close()
            raise SendError(type(error).__name__, fault=Fault.TEMPORARY, reason="no_connection") from error
        except (HTTPError, OSError) as error:
            self.close()
            raise SendError(type(error).__name__, fault=Fault.UNCERTAIN, reason="answer_cut") from error
        return Reply(
            status=found.status,
            headers={name.lower(): value for name, value in found.headers.items()},
            body=text,
        )

    def close(self) -> None:
        """Let go of connections; the next call looks the host up again."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None


def refusal(reply: Reply, *, is_ours: frozenset[int] = frozenset((401, 403))) -> SendError:
    """Return what an answer other than a success means.

    Args:
        reply: The answer.
        is_ours: Statuses that say something about us and nothing about the message.
    """
    status = reply.status
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return SendError(reply.text, fault=Fault.THROTTLED, reason="throttled", wait=_retry_after(reply))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return SendError(reply.text, fault=Fault.TEMPORARY, reason="server_error")
    if status in is_ours:
        return SendError(reply.text, fault=Fault.CHANNEL, reason="credentials_refused")
    return SendError(reply.text, fault=Fault.PERMANENT, reason="refused")


def _retry_after(reply: Reply) -> timedelta | None:
    told = reply.headers.get("retry-after", "")
    if told.isdigit():
        return min(timedelta(seconds=int(told)), _MOST_WAIT) if len(told) < 9 else _MOST_WAIT  # noqa: PLR2004
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    return min(max(at - timezone.now(), timedelta()), _MOST_WAIT) if at.tzinfo else None
