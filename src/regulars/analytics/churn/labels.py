"""What is called leaving: no valid order in [as-of day + lead, as-of day + lead + horizon)."""

from collections.abc import Sequence

import narwhals as nw

from regulars.analytics import arguments
from regulars.analytics.frames import Lazy


def with_outcome(seen: Lazy, occasions: Lazy, *, start_day: int, horizon_days: int) -> Lazy:
    """Add `left`: 1 for customers without an occasion in [start_day, start_day + horizon_days), else 0."""
    returned = (
        occasions.filter((nw.col("day") >= start_day) & (nw.col("day") < start_day + horizon_days))
        .group_by("customer_id")
        .agg(nw.col("day").min().alias("returned_day"))
    )
    left = nw.col("returned_day").is_null().cast(nw.Int64)
    return seen.join(returned, on="customer_id", how="left").with_columns(left.alias("left"))


def check_outcome(
    days: Sequence[int], ahead: int, latest_order_day: int | None, last_day: int | None
) -> None:
    """Check that the record goes on long enough after the last as-of day.

    Args:
        days: As-of days, rising.
        ahead: Lead and horizon together.
        latest_order_day: The last day with an order; None: there is none.
        last_day: The last complete day where the caller knows it.

    Raises:
        ArgumentError: The outcome of the last as-of day is not known yet.
    """
    end = latest_order_day if last_day is None else arguments.day(last_day, name="last_day")
    if end is not None and days[-1] + ahead - 1 > end:
        raise arguments.ArgumentError(
            f"as_of_days has {days[-1]}, whose outcome is known after {days[-1] + ahead - 1}, but the record ends "
            f"on {end}; leave it out, or set last_day to the last complete day",
            argument="as_of_days",
        )
