"""What pages and programs read of messages and their deliveries."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.http import QueryDict

from regulars.messaging.labels import AT_START
from regulars.messaging.models import Cap, Channel, Delivery, QuietHours, Send, StaffTask, SuppressedAddress
from regulars.shop.models import Identifier
from regulars.shop.models.consents import Channel as Medium

State = Delivery.State
_LONGEST_ID = 19
SINGLE = "message"
"""The kind of source of messages to one customer, whose id is a `SingleMessage`'s."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """How many deliveries of a send share a state and a reason, and what they cost in minor units."""

    state: str
    reason: str
    deliveries: int
    cost_minor: Decimal

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to them by itself."""
        return self.state not in Delivery.UNDER_WAY


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """Where a send stands, as a count of its rows: of each customer's latest, but in `parts` and `cost_minor`.

    Attributes:
        total: Everybody decided on.
        under_way: Not final yet.
        reached: Accepted, and what became of that: the exposures.
        held_back: Suppressed, with a reason.
        failed: Failed and bounced.
        passed_on: Refused for good over one channel, and written anew over the next.
        uncertain: May have arrived.
        doubted: Reached, and perhaps twice.
        cost_minor: What it cost so far.
        parts: By state and reason, most first.
    """

    total: int
    under_way: int
    reached: int
    held_back: int
    failed: int
    passed_on: int
    uncertain: int
    doubted: int
    cost_minor: Decimal
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class DomainRow:
    """What became of the mails to one domain."""

    domain: str
    tries: int
    accepted: int
    bounced: int
    complained: int
    failed: int
    waiting: int


def sends() -> "QuerySet[Send]":
    """Return every send to many, latest first; what programs told one customer stands in that customer's story."""
    return Send.objects.exclude(kind=SINGLE).select_related("created_by").order_by("-id")


def funnels(send_ids: Collection[int]) -> dict[int, Funnel]:
    """Return where sends stand; two queries, the large one of which reads an index alone."""
    rows = (
        Delivery.objects.filter(send__in=send_ids)
        .values("send_id", "state", "reason")
        .annotate(
            many=Count("*"), cost=Sum("cost_minor"), doubted=Count("state", filter=Q(was_uncertain=True))
        )
    )
    parts: dict[int, list[Part]] = {send_id: [] for send_id in send_ids}
    doubted = dict.fromkeys(send_ids, 0)
    for row in rows:
        # What a final state was reached by is told; why one on its way waits, too. Of those who were reached there is none.
        reason = "" if row["state"] in Delivery.REACHED else row["reason"]
        parts[row["send_id"]].append(
            Part(
                state=row["state"],
                reason=reason,
                deliveries=row["many"],
                cost_minor=row["cost"] or Decimal(0),
            )
        )
        if row["state"] in Delivery.REACHED:
            doubted[row["send_id"]] += row["doubted"]
    passed = _passed_on(send_ids)
    return {
        send_id: _funnel(told, doubted[send_id], passed.get(send_id, {})) for send_id, told in parts.items()
    }


