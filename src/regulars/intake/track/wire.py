"""What a call looks like on the wire, and what it may weigh. The form is that of Segment's HTTP API.

Taking a call in reads as little of it as tells whether it is one: the envelope, and how long each event is.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from regulars.kernel.errors import RegularsError
from regulars.shop.operations import EARLIEST

KINDS = ("identify", "track", "page", "screen", "group", "alias")
LONGEST_EVENT_BYTES = 32 * 1024
LONGEST_CALL_BYTES = 500 * 1024
MOST_EVENTS = 2_500


class InvalidCallError(RegularsError):
    """The body is not a call."""

    code: ClassVar[str] = "invalid_call"


class CallTooLargeError(RegularsError):
    """The call, or an event in it, is larger than may be."""

    code: ClassVar[str] = "call_too_large"


class RefusedEventError(RegularsError):
    """An event of a call cannot be understood; the others can. `reason` is one of `labels.REFUSALS`."""

    code: ClassVar[str] = "refused_event"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason, reason=reason, detail=detail)
        self.reason = reason
        self.detail = detail


class _Batch(msgspec.Struct, rename="camel"):
    batch: list[msgspec.Raw]
    sent_at: Any = None
    write_key: Any = None
    context: Any = None


class _Single(msgspec.Struct, rename="camel"):
    write_key: Any = None


class Item(msgspec.Struct, rename="camel", kw_only=True):
    """One event as it was sent. Ids may be numbers; times are ISO 8601 texts."""

    type: str | None = None
    message_id: str | int | None = None
    user_id: str | int | float | None = None
    anonymous_id: str | int | float | None = None
    previous_id: str | int | float | None = None
    group_id: str | int | float | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None


_BATCH = msgspec.json.Decoder(_Batch)
_SINGLE = msgspec.json.Decoder(_Single)
_ITEM = msgspec.json.Decoder(Item)


class Weighed(msgspec.Struct, frozen=True):
    """A call that may be taken in: how many events it holds, and the write key that it carries itself, if any."""

    events: int
    write_key: str


def weigh(kind: str, body: bytes) -> Weighed:
    """Return what is to be known of a call before it is kept.

    Raises:
        InvalidCallError: The body is no JSON object, or a batch without a list of events.
        CallTooLargeError: The call is over 500 KB, an event over 32 KB, or there are more than 2,500.
    """
    if len(body) > LONGEST_CALL_BYTES:
        raise CallTooLargeError(
            f"call of {len(body)} bytes, must be at most {LONGEST_CALL_BYTES}", bytes=len(body)
        )
    try:
        if kind == "batch":
            envelope = _BATCH.decode(body)
            longest = max((len(memoryview(item)) for item in envelope.batch), default=0)
            events = len(envelope.batch)
        else:
            single = _SINGLE.decode(body)
            longest, events, envelope = len(body), 1, None
            key = single.write_key
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidCallError(f"the body is no JSON call: {error}") from error
    if envelope is not None:
        key = envelope.write_key
    if longest > LONGEST_EVENT_BYTES:
        raise CallTooLargeError(
            f"event of {longest} bytes, must be at most {LONGEST_EVENT_BYTES}", bytes=longest
        )
    if events > MOST_EVENTS:
        raise CallTooLargeError(f"{events} events in a call, must be at most {MOST_EVENTS}", events=events)
    return Weighed(events=events, write_key=key if isinstance(key, str) else "")


def items(kind: str, body: bytes) -> list[Item | RefusedEventError]:
    """Return the events of a call that was weighed, each read or refused for itself."""
    if kind != "batch":
        item = _item(body)
        if isinstance(item, Item):
            item.type = kind
        return [item]
    envelope = _BATCH.decode(body)
    found = [_item(raw) for raw in envelope.batch]
    for item in found:
        if isinstance(item, Item):
            item.sent_at = item.sent_at or (envelope.sent_at if isinstance(envelope.sent_at, str) else None)
            if isinstance(envelope.context, dict):
                item.context = {**envelope.context, **(item.context or {})}
    return found


def _item(raw: bytes | msgspec.Raw) -> Item | RefusedEventError:
    try:
        if b"\\u0000" in memoryview(raw).tobytes():
            # The one character that PostgreSQL cannot keep.
            return msgspec.convert(_without_nul(msgspec.json.decode(raw)), Item)
        return _ITEM.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return RefusedEventError("malformed", str(error))


def _without_nul(value: Any) -> Any:  # noqa: ANN401  anything that JSON holds
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_without_nul(one) for one in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(one) for name, one in value.items()}
    return value


def without(body: bytes, number: int) -> bytes:
    """Return a call in which nothing stands in the place of one event; the others stay where they are."""
    told = msgspec.json.decode(body)
    if isinstance(told.get("batch"), list):
        told["batch"][number] = {"type": "erased"}
    else:
        told = {"type": "erased"}
    return msgspec.json.encode(told)


def when(item: Item, *, received_at: datetime) -> datetime:
    """Return when an event happened, by our clock: `timestamp` less how far the sender's clock is ahead of ours.

    at = timestamp - (sentAt - receivedAt). Without `sentAt` the timestamp counts, without either the arrival. Nothing
    happens after it has arrived.

    Raises:
        RefusedEventError: A time is not ISO 8601, or lies before the year 2000.
    """
    stamp = item.timestamp or item.original_timestamp
    if stamp is None:
        return received_at
    at = _instant(stamp)
    if item.sent_at is not None:
        at -= _instant(item.sent_at) - received_at
    at = min(at, received_at)
    if at < EARLIEST:
        raise RefusedEventError("too_old", stamp[:40])
    return at


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RefusedEventError("bad_time", text[:40]) from error
    # Room for the difference of two clocks at both ends of the calendar.
    if not timedelta(days=366) < at - datetime.min.replace(tzinfo=UTC) < timedelta(days=366 * 9_000):
        raise RefusedEventError("bad_time", text[:40])
    return at


def text_of(value: object) -> str:
    """Return an id as text: numbers as they are written, 17.0 as 17, nothing as the empty text."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None or isinstance(value, bool | dict | list) else str(value).strip()
