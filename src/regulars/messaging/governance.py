"""Whether a message may go out now: what its offer allows, consent, the global hold-out, suppressed addresses, caps, quiet hours. Decided as it is claimed, for a batch at once."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import QuerySet

from regulars.kernel.buckets import is_held_out_globally
from regulars.messaging.models import Cap, Channel, Delivery, QuietHours, Send, SuppressedAddress
from regulars.messaging.rules import CapRule, Counted, quiet_until, room_at
from regulars.messaging.zones import zones_of
from regulars.offers.checking import used_up
from regulars.offers.queries import shown_state
from regulars.shop.models import Customer, Identifier
from regulars.shop.models.consents import Channel as Medium
from regulars.shop.models.consents import Purpose
from regulars.shop.privacy_log import digest
from regulars.shop.queries import business, may_contact

# What an address of a medium is among a customer's identifiers; other media reach people without one.
ADDRESSES = {
    Medium.EMAIL: "email",
    Medium.SMS: "phone",
    Medium.WHATSAPP: "phone",
    Medium.WECOM: "external",
    Medium.DINGTALK: "external",
}
OFFER_USED = "offer_used"
"""The reason of whoever has used the offer of a send as often as they may: its code would be good for nothing."""
OFFER_OVER = "offer_over"
"""The reason of everybody once the offer of a send is over or used up as a whole."""
GLOBAL_HOLDOUT = "global_holdout"
"""The reason of whoever gets no advertising at all, to measure against."""
NAMED_BY = "identifier"
"""Under this name a channel that writes files says how they name customers: `ouid`, `email_sha256`."""
_LOCK_CLASS = 0x52C4  # any number that no other advisory lock of two numbers uses


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of one claimed delivery: it goes to `address`, or waits until `due_at`, or is held back for `reason`."""

    address: str = ""
    language: str = ""
    reason: str = ""
    due_at: datetime | None = None


def judge(
    deliveries: Sequence[Delivery], *, send: Send, channel: Channel, now: datetime
) -> dict[int, Verdict]:
    """Return what becomes of deliveries of one send and channel, by their id. Needs the transaction that locked them.

    A delivery without a verdict stays as it is: another claim counts the same customer's messages at this moment.

    Args:
        deliveries: Locked rows.
        send: Theirs.
        channel: Theirs.
        now: By the database's clock, read before the transaction's first look at consents.
    """
    customers = {one.customer_id for one in deliveries}
    rules = _caps(send, channel)
    free = _lock_customers(customers) if rules and send.counts else customers
    is_over = _is_over(send, now=now)
    spent = _spent(free, send)
    allowed = _allowed(free, send=send, channel=channel)
    addresses = _addresses(free, channel)
    suppressed = _suppressed(addresses, channel.medium, is_transactional=send.is_transactional)
    quiet = None if send.is_transactional else QuietHours.objects.filter(medium=channel.medium).first()
    capped = [] if send.is_transactional else rules
    merchant = business()
    zones = zones_of(free, otherwise=merchant.time_zone) if quiet or capped else {}
    holdout_bp = 0 if send.is_transactional or send.purpose != Purpose.MARKETING else merchant.holdout_bp
    counted = _counted(free, capped, now=now) if capped else {}
    verdicts = {}
    for one in deliveries:
        who = one.customer_id
        if who not in free:
            continue
        if send.expires_at is not None and send.expires_at <= now:
            verdicts[one.pk] = Verdict(reason="expired")
        elif is_over:
            verdicts[one.pk] = Verdict(reason=OFFER_OVER)
        elif who in spent:
            verdicts[one.pk] = Verdict(reason=OFFER_USED)
        elif who not in allowed:
            verdicts[one.pk] = Verdict(reason="no_consent")
        elif holdout_bp and is_held_out_globally(who, holdout_bp=holdout_bp):
            verdicts[one.pk] = Verdict(reason=GLOBAL_HOLDOUT)
        elif (NAMED_BY in channel.options or channel.medium in ADDRESSES) and not addresses.get(who):
            verdicts[one.pk] = Verdict(reason="no_address")
        elif addresses.get(who, "") in suppressed:
            verdicts[one.pk] = Verdict(reason=suppressed[addresses[who]])
        else:
            waits = _waits(
                zones.get(who), quiet, capped, counted.get(who, ()), channel=channel, tag=send.tag, now=now
            )
            verdicts[one.pk] = _timed(waits, send) or Verdict(
                address=addresses.get(who, ""), language=allowed[who]
            )
    return verdicts


def suppressed_digest(medium: str, address: str) -> str:
    """Return what stands for an address among those that are written to no more."""
    return digest(ADDRESSES.get(Medium(medium), medium), address)


