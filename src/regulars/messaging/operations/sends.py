"""Begin sends, put customers into the ledger, and pause, go on, cancel, or try again those who were not reached."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import ClassVar

from django.db import connection, transaction

from regulars.kernel.buckets import bucket
from regulars.kernel.errors import RegularsError
from regulars.messaging import pacing
from regulars.messaging.events import SendFinished
from regulars.messaging.models import Channel, Delivery, Send
from regulars.messaging.operations.fallbacks import waits_to_be_passed_on
from regulars.messaging.queries.unreached import UNREACHED, asked
from regulars.messaging.registry import Source, composer_of
from regulars.outbox.operations import publish
from regulars.shop.wording import gettext as _
from regulars.shop.wording import keep
from regulars.staff.models import User

_CHUNK = 10_000
# Above this many new rows the planner must hear of them before the senders ask for them.
_ANALYZE_ABOVE = 5_000


class UnknownSendError(RegularsError):
    """There is no such send."""

    code: ClassVar[str] = "unknown_send"


class SendStateError(RegularsError):
    """What was asked of a send does not fit the state that it is in."""

    code: ClassVar[str] = "send_state"


def begin_send(  # noqa: PLR0913  what is sent, to what rules, by whom
    source: Source,
    *,
    label: str,
    purpose: str,
    now: datetime,
    by: User | None = None,
    tag: str = "",
    priority: int = 50,
    is_transactional: bool = False,
    counts: bool = True,
    expires_at: datetime | None = None,
    holdout_bp: int = 0,
    over: Sequence[int] = (),
    offer_id: int | None = None,
) -> Send:
    """Return the send of a source's step, made if it is new. Beginning it again changes nothing.

    Args:
        source: What it comes from; a composer is registered for its kind.
        label: What people call it.
        purpose: What its customers allowed, of the consent ledger's purposes.
        now: When.
        by: Who of the staff.
        tag: What caps can name it by.
        priority: 0 to 100; higher goes first.
        is_transactional: It has to be said: no consent, cap or quiet hour holds it back.
        counts: Whether its messages use up caps.
        expires_at: After that nothing is begun.
        holdout_bp: How many of 10,000 customers are left out to measure against, by a bucket of the source.
        over: Channels in the order in which they are tried: whom one refuses for good gets the message over the next.
        offer_id: The offer of which its messages bring codes.

    Raises:
        UnknownSourceError: Nothing composes this kind of source.
    """
    composer_of(source.kind)
    send, _is_new = Send.objects.get_or_create(
        kind=source.kind,
        source_id=source.id,
        step=source.step,
        defaults={
            "label": label[:200],
            "purpose": purpose,
            "tag": tag,
            "priority": priority,
            "is_transactional": is_transactional,
            "counts": counts,
            "expires_at": expires_at,
            "holdout_bp": holdout_bp,
            "over": list(over),
            "offer_id": offer_id,
            "created_at": now,
            "created_by": by,
        },
    )
    return send


def enlist(  # noqa: PLR0913  whom, by what, when, and who not
    send_id: int,
    customer_ids: Iterable[int],
    *,
    channel_id: int,
    now: datetime,
    due_at: datetime | None = None,
    excluded: Mapping[int, str] | None = None,
) -> int:
    """Put customers into the ledger of a send and return how many are new. Who is in it stays as they are.

    Whoever falls into the send's hold-out, or is excluded by the caller, is in it too: held back, with the reason.

    Args:
        send_id: The send.
        customer_ids: Whom; read in portions, each its own transaction, so that a million need no memory.
        channel_id: By which channel.
        now: When.
        due_at: Not before; now where not told.
        excluded: Customers that other rooms leave out, with a reason in one word.

    Raises:
        UnknownSendError: There is no such send.
        SendStateError: It was cancelled, or everybody was in it already.
    """
    left_out = excluded or {}
    added = 0
    waiting = iter(customer_ids)
    while portion := list(islice(waiting, _CHUNK)):
        with transaction.atomic():
            send = _locked(send_id)
            if send.state == Send.State.CANCELLED or send.is_complete:
                raise SendStateError(_("%(send)s takes nobody on any more") % {"send": send.label})
            reasons = {
                **_held_out(send, portion),
                **{who: left_out[who] for who in portion if who in left_out},
            }
            added += _insert(send, channel_id, portion, reasons, due_at=due_at or now, now=now)
    if added > _ANALYZE_ABOVE:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE messaging_delivery")
    return added


def complete_send(send_id: int, *, now: datetime) -> None:
    """Say that everybody is in the ledger: from then on the send can finish."""
    with transaction.atomic():
        _locked(send_id)
        Send.objects.filter(pk=send_id).update(is_complete=True)
    settle_finished([send_id], now=now)


def settle_finished(send_ids: Sequence[int], *, now: datetime) -> list[int]:
    """Note which of these sends are finished, publish that, and return them: a count of deliveries, nothing else, says so."""
    found = []
    for send_id in sorted(set(send_ids)):
        if _is_under_way(send_id, now=now):
            continue
        with transaction.atomic():
            send = _locked(send_id)
            if send.finished_at or not send.is_complete or _is_under_way(send_id, now=now):
                continue
            Send.objects.filter(pk=send_id).update(finished_at=now)
            publish(SendFinished(send_id=send_id))
            found.append(send_id)
    return found


def _is_under_way(send_id: int, *, now: datetime) -> bool:
    """Whether anything may still happen by itself: what is in doubt may be settled or sent again, what was refused passed on."""
    rows = Delivery.objects.filter(send=send_id)
    return (
        rows.filter(state__in=Delivery.UNDER_WAY).exists()
        or rows.filter(state=Delivery.State.UNCERTAIN, worker__isnull=False).exists()
        or waits_to_be_passed_on(send_id, now=now)
    )


def settle_left(*, now: datetime) -> list[int]:
    """Note which sends are finished whose last sender died before it could."""
    waiting = Send.objects.filter(is_complete=True, finished_at=None)
    return settle_finished(list(waiting.values_list("pk", flat=True)), now=now)


def pause_send(send_id: int, *, trouble: str = "") -> Send:
    """Begin no more messages of a send; the one on the wire goes to its end. Pausing what is paused changes nothing.

    Raises:
        UnknownSendError: There is no such send.
        SendStateError: It was cancelled.
    """
    with transaction.atomic():
        send = _locked(send_id)
        if send.state == Send.State.CANCELLED:
            raise SendStateError(_("%(send)s was cancelled") % {"send": send.label})
        send.state, send.trouble = Send.State.PAUSED, keep(trouble)
        send.save(update_fields=["state", "trouble"])
    return send


def resume_send(send_id: int) -> Send:
    """Go on with a paused send.

    Raises:
        UnknownSendError: There is no such send.
        SendStateError: It was cancelled.
    """
    with transaction.atomic():
        send = _locked(send_id)
        if send.state == Send.State.CANCELLED:
            raise SendStateError(_("%(send)s was cancelled") % {"send": send.label})
        send.state, send.trouble = Send.State.RUNNING, ""
        send.save(update_fields=["state", "trouble"])
    return send


def cancel_send(send_id: int, *, now: datetime) -> int:
    """Hold back whatever of a send has not begun, and return how many messages that is. It can be begun no more.

    Raises:
        UnknownSendError: There is no such send.
    """
    with transaction.atomic():
        send = _locked(send_id)
        send.state, send.is_complete = Send.State.CANCELLED, True
        send.save(update_fields=["state", "is_complete"])
        rows = Delivery.objects.filter(send=send)
        paced = list(
            rows.filter(state="pending", reason="pace")
            .order_by()
            .values_list("channel_id", flat=True)
            .distinct()
        )
        stopped = rows.filter(state__in=("pending", "claimed")).update(
            state=Delivery.State.SUPPRESSED, reason="cancelled", settled_at=now, lease_until=None, worker=None, counted_at=None
        )  # fmt: skip
        if paced:
            pacing.plan_anew(paced, now=now)
    settle_finished([send_id], now=now)
    return stopped


def send_to_unreached(
    send_id: int, *, now: datetime, with_uncertain: bool = False, only: int | None = None
) -> int:
    """Try again those whom a send did not reach, and return how many.

    Failures and bounces, and what was held back for a reason that may have passed; not the hold-out, nor those whom the caller
    left out. Consent, caps and addresses are looked at anew. Whose message was passed on is tried over the last channel again. A send
    that has ended by its time gets as much time again.

    Args:
        send_id: The send.
        now: When.
        with_uncertain: Also those who may have the message.
        only: The one delivery that is tried again; all where None.

    Raises:
        UnknownSendError: There is no such send.
        SendStateError: It was cancelled.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        send = _locked(send_id)
        if send.state == Send.State.CANCELLED:
            raise SendStateError(_("%(send)s was cancelled") % {"send": send.label})
        cursor.execute(
            f"""
            UPDATE messaging_delivery d SET state = 'pending', reason = '', trouble = '', due_at = %(now)s, attempts = 0,
                settled_at = NULL, counted_at = NULL, accepted_at = NULL, worker = NULL, lease_until = NULL
            WHERE {UNREACHED}
            """,  # noqa: S608  a literal
            {
                "now": now,
                **asked(send_id, with_uncertain=with_uncertain, only=None if only is None else [only]),
            },
        )
        tried = int(cursor.rowcount)
        if tried:
            Send.objects.filter(pk=send_id).update(
                finished_at=None, expires_at=_end_of_another_try(send, now=now)
            )
    return tried


