"""When a message may go: caps and quiet hours, worked out of what is known, without a database."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class CapRule:
    """At most `most` messages of a medium and tag ("" for all) in `days`: calendar days of the customer, or spans of 24 hours."""

    medium: str
    tag: str
    most: int
    days: int
    is_rolling: bool


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A message that uses up caps, since `at`."""

    at: datetime
    medium: str
    tag: str


def room_at(  # noqa: PLR0913  a message, what was said before, and when it is
    *,
    caps: Iterable[CapRule],
    counted: Sequence[Counted],
    medium: str,
    tag: str,
    zone: ZoneInfo,
    now: datetime,
) -> datetime | None:
    """Return when the caps have room for one more message, if nothing else is sent until then; None for now.

    Args:
        caps: All caps; those of another medium or tag do not matter.
        counted: What was sent to this customer, in any order.
        medium: Of the message.
        tag: Of the message.
        zone: The customer's.
        now: The present.
    """
    waits = [
        at
        for cap in caps
        if cap.medium in ("", medium) and cap.tag in ("", tag)
        if (at := _room_of(cap, counted, zone)) is not None and at > now
    ]
    return max(waits, default=None)


def _room_of(cap: CapRule, counted: Sequence[Counted], zone: ZoneInfo) -> datetime | None:
    """Return when so few count that one more fits: when the `most`-th latest leaves the window."""
    times = sorted(
        (one.at for one in counted if cap.medium in ("", one.medium) and cap.tag in ("", one.tag)),
        reverse=True,
    )
    if len(times) < cap.most:
        return None
    leaving = times[cap.most - 1]
    if cap.is_rolling:
        return leaving + timedelta(days=cap.days)
    day = leaving.astimezone(zone).date() + timedelta(days=cap.days)
    return datetime.combine(day, time(), tzinfo=zone)


def quiet_until(*, begins: time, ends: time, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return when the quiet hours end in which `now` falls by the customer's clock; None outside them."""
    local = now.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    is_over_midnight = ends < begins
    is_quiet = clock >= begins or clock < ends if is_over_midnight else begins <= clock < ends
    if not is_quiet:
        return None
    day = local.date() + timedelta(days=1 if is_over_midnight and clock >= begins else 0)
    return datetime.combine(day, ends, tzinfo=zone)


def backoff(schedule: Sequence[timedelta], attempts: int, *, token: str) -> timedelta | None:
    """Return how long to wait after so many tries, up to a tenth longer by the token, so that not all come at once.

    None after the last try.
    """
    if attempts > len(schedule):
        return None
    spread = int(hashlib.sha256(token.encode()).hexdigest()[:4], 16) / 0xFFFF
    return schedule[attempts - 1] * (1 + 0.1 * spread)