def _timed(waits: tuple[datetime, str] | None, send: Send) -> Verdict | None:
    if waits is None:
        return None
    until, reason = waits
    if send.expires_at is not None and until >= send.expires_at:
        return Verdict(reason=reason)
    return Verdict(reason=reason, due_at=until)


def _waits(  # noqa: PLR0913  a message, what is known of its customer, and when it is
    zone: ZoneInfo | None,
    quiet: QuietHours | None,
    caps: Sequence[CapRule],
    counted: Sequence[Counted],
    *,
    channel: Channel,
    tag: str,
    now: datetime,
) -> tuple[datetime, str] | None:
    if zone is None:
        return None
    room = room_at(caps=caps, counted=counted, medium=channel.medium, tag=tag, zone=zone, now=now)
    # Room at night is room in the morning.
    silence = quiet and quiet_until(begins=quiet.begins, ends=quiet.ends, zone=zone, now=room or now)
    if room is not None:
        return silence or room, "cap"
    return (silence, "quiet_hours") if silence else None


def _caps(send: Send, channel: Channel) -> list[CapRule]:
    return [
        CapRule(medium=one.medium, tag=one.tag, most=one.most, days=one.days, is_rolling=one.is_rolling)
        for one in Cap.objects.filter(medium__in=("", channel.medium), tag__in=("", send.tag))
    ]


def _lock_customers(customers: Collection[int]) -> set[int]:
    """Lock customers until the transaction ends and return which could be: two claims must not both see room for one message."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM unnest(%s::bigint[]) AS id
            WHERE pg_try_advisory_xact_lock(%s::int, (id %% 2147483647)::int)
            """,
            [sorted(customers), _LOCK_CLASS],
        )
        return {customer_id for (customer_id,) in cursor.fetchall()}


def _is_over(send: Send, *, now: datetime) -> bool:
    """Return whether codes of a send's offer are good for nothing any more, for anybody."""
    if send.offer is None or send.is_transactional:
        return False
    return shown_state(send.offer, now=now) in ("over", "used_up", "ended")


def _spent(customers: Collection[int], send: Send) -> set[int]:
    """Return who has used the offer of a send as often as they may. What has to be said is said to them too."""
    if send.offer is None or send.is_transactional:
        return set()
    return used_up(send.offer, list(customers))


def _allowed(customers: Collection[int], *, send: Send, channel: Channel) -> dict[int, str]:
    """Return who may be written to, with the language that they want."""
    who: QuerySet[Customer] = Customer.objects.filter(
        pk__in=customers, erased_at__isnull=True, merged_into__isnull=True
    )
    languages = dict(who.values_list("pk", "language"))
    if send.is_transactional or not channel.medium:
        return languages
    granted = may_contact(customers, channel.medium, send.purpose)
    return {customer_id: language for customer_id, language in languages.items() if customer_id in granted}


def _addresses(customers: Collection[int], channel: Channel) -> dict[int, str]:
    """Return where to write to, the first address told; of a platform whose ids a store keeps, of that store.

    A file names customers in its own way (`NAMED_BY`): who has no such name is not in it.
    """
    kind = str(channel.options.get(NAMED_BY, "")).partition("_")[0]
    if not kind and channel.medium in ADDRESSES:
        kind = ADDRESSES[Medium(channel.medium)]
    if not kind:
        return {}
    if kind == "code":
        return dict(Customer.objects.filter(pk__in=customers).values_list("pk", "code"))
    rows = Identifier.objects.filter(customer__in=customers, kind=kind).order_by("-id")
    if channel.options.get("store"):
        rows = rows.filter(store__code=channel.options["store"])
    return dict(rows.values_list("customer_id", "value"))


def _suppressed(addresses: dict[int, str], medium: str, *, is_transactional: bool) -> dict[str, str]:
    """Return addresses that are written to no more, with the reason. Who reported an advert as spam still gets a receipt."""
    if not addresses or not SuppressedAddress.objects.filter(medium=medium).exists():
        return {}
    digests = {suppressed_digest(medium, address): address for address in addresses.values()}
    rows = SuppressedAddress.objects.filter(medium=medium, digest__in=digests)
    if is_transactional:
        rows = rows.exclude(reason=SuppressedAddress.Reason.COMPLAINT)
    return {digests[told]: reason for told, reason in rows.values_list("digest", "reason")}


def _counted(
    customers: Collection[int], caps: Sequence[CapRule], *, now: datetime
) -> dict[int, list[Counted]]:
    # A calendar day of a customer may have begun a day before the shop's.
    since = now - timedelta(days=max(cap.days for cap in caps) + 1)
    found: dict[int, list[Counted]] = defaultdict(list)
    rows = Delivery.objects.filter(customer__in=customers, counted_at__gt=since)
    for who, at, medium, tag in rows.values_list("customer_id", "counted_at", "channel__medium", "send__tag"):
        if at is not None:
            found[who].append(Counted(at=at, medium=medium, tag=tag))
    return found
