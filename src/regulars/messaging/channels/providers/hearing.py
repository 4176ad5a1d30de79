"""Understand what services that send for others tell of messages; only from those who prove who they are."""

import base64
import hmac
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from anymail.exceptions import AnymailError
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from anymail.webhooks.base import AnymailCoreWebhookView
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest

from regulars.messaging.channels.channel import BadCallError, Call, News, Opening
from regulars.messaging.channels.providers.sending import TOKEN
from regulars.messaging.channels.smtp.connection import is_about_address
from regulars.messaging.channels.webhook import sign

_STATES = {
    EventType.DELIVERED: "delivered",
    EventType.BOUNCED: "bounced",
    EventType.COMPLAINED: "complained",
    EventType.REJECTED: "failed",
    EventType.FAILED: "failed",
    EventType.OPENED: "opened",
    EventType.CLICKED: "clicked",
    EventType.UNSUBSCRIBED: "unsubscribed",
}
_FARTHEST_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Ear:
    """How a service's calls prove themselves, by which secret, and what reads them."""

    calls: str
    secret: str
    view: Callable[[Mapping[str, str], str], AnymailCoreWebhookView]


def hear(ear: Ear, opening: Opening, call: Call) -> Sequence[News]:
    """Return what a call tells of messages.

    Raises:
        BadCallError: It is not the service's, or cannot be read. Without a secret nobody is believed.
    """
    if not opening.values[ear.secret]:
        raise BadCallError("the channel has no secret to know its service's calls by")
    if ear.calls == "svix":
        _check_svix(call, opening.values[ear.secret])
    try:
        view = ear.view(opening.values, call.url)
        request = _request(call)
        if ear.calls != "svix":
            view.run_validators(request)
        events = view.parse_events(request)
        return [news for event in events if (news := _news(event)) is not None]
    except (AnymailError, SuspiciousOperation) as error:
        raise BadCallError("the call does not prove that it is the service's") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadCallError(f"the call cannot be read: {type(error).__name__}") from error


def _check_svix(call: Call, secret: str) -> None:
    """Check a signature of Standard Webhooks under the names of headers that came before the standard."""
    headers = call.headers
    message_id, told_at = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    try:
        key, at = base64.b64decode(secret.removeprefix("whsec_"), validate=True), int(told_at)
    except ValueError as error:
        raise BadCallError("the signature cannot be read") from error
    expected = sign(key, message_id=message_id, at=at, body=call.body)
    given = headers.get("svix-signature", "").split(" ")
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
        raise BadCallError("the signature is not the service's")
    if abs(time.time() - at) > _FARTHEST_SECONDS:
        raise BadCallError("the call is too old")


def _request(call: Call) -> WSGIRequest:
    """Return the call as django-anymail reads it."""
    parts = urlsplit(call.url)
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or 443),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(call.body),
        "CONTENT_TYPE": call.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(call.body)),
    }
    own = {"content-type", "content-length"}
    environ |= {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in call.headers.items()
        if name not in own
    }
    return WSGIRequest(environ)


def _news(event: AnymailTrackingEvent) -> News | None:
    state = _STATES.get(event.event_type)
    if state is None:
        return None
    said = str(event.mta_response or event.description or "")
    # Where a service gives no reason of its own, the receiver's words must say that it is the address.
    is_named = event.reject_reason in {RejectReason.BOUNCED, RejectReason.INVALID}
    is_final = state == "bounced" and (is_named or event.reject_reason is None)
    if state == "failed" and event.reject_reason == RejectReason.INVALID:
        state, is_final = "bounced", True
    reasons = {"failed": "suppressed_there" if event.event_type == EventType.REJECTED else "failed"}
    is_address = is_final and is_about_address(
        said.encode(), otherwise=is_named and not _is_soft(event.esp_event)
    )
    return News(
        provider_id=str(event.message_id or ""),
        token=str((event.metadata or {}).get(TOKEN, "")),
        state=state,
        reason="no_such_address" if is_address else reasons.get(state, ""),
        trouble=said,
        is_address=is_address,
        url=str(event.click_url or ""),
    )


def _is_soft(told: object) -> bool:
    """Return whether a service calls a bounce soft: the address may work again."""
    if not isinstance(told, Mapping):
        return False
    data = told.get("data")
    words = [told.get("event"), told.get("Type"), data.get("type") if isinstance(data, Mapping) else ""]
    return told.get("hard_bounce") is False or any("soft" in str(word).lower() for word in words)
