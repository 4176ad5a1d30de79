"""Characteristics of those who left (流失特征): looked for once a week, with all else that is learnt of the shop."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import narwhals as nw

from regulars.analytics import churn, cycles
from regulars.analytics.churn import Characteristic
from regulars.insights import behaviour
from regulars.insights.engines import Table, in_memory

MOST = 200
"""So many are kept, the most certain first."""

_LEAD_DAYS = 14
_LINES = ("customer_id", "product_id", "day", "quantity", "amount_minor", "is_valid")


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was looked at, and what was found.

    Attributes:
        as_of_day: The last day of the record.
        as_of_days: The days in the past looked back from; empty where the record is too short.
        lead_days: Who leaves is told so many days before the horizon begins.
        horizon_days: Whoever does not buy for so many days has left.
        recent_days: Lately: so many days up to the as-of day.
        needs_days: Days of orders that one day to look back from takes.
        every_nth: Of a large shop every n-th customer is looked at.
        count: How many characteristics enough customers had, and lacked, to be looked at.
        found: The most certain of them, at most `MOST`.
    """

    as_of_day: int
    as_of_days: tuple[int, ...]
    lead_days: int
    horizon_days: int
    recent_days: int
    needs_days: int
    every_nth: int
    count: int
    found: tuple[Characteristic, ...]

    @property
    def marks(self) -> tuple[Characteristic, ...]:
        """Those that set customers who left apart by more than chance explains."""
        return tuple(one for one in self.found if one.marks)

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Self:
        """Return what `look` returned."""
        found = tuple(Characteristic(**one) for one in content["found"])
        return cls(**{**content, "as_of_days": tuple(content["as_of_days"]), "found": found})


def watch(
    orders: Table, *, store: cycles.StoreCycle | cycles.NotEnoughData, as_of_day: int
) -> tuple[churn.Pace, tuple[int, ...]]:
    """Return whom an alert is about and how far it looks, and the days in the past that show who left.

    Args:
        orders: Facts `orders` until `as_of_day`; at least one.
        store: The store's cycle on that day.
        as_of_day: The last day of the record.
    """
    pace = churn.pace(store)
    first = in_memory(nw.from_native(orders).select(nw.col("day").min()).to_native())["day"][0]
    days = churn.as_of_days(
        first_day=int(first),
        last_day=as_of_day,
        lead_days=_LEAD_DAYS,
        horizon_days=pace.horizon_days,
        active=pace.active,
    )
    return pace, days


def look(  # noqa: PLR0913  what is looked at
    orders: Table,
    *,
    lines: Table,
    products: Table,
    tickets: Table | None,
    store: cycles.StoreCycle | cycles.NotEnoughData,
    as_of_day: int,
    every_nth: int = 1,
) -> dict[str, Any]:
    """Return what marks those who left, as the fields of `Looked`, for JSON.

    Args:
        orders: Facts `orders` of every n-th customer until `as_of_day`, in memory by Polars.
        lines: Facts `lines` of everybody until then.
        products: Facts `products`.
        tickets: Tickets of every n-th customer; None where none were counted.
        store: The store's cycle on that day.
        as_of_day: The last day of the record.
        every_nth: Which customers are looked at.
    """
    pace, days = watch(orders, store=store, as_of_day=as_of_day)
    lately = pace.active.recent_days
    found: tuple[Characteristic, ...] = ()
    if days:
        window: nw.LazyFrame[Any] = nw.from_native(lines)
        bought = window.filter(
            (nw.col("day") > days[0] - max(lately, 4 * pace.horizon_days))
            & (nw.col("customer_id") % every_nth == 0)
        ).select(*_LINES)
        told = behaviour.reaching_back(
            {} if tickets is None else {"tickets": tickets}, to_day=days[0] - lately
        )
        found = churn.characteristics(
            orders,
            as_of_days=days,
            lines=in_memory(bought.to_native()).lazy(),
            products=in_memory(products).lazy(),
            tickets=told.get("tickets"),
            lead_days=_LEAD_DAYS,
            horizon_days=pace.horizon_days,
            active=pace.active,
            last_day=as_of_day,
            cycle_days=store.cycle_days if isinstance(store, cycles.StoreCycle) else None,
        )
    looked = Looked(
        as_of_day=as_of_day,
        as_of_days=days,
        lead_days=_LEAD_DAYS,
        horizon_days=pace.horizon_days,
        recent_days=lately,
        needs_days=lately + _LEAD_DAYS + pace.horizon_days,
        every_nth=every_nth,
        count=len(found),
        found=found[:MOST],
    )
    return asdict(looked)
