"""How fast a channel may go: so many a minute, so many to one domain, and few on the first days of a new sender."""

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from regulars.messaging.models import Channel, Pace

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
# After doubling so often a warm-up allows more than anybody sends.
_WARM_UP_DAYS = 24


def is_paced(channel: Channel) -> bool:
    """Return whether a channel has a limit at all."""
    return bool(channel.per_minute or channel.domain_per_minute or channel.warm_up_first)


def book(domains: Sequence[str], *, channel: Channel, zone: ZoneInfo, now: datetime) -> list[datetime | None]:
    """Book a place for each message, in order, and return when it may go, None for now.

    What has no place now is booked in the first minute, or on the first day, that has room, so that it is looked at once more
    and not every minute. Needs the transaction that locked the channel.

    Args:
        domains: One for each message; "" where there is none.
        channel: Locked.
        zone: Whose days the warm-up counts.
        now: When.
    """
    minute = now.replace(second=0, microsecond=0)
    times: list[datetime] = [now] * len(domains)

    def keep(booked: Sequence[datetime], of: Sequence[int]) -> None:
        for index, at in zip(of, booked, strict=True):
            times[index] = max(times[index], at)

    everything = range(len(domains))
    if channel.per_minute:
        limit = channel.per_minute
        keep(
            _places(channel, "", len(domains), start=minute, step=_minute_later, limit=lambda _at: limit),
            everything,
        )
    if channel.warm_up_first and channel.warm_up_from:
        begun, first = channel.warm_up_from, channel.warm_up_first
        today = datetime.combine(now.astimezone(zone).date(), time(), tzinfo=zone)

        def of_day(at: datetime) -> int:
            day = (at.astimezone(zone).date() - begun).days
            return int(first * 2 ** min(max(day, 0), _WARM_UP_DAYS))

        def next_day(at: datetime) -> datetime:
            return datetime.combine(at.astimezone(zone).date() + _DAY, time(), tzinfo=zone)

        keep(
            _places(channel, "", len(domains), start=today, step=next_day, limit=of_day, is_day=True),
            everything,
        )
    if channel.domain_per_minute:
        of_domain = channel.domain_per_minute
        for domain in sorted(set(domains) - {""}):
            which = [index for index, told in enumerate(domains) if told == domain]
            keep(
                _places(
                    channel, domain, len(which), start=minute, step=_minute_later, limit=lambda _at: of_domain
                ),
                which,
            )
    return [None if at <= now else at for at in times]


def is_booked(due_at: datetime, *, now: datetime) -> bool:
    """Return whether a message that was booked for this minute, or the one before, goes now: later it needs another place."""
    return due_at >= now - 2 * _MINUTE


def forget_old(*, now: datetime) -> None:
    """Forget how fast channels were days ago."""
    Pace.objects.filter(begins_at__lt=now - 3 * _DAY).delete()


def _minute_later(at: datetime) -> datetime:
    return at + _MINUTE


def _places(  # noqa: PLR0913  a channel's counter, and how it counts
    channel: Channel,
    domain: str,
    many: int,
    *,
    start: datetime,
    step: Callable[[datetime], datetime],
    limit: Callable[[datetime], int],
    is_day: bool = False,
) -> list[datetime]:
    """Count messages into the latest period that has any, and the ones after it, and return when each begins."""
    latest = Pace.objects.filter(channel=channel, domain=domain, is_day=is_day, begins_at__gte=start)
    row = latest.order_by("-begins_at").first()
    at, used = (row.begins_at, row.used) if row else (start, 0)
    places: list[datetime] = []
    filled: dict[datetime, int] = {}
    while len(places) < many:
        taken = min(max(limit(at) - used, 0), many - len(places))
        places += [at] * taken
        if taken:
            filled[at] = used + taken
        if len(places) < many:
            at, used = step(at), 0
    Pace.objects.bulk_create(
        [
            Pace(channel=channel, domain=domain, is_day=is_day, begins_at=begins_at, used=total)
            for begins_at, total in filled.items()
        ],
        update_conflicts=True,
        unique_fields=["channel", "is_day", "begins_at", "domain"],
        update_fields=["used"],
    )
    return places