def _end_of_another_try(send: Send, *, now: datetime) -> datetime | None:
    if send.expires_at is None or send.expires_at > now:
        return send.expires_at
    return now + (send.expires_at - send.created_at)


def _locked(send_id: int) -> Send:
    send = Send.objects.select_for_update(no_key=True).filter(pk=send_id).first()
    if send is None:
        raise UnknownSendError(_("there is no send %(id)s") % {"id": send_id})
    return send


def _held_out(send: Send, customer_ids: Sequence[int]) -> dict[int, str]:
    if not send.holdout_bp:
        return {}
    salt = f"send:{send.kind}:{send.source_id}"
    return {who: "holdout" for who in customer_ids if bucket(who, salt=salt) < send.holdout_bp}


def _insert(  # noqa: PLR0913  rows of one send, and when
    send: Send,
    channel_id: int,
    customer_ids: Sequence[int],
    reasons: Mapping[int, str],
    *,
    due_at: datetime,
    now: datetime,
) -> int:
    channel = Channel.objects.filter(pk=channel_id).first()
    if channel is None or not channel.is_active:
        name = channel_id if channel is None else channel.name
        raise SendStateError(
            _("the channel “%(name)s” is not in use") % {"name": name}, channel_id=channel_id
        )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO messaging_delivery (send_id, customer_id, channel_id, state, reason, due_at, created_at, settled_at)
            SELECT %(send)s, c.id, %(channel)s, CASE WHEN who.reason = '' THEN 'pending' ELSE 'suppressed' END, who.reason,
                %(due)s, %(now)s, CASE WHEN who.reason = '' THEN NULL ELSE %(now)s::timestamptz END
            FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS who (id, reason) JOIN shop_customer c ON c.id = who.id
            ORDER BY c.id
            ON CONFLICT (send_id, customer_id, channel_id) DO NOTHING
            """,
            {
                "send": send.pk,
                "channel": channel_id,
                "ids": list(customer_ids),
                "reasons": [reasons.get(who, "")[:40] for who in customer_ids],
                "due": due_at,
                "now": now,
            },
        )
        return int(cursor.rowcount)
