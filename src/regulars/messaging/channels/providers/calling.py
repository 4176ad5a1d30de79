"""The calls of django-anymail, sent through the same door as all others: no proxies, no redirects, no private networks."""

import io
from typing import Any
from urllib.parse import urlsplit

import requests

from regulars.messaging.channels.channel import InvalidChannelError
from regulars.messaging.channels.http import Caller
from regulars.shop.wording import gettext as _


def origin_of(url: str, *, field: str) -> str:
    """Return the scheme and host of an address.

    Raises:
        InvalidChannelError: It is no address that may be called.
    """
    parts = urlsplit(url.strip())
    if not parts.netloc:
        raise InvalidChannelError(
            _("%(url)s is no address; begin it with https://") % {"url": url[:100]}, field=field
        )
    origin = f"{parts.scheme}://{parts.netloc}"
    Caller(origin, field=field)
    return origin


class GuardedSession(requests.Session):
    """A session that reaches one host, pinned to the address that was looked up and checked."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self.trust_env = False
        self._origin = origin
        self._caller = Caller(origin)

    def send(self, request: requests.PreparedRequest, **_told: Any) -> requests.Response:  # noqa: ANN401  as the base class says
        """Send a request and return the answer, whatever its status.

        Raises:
            SendError: There is no answer.
        """
        parts = urlsplit(request.url or "")
        if f"{parts.scheme}://{parts.netloc}" != self._origin.lower():
            message = f"{parts.netloc} is another host than {self._origin}"
            raise requests.exceptions.InvalidURL(message)
        body = request.body.encode() if isinstance(request.body, str) else request.body
        if body is not None and not isinstance(body, bytes):
            message = "a body is sent as a whole"
            raise requests.exceptions.InvalidURL(message)
        headers = {name: _text(value) for name, value in request.headers.items()}
        reply = self._caller.call(request.method or "POST", request.path_url, body=body, headers=headers)
        answer = requests.Response()
        answer.status_code = reply.status
        answer.headers.update(reply.headers)
        answer.raw = io.BytesIO(reply.body)
        answer.encoding = "utf-8"
        answer.url, answer.request = request.url or "", request
        return answer

    def close(self) -> None:
        """Let go of connections."""
        self._caller.close()
        super().close()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
