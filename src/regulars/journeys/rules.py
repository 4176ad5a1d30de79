"""When a campaign begins and for whom, and what its figures are made of: without a database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# The first place on earth where a day begins is 14 hours ahead of UTC.
_FIRST_ZONE_HOURS = 14
LEFT_OUT, OTHER_ARM = "excluded", "other_arm"
AT_START = "start."
"""Reasons that begin so kept a customer out before it was drawn who is in the hold-out."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """When messages may begin: at an instant, or on a day at an hour of each customer's own clock."""

    at: datetime | None = None
    on_day: date | None = None
    clock: time | None = None

    def first(self, *, now: datetime) -> datetime:
        """Return when the first message may begin: for a local clock, where that day begins first on earth."""
        if self.on_day is not None and self.clock is not None:
            return datetime.combine(self.on_day, self.clock, tzinfo=UTC) - timedelta(hours=_FIRST_ZONE_HOURS)
        return self.at or now

    def due(self, *, zone: ZoneInfo, starts_at: datetime) -> datetime:
        """Return when a customer's message may begin; never before the start."""
        if self.on_day is not None and self.clock is not None:
            return max(datetime.combine(self.on_day, self.clock, tzinfo=zone), starts_at)
        return starts_at


def by_due(
    customers: Iterable[int], due: dict[int, datetime], *, otherwise: datetime
) -> dict[datetime, list[int]]:
    """Return customers by when theirs is due, in order."""
    found: dict[datetime, list[int]] = {}
    for who in customers:
        found.setdefault(due.get(who, otherwise), []).append(who)
    return dict(sorted(found.items()))
