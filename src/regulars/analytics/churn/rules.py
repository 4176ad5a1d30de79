"""Who is watched, over which days, and when there is too little to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass

from regulars.analytics import arguments
from regulars.analytics.cycles import NotEnoughData as NoCycle
from regulars.analytics.cycles import StoreCycle

_LEAD_DAYS = 14
_HORIZON_DAYS = 28


@dataclass(frozen=True, kw_only=True)
class Active:
    """Whom an alert can be about: customers who have a habit and kept it until lately.

    Attributes:
        occasions: At least so many occasions in all.
        recent_occasions: At least so many of them lately.
        recent_days: Lately is the as-of day and the days before it, so many together.

    Raises:
        ArgumentError: A number has no meaning here.
    """

    occasions: int = 6
    recent_occasions: int = 4
    recent_days: int = 90

    def __post_init__(self) -> None:
        arguments.whole(self.occasions, name="Active.occasions", least=2)
        arguments.whole(self.recent_occasions, name="Active.recent_occasions", least=1, most=self.occasions)
        arguments.whole(self.recent_days, name="Active.recent_days", least=1, most=arguments.LAST_DAY)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How far an alert looks in a shop: what `fit` takes.

    Attributes:
        horizon_days: Whoever does not buy for so many days has left.
        active: Whom an alert can be about.
    """

    horizon_days: int
    active: Active


@dataclass(frozen=True, kw_only=True)
class NotEnoughData:
    """No model is told: too few customers left, or stayed, to learn what sets them apart.

    Attributes:
        customers: Different active customers on the as-of days.
        left: How many of them were seen leaving.
        stayed: How many were seen staying.
        needs_left: How many more have to be seen leaving.
        needs_stayed: How many more have to be seen staying.
    """

    customers: int
    left: int
    stayed: int
    needs_left: int
    needs_stayed: int


def pace(store: StoreCycle | NoCycle) -> Pace:
    """Return how far an alert should look in a shop with this cycle.

    Up to a cycle of 28 days, the glossary's: a horizon of 28 days and customers with 6 occasions, 4 of them in 90 days. In a
    slower shop hardly anybody would be active by that rule, and everybody would be leaving. There the horizon is one
    cycle, and active is who has 3 occasions, 2 of them in the last three cycles.

    Args:
        store: What `cycles.store` returned; with `NotEnoughData` the shop counts as a quick one.
    """
    if isinstance(store, NoCycle) or store.cycle_days <= _HORIZON_DAYS:
        return Pace(horizon_days=_HORIZON_DAYS, active=Active())
    return Pace(
        horizon_days=store.cycle_days,
        active=Active(occasions=3, recent_occasions=2, recent_days=3 * store.cycle_days),
    )


def as_of_days(  # noqa: PLR0913 - one for each side of the window
    *,
    first_day: int,
    last_day: int,
    lead_days: int = _LEAD_DAYS,
    horizon_days: int = _HORIZON_DAYS,
    active: Active | None = None,
    step_days: int = 14,
    most: int = 8,
) -> tuple[int, ...]:
    """Return as-of days to fit on: the latest whose outcome is known, and those every `step_days` before.

    Args:
        first_day: The first day of the record, days since 1970-01-01.
        last_day: The last day of the record.
        lead_days: As for `fit`.
        horizon_days: As for `fit`.
        active: As for `fit`; the first as-of day has the days on the record that make an active customer.
        step_days: Days from one to the next.
        most: At most so many.

    Returns:
        Rising days; empty when the record is too short.

    Raises:
        ArgumentError: A value has no meaning here.
    """
    arguments.day(first_day, name="first_day")
    arguments.day(last_day, name="last_day")
    arguments.whole(step_days, name="step_days", least=1)
    arguments.whole(most, name="most", least=1)
    latest = last_day + 1 - lead_days - horizon_days
    earliest = first_day + (active or Active()).recent_days - 1
    days = range(latest, earliest - 1, -step_days)[:most]
    return tuple(reversed(days))


def check_days(days: Sequence[int], *, lead_days: int, horizon_days: int) -> tuple[int, ...]:
    """Return the as-of days, rising.

    Raises:
        ArgumentError: There is none, one occurs twice or is no day, or a length has no meaning here.
    """
    arguments.whole(lead_days, name="lead_days", least=1)
    arguments.whole(horizon_days, name="horizon_days", least=1)
    if not days:
        raise arguments.ArgumentError(
            "as_of_days is empty, must have one or more days; churn.as_of_days proposes some",
            argument="as_of_days",
        )
    for day in days:
        arguments.day(day, name="as_of_days")
    if len(set(days)) < len(days):
        raise arguments.ArgumentError(
            f"as_of_days == {list(days)}, must not name a day twice", argument="as_of_days"
        )
    return tuple(sorted(days))