def _passed_on(send_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Return how many messages of each send were passed on, by the state that they ended in."""
    rows = Delivery.objects.filter(send__in=send_ids, instead_of__isnull=False)
    found: dict[int, dict[str, int]] = {}
    for send_id, state, many in rows.values_list("send_id", "instead_of__state").annotate(many=Count("*")):
        found.setdefault(send_id, {})[state] = many
    return found


def _merged(parts: Iterable[Part]) -> list[Part]:
    merged: dict[tuple[str, str], Part] = {}
    for one in parts:
        known = merged.get((one.state, one.reason))
        merged[one.state, one.reason] = (
            one
            if known is None
            else Part(
                state=one.state,
                reason=one.reason,
                deliveries=known.deliveries + one.deliveries,
                cost_minor=known.cost_minor + one.cost_minor,
            )
        )
    return sorted(merged.values(), key=lambda one: -one.deliveries)


def _funnel(parts: list[Part], doubted: int, passed: dict[str, int]) -> Funnel:
    merged = _merged(parts)

    def many(*states: str) -> int:
        rows = sum(one.deliveries for one in merged if one.state in states)
        return rows - sum(passed.get(state, 0) for state in states)

    return Funnel(
        total=sum(one.deliveries for one in merged) - sum(passed.values()),
        under_way=many(*Delivery.UNDER_WAY),
        reached=many(*Delivery.REACHED),
        held_back=many(State.SUPPRESSED),
        failed=many(State.FAILED, State.BOUNCED),
        passed_on=sum(passed.values()),
        uncertain=many(State.UNCERTAIN),
        doubted=doubted,
        cost_minor=sum((one.cost_minor for one in merged), Decimal(0)),
        parts=tuple(merged),
    )


def due_between(send_id: int, *, now: datetime) -> tuple[datetime, datetime] | None:
    """Return when the first and the last message of a send that waits for its time goes on; None where none does. Reads the index of what is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT min(first.due_at), max(last.due_at) FROM messaging_channel c
            CROSS JOIN LATERAL (
                SELECT due_at FROM messaging_delivery
                WHERE send_id = %(send)s AND channel_id = c.id AND state = 'pending' AND due_at > %(now)s
                ORDER BY due_at LIMIT 1
            ) AS first
            CROSS JOIN LATERAL (
                SELECT due_at FROM messaging_delivery
                WHERE send_id = %(send)s AND channel_id = c.id AND state = 'pending' AND due_at > %(now)s
                ORDER BY due_at DESC LIMIT 1
            ) AS last
            """,
            {"send": send_id, "now": now},
        )
        first, last = cursor.fetchone()
    return None if first is None else (first, last)


@dataclass(frozen=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries of a send: of a state, for a reason, over a channel; each empty for all."""

    state: str = ""
    reason: str = ""
    channel_id: int | None = None


def delivery_filter_of(query: QueryDict) -> DeliveryFilter:
    """Return the deliveries that an address asks for; what it cannot mean is left out."""
    state, channel = query.get("state", ""), query.get("channel", "")
    return DeliveryFilter(
        state=state if state in State.values else "",
        reason=query.get("reason", "").replace("\0", "")[:40],
        channel_id=int(channel) if channel.isdecimal() and len(channel) < _LONGEST_ID else None,
    )


def by_reason(parts: Iterable[Part]) -> list[Part]:
    """Return parts that share a state and what is said of their reason as one, most first."""
    return _merged(
        Part(
            state=one.state,
            reason=one.reason.removeprefix(AT_START),
            deliveries=one.deliveries,
            cost_minor=one.cost_minor,
        )
        for one in parts
    )


def deliveries(send_id: int, which: DeliveryFilter) -> "QuerySet[Delivery]":
    """Return deliveries of a send with customer, channel and what they stand in for, in the order they were decided on."""
    found = Delivery.objects.filter(send=send_id).select_related("customer", "channel", "instead_of__channel")
    if which.state:
        found = found.filter(state=which.state)
    if which.reason:
        found = found.filter(reason__in=(which.reason, f"{AT_START}{which.reason}"))
    if which.channel_id is not None:
        found = found.filter(channel=which.channel_id)
    return found.order_by("id")


def channels(*, only_active: bool = True) -> "QuerySet[Channel]":
    """Return the channels by name."""
    found = Channel.objects.all()
    return found.filter(is_active=True) if only_active else found


@dataclass(frozen=True, kw_only=True)
class Closed:
    """A channel over which nothing goes now: until when it rests, None for one that is out of use, and why, as it was kept."""

    channel: Channel
    until: datetime | None
    why: str


def closed_channels(channel_ids: Iterable[int], *, now: datetime) -> list[Closed]:
    """Return those of some channels over which nothing goes now, by name."""
    rows = Channel.objects.filter(pk__in=list(channel_ids)).filter(
        Q(is_active=False) | Q(closed_until__gt=now)
    )
    return [
        Closed(channel=row, until=row.closed_until if row.is_active else None, why=row.trouble)
        for row in rows
    ]


def caps() -> "QuerySet[Cap]":
    """Return the caps."""
    return Cap.objects.all()


def quiet_hours() -> "QuerySet[QuietHours]":
    """Return the quiet hours by channel."""
    return QuietHours.objects.all()


def suppressed_addresses() -> list[tuple[str, str, int]]:
    """Return how many addresses nothing goes to, by channel and reason, in words."""
    rows = (
        SuppressedAddress.objects.values_list("medium", "reason")
        .annotate(number=Count("pk"))
        .order_by("medium", "reason")
    )
    return [
        (str(Medium(medium).label), str(SuppressedAddress.Reason(reason).label), number)
        for medium, reason, number in rows
    ]


def open_tasks() -> "QuerySet[StaffTask]":
    """Return what staff are to do, what is due first, with customer, profile, send, channel and whose it is."""
    return (
        StaffTask.objects.filter(closed_at=None)
        .select_related("delivery__customer__profile", "delivery__send", "delivery__channel", "assignee")
        .order_by("due_at", "id")
    )


def closed_tasks() -> "QuerySet[StaffTask]":
    """Return what staff did, the latest first, as `open_tasks`, with who closed it."""
    return (
        StaffTask.objects.filter(closed_at__isnull=False)
        .select_related(
            "delivery__customer__profile", "delivery__send", "delivery__channel", "assignee", "closed_by"
        )
        .order_by("-closed_at", "-id")
    )


def audience(send_id: int, channel: Channel) -> Iterator[str]:
    """Yield the lines of an audience file: how a channel names each customer that it reached, once, in order.

    Who has no identifier of the kind that the channel asks for is not in it.
    """
    kind, _sep, hashed = str(channel.options["identifier"]).partition("_")
    reached = Delivery.objects.filter(send=send_id, channel=channel, state__in=Delivery.REACHED)
    if kind == "code":
        yield from reached.order_by("customer__code").values_list("customer__code", flat=True).iterator()
        return
    values = Identifier.objects.filter(customer__in=reached.values("customer"), kind=kind).order_by("value")
    for value in values.values_list("value", flat=True).distinct().iterator():
        yield sha256(value.encode()).hexdigest() if hashed else value


def domains(*, since: datetime, limit: int = 25) -> list[DomainRow]:
    """Return what became of the mails of a time by domain, those with most first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT split_part(d.address, '@', 2) AS domain, count(*),
                count(*) FILTER (WHERE d.state IN ('accepted', 'delivered')),
                count(*) FILTER (WHERE d.state = 'bounced'),
                count(*) FILTER (WHERE d.state = 'complained'),
                count(*) FILTER (WHERE d.state IN ('failed', 'uncertain')),
                count(*) FILTER (WHERE d.state IN ('pending', 'claimed', 'sending'))
            FROM messaging_delivery d JOIN messaging_channel c ON c.id = d.channel_id
            WHERE c.medium = 'email' AND d.attempts > 0 AND d.created_at >= %s AND d.address LIKE '%%@%%'
            GROUP BY domain ORDER BY count(*) DESC, domain LIMIT %s
            """,
            [since, limit],
        )
        names = ("domain", "tries", "accepted", "bounced", "complained", "failed", "waiting")
        return [DomainRow(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
