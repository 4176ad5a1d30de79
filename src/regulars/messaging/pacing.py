"""How fast a channel may go: so many a minute, so many to one domain, and few on the first days of a new sender.

What goes is counted in the period in which it goes. What finds no room waits for a later period, so that it is looked at once more
and not every minute. How many wait for which period is a plan and takes no room: room that is left by who is cancelled or held
back is anybody's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from regulars.messaging.models import Channel, Delivery, Pace

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
# After doubling so often a warm-up allows more than anybody sends.
_WARM_UP_DAYS = 24


@dataclass(frozen=True, kw_only=True)
class Asks:
    """A message that wants to go.

    Attributes:
        domain: Of its address; "" where there is none.
        waited: Its period has come: where others took the room, it waits for the next one, not behind everybody.
        is_transactional: It has to be said: it waits for no day of a warm-up, and for a minute no longer than the next.
        until: After that it is not sent any more; None for no end.
    """

    domain: str
    waited: bool
    is_transactional: bool
    until: datetime | None


def is_paced(channel: Channel) -> bool:
    """Return whether a channel has a limit at all."""
    return bool(channel.per_minute or channel.domain_per_minute or channel.warm_up_first)


def book(
    messages: Sequence[Asks], *, channel: Channel, zone: ZoneInfo, now: datetime
) -> list[datetime | None]:
    """Count the messages that have room now, and plan when the others are looked at again; return None for now, or when.

    Needs the transaction that locked the channel.

    Args:
        messages: In the order in which they are to go.
        channel: Locked.
        zone: Whose days the warm-up counts.
        now: When.
    """
    minute = now.replace(second=0, microsecond=0)
    rates: list[_Counter] = []
    if channel.per_minute:
        rates.append(_minutes(channel, "", channel.per_minute, start=minute))
    days = _days(channel, zone=zone, now=now)
    domains = {
        domain: _minutes(channel, domain, channel.domain_per_minute, start=minute)
        for domain in sorted({one.domain for one in messages} - {""})
        if channel.domain_per_minute
    }
    booked: list[datetime | None] = []
    for one in messages:
        counters = [*rates, *days, *([domains[one.domain]] if one.domain in domains else [])]
        holding = [each for each in counters if not each.has_room()]
        if one.is_transactional:
            holding = [each for each in holding if not each.is_day]
        if not holding:
            for each in counters:
                each.used += 1
            booked.append(None)
            continue
        place = max(each.place(one) for each in holding)
        if one.until is not None and place >= one.until:
            place = one.until
        else:
            for each in holding:
                each.keep(one)
        booked.append(place)
    for each in (*rates, *days, *domains.values()):
        each.save()
    return booked


def room(channel: Channel, *, zone: ZoneInfo, now: datetime, until: datetime) -> int | None:
    """Return how many messages a channel may begin between two instants by its own limits; None where it has none for all.

    What it is given by others meanwhile is not looked at, nor are limits of a domain.
    """
    found = []
    if channel.per_minute:
        found.append(int((until - now) / _MINUTE) * channel.per_minute)
    for counter in _days(channel, zone=zone, now=now):
        many, at = -counter.used, counter.start
        while at < until:
            many, at = many + counter.limit(at), counter.step(at)
        found.append(many)
    return max(min(found), 0) if found else None


def plan_anew(channel_ids: Sequence[int], *, now: datetime) -> None:
    """Look again at all that waits for room of some channels: some of what was before it goes no more."""
    Pace.objects.filter(channel__in=channel_ids, begins_at__gt=now).update(planned=0)
    Delivery.objects.filter(
        channel__in=channel_ids, state=Delivery.State.PENDING, reason="pace", due_at__gt=now
    ).update(due_at=now, reason="")


def forget_old(*, now: datetime) -> None:
    """Forget how fast channels were days ago."""
    Pace.objects.filter(begins_at__lt=now - 3 * _DAY).delete()


@dataclass(kw_only=True)
class _Counter:
    """Periods of a channel, or of a domain of it: what went in the present one, and how many wait for the later ones."""

    channel: Channel
    domain: str
    is_day: bool
    start: datetime
    step: Callable[[datetime], datetime]
    limit: Callable[[datetime], int]
    used: int = field(init=False)
    displaced: int = field(init=False, default=0)
    at: datetime = field(init=False)
    planned: int = field(init=False)
    plans: dict[datetime, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        rows = Pace.objects.filter(channel=self.channel, domain=self.domain, is_day=self.is_day)
        self.used = rows.filter(begins_at=self.start).values_list("used", flat=True).first() or 0
        latest = rows.filter(begins_at__gt=self.start, planned__gt=0).order_by("-begins_at").first()
        self.at, self.planned = (latest.begins_at, latest.planned) if latest else (self.step(self.start), 0)

    def has_room(self) -> bool:
        return self.used < self.limit(self.start)

    def place(self, one: Asks) -> datetime:
        """Return when a message that has no room now is looked at again."""
        if self._goes_next(one):
            return self.step(self.start)
        while self.planned >= self.limit(self.at):
            self.at, self.planned = self.step(self.at), 0
        return self.at

    def keep(self, one: Asks) -> None:
        """Keep the place that `place` told."""
        if self._goes_next(one):
            self.displaced += 1
        else:
            self.planned += 1
            self.plans[self.at] = self.planned

    def save(self) -> None:
        Pace.objects.bulk_create(
            [self._row(self.start, used=self.used)],
            update_conflicts=True,
            unique_fields=["channel", "is_day", "begins_at", "domain"],
            update_fields=["used"],
        )
        Pace.objects.bulk_create(
            [self._row(at, planned=planned) for at, planned in self.plans.items()],
            update_conflicts=True,
            unique_fields=["channel", "is_day", "begins_at", "domain"],
            update_fields=["planned"],
        )

    def _goes_next(self, one: Asks) -> bool:
        """Whether a message comes before who is planned. More than go in a period would be looked at in each of them for nothing."""
        return (one.waited or one.is_transactional) and self.displaced < self.limit(self.start)

    def _row(self, at: datetime, *, used: int = 0, planned: int = 0) -> Pace:
        return Pace(
            channel=self.channel,
            domain=self.domain,
            is_day=self.is_day,
            begins_at=at,
            used=used,
            planned=planned,
        )


def _minutes(channel: Channel, domain: str, limit: int, *, start: datetime) -> _Counter:
    return _Counter(
        channel=channel, domain=domain, is_day=False, start=start, step=lambda at: at + _MINUTE, limit=lambda _at: limit
    )  # fmt: skip


def _days(channel: Channel, *, zone: ZoneInfo, now: datetime) -> list[_Counter]:
    """Return the counter of a channel's warm-up, if it has one."""
    if not (channel.warm_up_first and channel.warm_up_from):
        return []
    begun, first = channel.warm_up_from, channel.warm_up_first

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=zone)

    def of_day(at: datetime) -> int:
        day = (at.astimezone(zone).date() - begun).days
        return int(first * 2 ** min(max(day, 0), _WARM_UP_DAYS))

    return [
        _Counter(
            channel=channel, domain="", is_day=True, start=midnight(now.astimezone(zone).date()),
            step=lambda at: midnight(at.astimezone(zone).date() + _DAY), limit=of_day,
        )
    ]  # fmt: skip
