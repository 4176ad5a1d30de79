"""WhatsApp by Meta's Cloud API, whose templates are approved beforehand."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from urllib.parse import quote

from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import (
    Asked,
    BadCallError,
    Call,
    ChannelKind,
    Dispatch,
    Fault,
    News,
    Opening,
    Outgoing,
    Receipt,
    SendError,
)
from regulars.messaging.channels.http import Caller, Reply, refusal

_NOT_THERE = frozenset((131026, 1013))
_LIMITED = frozenset((131049, 130472))
# Meta's own numbers of what is wrong: with the number, by its owner's wish, of our account, of our speed, of Meta.
_MEANINGS = (
    (_NOT_THERE, Fault.PERMANENT, "not_there"),
    (frozenset((131050,)), Fault.PERMANENT, "opted_out_there"),
    (_LIMITED, Fault.PERMANENT, "limited_there"),
    (
        frozenset((0, 3, 10, 190, 200, 368, 131005, 131031, 131042, 131045, 132001, 132015, 132016, 133010)),
        Fault.CHANNEL,
        "credentials_refused",
    ),
    (frozenset((4, 80007, 130429, 131048, 131056, 133016)), Fault.THROTTLED, "throttled"),
    (frozenset((1, 2, 131000, 131016, 131057, 133004)), Fault.TEMPORARY, "server_error"),
)
_LINES = re.compile(r"\s*[\n\r\t]+\s*| {4,}")


class _WhatsAppSender:
    def __init__(self, opening: Opening) -> None:
        told = opening.values
        self._values = told
        number = quote(told["number_id"], safe="")
        self._caller = Caller(f"{told['url'].rstrip('/')}/{number}/messages")
        self._headers = {"Authorization": f"Bearer {told['token']}", "Content-Type": "application/json"}

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        said, told = outgoing.message, self._values
        # What a message brings itself: another approved template, and all of its variables.
        variables = said.data.get("template_param")
        texts = [str(one) for one in variables] if isinstance(variables, list) else [said.text]
        template: dict[str, object] = {
            "name": str(said.data.get("template_code") or told["template"]),
            "language": {"code": _language(outgoing.recipient.language, told["language"])},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": _one_line(one)} for one in texts]}
            ],
        }
        body = json.dumps(
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": outgoing.recipient.address.removeprefix("+"),
                "type": "template",
                "template": template,
                "biz_opaque_callback_data": outgoing.recipient.token,
            },
            ensure_ascii=False,
        ).encode()
        return lambda: self._send(body)

    def close(self) -> None:
        self._caller.close()

    def _send(self, body: bytes) -> Receipt:
        reply = self._caller.post(body, headers=self._headers)
        told = reply.json()
        said: Mapping[str, object] = told if isinstance(told, dict) else {}
        messages = said.get("messages")
        if reply.status // 100 == 2 and isinstance(messages, list) and messages:  # noqa: PLR2004  successes
            return Receipt(provider_id=str(messages[0].get("id", "")))
        error = said.get("error")
        raise _error(reply, error.get("code") if isinstance(error, dict) else None)


def _one_line(text: str) -> str:
    """Return a variable as Meta takes it: without line ends, tabs, and more than three blanks on end."""
    return _LINES.sub(" ", text).strip()


def _language(wanted: str, otherwise: str) -> str:
    """Return the code of a translation of the template: the customer's, where the channel names one for it."""
    known = dict(one.split("=", 1) for one in otherwise.split() if "=" in one)
    default = next((one for one in otherwise.split() if "=" not in one), "")
    return known.get(wanted) or default or next(iter(known.values()))


def _error(reply: Reply, code: object) -> SendError:
    for codes, fault, reason in _MEANINGS:
        if code in codes:
            return SendError(reply.text, fault=fault, reason=reason)
    return refusal(reply)


_STATES = {"delivered": "delivered", "read": "opened", "failed": "failed"}


def signature(body: bytes, *, secret: str) -> str:
    """Return how Meta signs a call: HMAC-SHA-256 of its body under the app's secret."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _hear(opening: Opening, call: Call) -> list[News]:
    expected = signature(call.body, secret=opening.values["app_secret"])
    given = call.headers.get("x-hub-signature-256", "")
    if not opening.values["app_secret"] or not hmac.compare_digest(expected.encode(), given.encode()):
        raise BadCallError("the signature is not Meta's")
    try:
        told = json.loads(call.body)
        return [news for status in _statuses(told) for news in _news(status)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BadCallError("the call cannot be read") from error


def _statuses(told: Mapping[str, Sequence[Mapping[str, Sequence[Mapping[str, Mapping[str, object]]]]]]) -> Iterator[Mapping[str, object]]:  # fmt: skip
    for entry in told.get("entry", ()):
        for change in entry.get("changes", ()):
            statuses = change["value"].get("statuses", ())
            if isinstance(statuses, list):
                yield from statuses


def _news(status: Mapping[str, object]) -> list[News]:
    state = _STATES.get(str(status.get("status")))
    if state is None:
        return []
    errors = status.get("errors")
    error = errors[0] if isinstance(errors, list) and errors else {}
    named = partial(
        News,
        provider_id=str(status.get("id", "")),
        token=str(status.get("biz_opaque_callback_data", "")),
    )
    if state == "opened":
        # Whatever was read has arrived.
        return [named(state="delivered"), named(state=state)]
    if state == "delivered":
        return [named(state=state)]
    code = error.get("code")
    reason = "not_there" if code in _NOT_THERE else "limited_there" if code in _LIMITED else "failed"
    return [named(state=state, reason=reason, trouble=f"{code} {error.get('title', '')}".strip())]


def _greet(opening: Opening, call: Call) -> str:
    word = opening.values["verify_token"]
    told = call.query
    if told.get("hub.mode") != "subscribe" or not word:
        raise BadCallError("nobody is greeted here")
    if not hmac.compare_digest(word.encode(), told.get("hub.verify_token", "").encode()):
        raise BadCallError("the word is not the one that was agreed on")
    return told.get("hub.challenge", "")[:200]


WHATSAPP = ChannelKind(
    key="whatsapp_cloud",
    label="WhatsApp Cloud",
    about=gettext_lazy("WhatsApp by Meta's own service, by templates that were approved there."),
    media=("whatsapp",),
    asked=(
        Asked(name="url", label=gettext_lazy("Address"), default="https://graph.facebook.com/v23.0"),
        Asked(name="number_id", label="Phone number ID"),
        Asked(name="token", label=gettext_lazy("Access token"), is_secret=True),
        Asked(
            name="template",
            label=gettext_lazy("Template"),
            help=gettext_lazy("The name of an approved template whose body has one variable: our text."),
        ),
        Asked(
            name="language",
            label=gettext_lazy("Languages of the template"),
            help=gettext_lazy("As they were approved; the first word is for all others: en zh-hans=zh_CN"),
            default="en zh-hans=zh_CN",
        ),
        Asked(
            name="app_secret",
            label=gettext_lazy("App secret"),
            help=gettext_lazy("Meta signs its calls with it. Without it nothing is heard of what arrived."),
            is_secret=True,
            is_required=False,
        ),
        Asked(
            name="verify_token",
            label=gettext_lazy("Verify token"),
            help=gettext_lazy(
                "A word of your choice; Meta says it when you enter the address of calls there."
            ),
            is_secret=True,
            is_required=False,
        ),
    ),
    open=_WhatsAppSender,
    retries=tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)),
    hear=_hear,
    greet=_greet,
)
