"""The next purchase (下次购买日): the day to expect each customer again, with an interval that four in five keep."""

from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT
from numpy.typing import NDArray

from regulars.analytics import arguments, facts, frames, in_memory, occasions
from regulars.analytics.cycles import CYCLE_DAYS, LAST_DAY, StoreCycle
from regulars.analytics.facts import Column

_POINTS = 101
_BIN = 100
"""Waits are counted to a hundredth of what was expected."""

_LEAST = 30
_RARE = 0.02
"""Who has waited longer than all but so many ever did is not given a day."""

_EXPECTED = (
    facts.CUSTOMERS.column("customer_id"),
    replace(LAST_DAY, meaning="day of the last purchase; null without one", nullable=True),
    CYCLE_DAYS,
    Column(
        name="silence_days",
        dtype=nw.Int64,
        kind=facts.NUMBER,
        meaning="days waited so far; null without a purchase",
        nullable=True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Waits:
    """How long those who came again had waited, as a share of what was expected of them.

    Attributes:
        points: The 0 %, 1 %, ... 100 % points of that share.
        customers: Customers it rests on, each with one wait.
    """

    points: tuple[float, ...]
    customers: int


def learn(orders: IntoFrame, *, as_of_day: int, store: StoreCycle, prior_intervals: int = 3) -> Waits | None:
    """Return how waits compare with expectations in this shop.

    Of each customer the last interval counts, beside what `cycles.customers` would have expected from the intervals
    before it: the mean of the store's cycle, counted `prior_intervals` times, and the median of those, counted as often
    as there are. So each wait is held against an expectation that did not know it.

    Args:
        orders: Facts `orders`: customer_id and day.
        as_of_day: No order may lie after it, days since 1970-01-01.
        store: The store's cycle.
        prior_intervals: As for `cycles.customers`.

    Returns:
        The distribution; None below 30 customers who came again.

    Raises:
        FactsError: The orders break their contract.
        ArgumentError: A value has no meaning here.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(prior_intervals, name="prior_intervals", least=1)
    opened = facts.open_orders(orders, uses=("customer_id", "day"), as_of_day=as_of_day)
    dated = occasions.with_previous(occasions.of_orders(opened.frame)).with_columns(
        (nw.col("day") - nw.col("previous_day")).cast(nw.Float64).alias("wait"),
        (nw.col("day") == nw.col("day").max().over("customer_id")).alias("is_last"),
    )
    earlier = nw.when(~nw.col("is_last")).then(nw.col("wait"))
    customers = dated.group_by("customer_id").agg(
        nw.when(nw.col("is_last")).then(nw.col("wait")).max().alias("wait"),
        earlier.median().alias("own"),
        nw.len().cast(nw.Float64).alias("occasions"),
    )
    known = nw.col("occasions") - 2
    expected = (prior_intervals * store.cycle_days + known * nw.col("own").fill_null(0.0)) / (
        prior_intervals + known
    )
    counted = (
        customers.filter(nw.col("occasions") > 1)
        .with_columns((nw.col("wait") / expected * _BIN + 0.5).floor().cast(nw.Int64).alias("share"))
        .group_by("share")
        .agg(nw.len().cast(nw.Int64).alias("customers"))
    )
    (settled,) = opened.settle(counted)
    found = in_memory.arrays(settled)
    total = int(found["customers"].sum()) if len(found["customers"]) else 0
    if total < _LEAST:
        return None
    order = np.argsort(found["share"])
    share = found["share"][order] / _BIN
    # The middle of what each share holds: the distribution between two shares is a line.
    below = (np.cumsum(found["customers"][order]) - found["customers"][order] / 2) / total
    points = np.interp(np.linspace(0, 1, _POINTS), below, share)
    return Waits(points=tuple(points.tolist()), customers=total)


def expect(customers: IntoFrameT, waits: Waits, *, coverage: float = 0.8) -> IntoFrameT:
    """Return when each customer is expected to buy again, given how long they have waited already.

    Of those who came again after as long a silence, measured in their own cycles, half came by `next_day`, and
    `coverage` of them between the other two days. Whether the customer comes at all is another question: P(alive).

    Args:
        customers: customer_id, last_day, cycle_days (of `cycles.customers`), silence_days (waited so far).
        waits: What `learn` returned.
        coverage: Share of returns inside the interval.

    Returns:
        One row for each customer: customer_id, next_from_day, next_day, next_until_day. Null without a last day or
        a cycle, and for a silence that less than one in fifty of those who came again ever kept.

    Raises:
        FactsError: The table breaks its contract.
        ArgumentError: `coverage` is no share.
    """
    if not 0 < coverage < 1:
        message = f"coverage == {coverage!r}, must be a share between 0 and 1 such as .8"
        raise arguments.ArgumentError(message, argument="coverage")
    opened = facts.open_table(customers, name="customers", columns=_EXPECTED, grain="customer_id")
    (settled,) = opened.settle(opened.frame.with_columns(nw.col("last_day", "silence_days").cast(nw.Float64)))
    found = in_memory.arrays(settled)
    cycle = found["cycle_days"].astype(np.float64)
    waited = found["silence_days"].astype(np.float64) / np.where(cycle > 0, cycle, np.nan)
    levels = np.linspace(0, 1, _POINTS)
    points = np.maximum.accumulate(np.array(waits.points) + np.arange(_POINTS) * 1e-9)
    passed = np.interp(waited, points, levels)
    is_known = np.isfinite(waited) & (1 - passed >= _RARE)
    days: dict[str, NDArray[np.float64]] = {}
    for name, level in (("from", (1 - coverage) / 2), ("", 0.5), ("until", (1 + coverage) / 2)):
        at = np.interp(passed + (1 - passed) * level, levels, points) * cycle
        # Tomorrow is the earliest day that is still to come.
        days[name] = found["last_day"].astype(np.float64) + np.maximum(
            np.round(at), found["silence_days"].astype(np.float64) + 1
        )
    named = {
        "customer_id": found["customer_id"],
        **{
            ("next_day" if not name else f"next_{name}_day"): np.where(is_known, values, np.nan)
            for name, values in days.items()
        },
    }
    result = in_memory.beside(settled, named).select(
        "customer_id",
        *(
            nw.when(~nw.col(name).is_nan()).then(nw.col(name)).cast(nw.Int32).alias(name)
            for name in ("next_from_day", "next_day", "next_until_day")
        ),
    )
    return frames.like(customers, result, grain=("customer_id",))
