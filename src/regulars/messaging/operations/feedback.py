"""What is heard of a message after it was accepted: it arrived, it came back, it was reported as spam."""

from datetime import datetime

from django.db import transaction

from regulars.messaging.channels import kind_named
from regulars.messaging.channels.channel import BadCallError, Call
from regulars.messaging.governance import suppressed_digest
from regulars.messaging.models import Channel, Delivery, SuppressedAddress
from regulars.messaging.operations.channels import opening_of

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
    channel = Channel.objects.filter(key=key, is_active=True).first()
    kind = kind_named(channel.kind) if channel else None
    if channel is None or kind is None or kind.hear is None:
        raise BadCallError("nobody is called here")
    heard = 0
    for news in kind.hear(opening_of(channel), call):
        found = Delivery.objects.filter(channel=channel, provider_id=news.provider_id).exclude(provider_id="")
        for delivery in found[:1]:
            heard += note_outcome(
                delivery, state=news.state, reason=news.reason, trouble=news.trouble, is_address=news.is_address, now=now
            )  # fmt: skip
    return heard


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
        row.trouble = trouble.replace("\0", "")[:500]
        row.accepted_at = row.accepted_at or now
        row.worker = None
        row.save(update_fields=["state", "reason", "trouble", "accepted_at", "worker"])
        ends = {State.COMPLAINED: Reason.COMPLAINT, State.BOUNCED: Reason.HARD_BOUNCE if is_address else None}
        why = ends.get(State(state))
        if why is not None and row.address and row.channel.medium:
            suppress(medium=row.channel.medium, address=row.address, reason=why, delivery_id=row.pk, now=now)
    return True
