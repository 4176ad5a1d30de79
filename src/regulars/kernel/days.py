"""Business days: integers since 1970-01-01 in the merchant's time zone."""

from datetime import UTC, date, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from regulars.kernel.errors import RegularsError

_EPOCH = date(1970, 1, 1)


class UnknownTimeZoneError(RegularsError):
    """The name is not in the IANA time zone database."""

    code: ClassVar[str] = "unknown_time_zone"


def day_of_date(value: date) -> int:
    """Return the day number of a calendar date (1970-01-01 is 0)."""
    return (value - _EPOCH).days


def date_of_day(day: int) -> date:
    """Return the calendar date of a day number."""
    return _EPOCH + timedelta(days=day)


def day_of_instant(at: datetime, zone: ZoneInfo) -> int:
    """Return the business day on which an aware instant falls.

    Args:
        at: An aware datetime in any zone.
        zone: The merchant's time zone, which decides where midnight is.
    """
    return day_of_date(at.astimezone(zone).date())


def start_of_day(day: int, zone: ZoneInfo) -> datetime:
    """Return the first instant of a business day, in UTC. A day is `[start, start of the next)`."""
    return datetime.combine(date_of_day(day), datetime.min.time(), tzinfo=zone).astimezone(UTC)


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name such as `Asia/Shanghai`.

    Raises:
        UnknownTimeZoneError: The name is not an IANA time zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"time zone {name!r} is not known; use an IANA name such as Asia/Shanghai"
        raise UnknownTimeZoneError(message, time_zone=name) from error
