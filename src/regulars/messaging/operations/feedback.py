"""What is heard of a message after it was accepted: it arrived, it came back, it was reported as spam."""

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from regulars.messaging.channels import kind_named
from regulars.messaging.channels.channel import BadCallError, Call, ChannelKind, News
from regulars.messaging.composing import public_root
from regulars.messaging.governance import suppressed_digest
from regulars.messaging.models import Channel, Delivery, SuppressedAddress
from regulars.messaging.operations.channels import opening_of
from regulars.messaging.operations.templates import record_click, record_opening
from regulars.messaging.templating.tracking import number_of
from regulars.shop.models import Consent
from regulars.shop.operations.consents import InvalidConsentError, Statement, record_consents
from regulars.shop.wording import keep

State = Delivery.State
Reason = SuppressedAddress.Reason
# From which states each piece of news leads on; any other tells nothing new.
_FROM = {
    State.DELIVERED: (State.ACCEPTED, State.UNCERTAIN),
    State.BOUNCED: (State.ACCEPTED, State.UNCERTAIN, State.DELIVERED),
    State.COMPLAINED: (State.ACCEPTED, State.UNCERTAIN, State.DELIVERED),
    State.FAILED: (State.ACCEPTED,),
}


def suppress(*, medium: str, address: str, reason: str, delivery_id: int | None, now: datetime) -> bool:
    """Write to an address no more, and return whether that is new."""
    _row, is_new = SuppressedAddress.objects.get_or_create(
        medium=medium,
        digest=suppressed_digest(medium, address),
        defaults={"reason": reason, "at": now, "delivery_id": delivery_id},
    )
    return is_new


def release_address(*, medium: str, address: str) -> bool:
    """Write to an address again, and return whether it was written to no more."""
    gone, _by_table = SuppressedAddress.objects.filter(
        medium=medium, digest=suppressed_digest(medium, address)
    ).delete()
    return bool(gone)


def hear(key: str, call: Call, *, now: datetime) -> int:
    """Take a provider's call in, and return how many messages it told something new of.

    Raises:
        BadCallError: No channel has this key and is told of messages, or the call is not its provider's.
    """
    channel, kind = _called(key)
    if kind.hear is None:
        raise BadCallError("nobody is called here")
    return _take(kind.hear(opening_of(channel), call), channel=channel, now=now)


def greet(key: str, call: Call) -> str:
    """Return what a provider wants to read that makes sure that somebody is there.

    Raises:
        BadCallError: No channel has this key and is greeted, or the call is not its provider's.
    """
    channel, kind = _called(key)
    if kind.greet is None:
        raise BadCallError("nobody is called here")
    return kind.greet(opening_of(channel), call)


def collect(channel_id: int, *, clock: Callable[[], datetime]) -> int:
    """Fetch what a channel's mailbox tells, and return how many messages it told something new of.

    A mail is done with only after what it says is written down: a crash between the two reads it again.

    Raises:
        SendError: The mailbox cannot be read.
        InvalidChannelError: What the channel was set up with cannot be used.
    """
    channel = Channel.objects.get(pk=channel_id)
    fetch = kind_named(channel.kind).collect
    if fetch is None:
        return 0
    return sum(_take(pieces, channel=channel, now=clock()) for pieces in fetch(opening_of(channel)))


def _called(key: str) -> tuple[Channel, ChannelKind]:
    channel = Channel.objects.filter(key=key, is_active=True).first()
    if channel is None:
        raise BadCallError("nobody is called here")
    return channel, kind_named(channel.kind)


def _take(pieces: Iterable[News], *, channel: Channel, now: datetime) -> int:
    heard = 0
    for news in pieces:
        delivery = _delivery_of(news, channel)
        if delivery is not None:
            heard += _note(delivery, news, now=now)
    return heard


def _delivery_of(news: News, channel: Channel) -> Delivery | None:
    rows = Delivery.objects.filter(channel=channel)
    if news.token:
        try:
            found = rows.filter(token=UUID(news.token)).first()
        except ValueError:
            found = None
        if found is not None:
            return found
    return rows.filter(provider_id=news.provider_id).first() if news.provider_id else None


def _note(delivery: Delivery, news: News, *, now: datetime) -> bool:
    if news.state == "opened":
        return record_opening(delivery_id=delivery.pk, now=now)
    if news.state == "clicked":
        # A link of ours is counted where it leads through.
        is_ours = news.url.startswith(public_root())
        return not is_ours and record_click(
            delivery_id=delivery.pk, version_id=None, number=number_of(news.url), url=news.url, now=now
        )
    if news.state == "unsubscribed":
        return _withdraw(delivery, now=now)
    return note_outcome(
        delivery, state=news.state, reason=news.reason, trouble=news.trouble, is_address=news.is_address, now=now
    )  # fmt: skip


def _withdraw(delivery: Delivery, *, now: datetime) -> bool:
    """Take back what a message was sent on, because its reader told the service so."""
    said = Statement(
        customer_id=delivery.customer_id,
        channel=delivery.channel.medium,
        purpose=delivery.send.purpose,
        state=Consent.State.WITHDRAWN,
        at=now,
        source=f"channel {delivery.channel.kind}",
        key=f"unsubscribed:{delivery.token}",
        address=delivery.address,
    )
    try:
        return bool(record_consents([said]))
    except InvalidConsentError:
        # Erased meanwhile: there is nothing left to take back.
        return False


def note_outcome(  # noqa: PLR0913  what became of it, and why
    delivery: Delivery,
    *,
    state: str,
    now: datetime,
    reason: str = "",
    trouble: str = "",
    is_address: bool = False,
) -> bool:
    """Note what became of an accepted message, and return whether that is news. Told twice, it is noted once.

    A bounce for good and a report as spam end all messages to the address.

    Args:
        delivery: Which.
        state: DELIVERED, BOUNCED, COMPLAINED, or FAILED for a gateway that gave up.
        now: When it is heard.
        reason: Why, in a stable word.
        trouble: What was said.
        is_address: Of a bounce: the address does not exist.
    """
    with transaction.atomic():
        row = Delivery.objects.select_for_update(no_key=True).select_related("channel").get(pk=delivery.pk)
        if row.state not in _FROM[State(state)]:
            return False
        row.state = state
        row.reason = reason or ("" if state == State.DELIVERED else state)
        row.trouble = keep(trouble)
        row.accepted_at = row.accepted_at or now
        row.worker = None
        row.save(update_fields=["state", "reason", "trouble", "accepted_at", "worker"])
        ends = {State.COMPLAINED: Reason.COMPLAINT, State.BOUNCED: Reason.HARD_BOUNCE if is_address else None}
        why = ends.get(State(state))
        if why is not None and row.address and row.channel.medium:
            suppress(medium=row.channel.medium, address=row.address, reason=why, delivery_id=row.pk, now=now)
    return True
