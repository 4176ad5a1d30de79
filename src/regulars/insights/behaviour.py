"""Behaviour as the churn alert reads it: who looked around, and who complained, on which day."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw

from regulars.analytics import facts
from regulars.insights.engines import Table, in_memory

TICKET = "Ticket Opened"
_TOLD_BY_OTHERS = (TICKET, "Survey Answered", "Coupon Redeemed")
"""Events that files bring in beside browsing: an answer, a ticket and a coupon are no visits."""


def seen(events: Table | None, *, every_nth: int = 1, until_day: int) -> dict[str, Table]:
    """Return `events` and `tickets`, what the churn alert reads beside orders; nothing where nothing was seen.

    Args:
        events: Facts `events`; None where there are none.
        every_nth: Every n-th customer.
        until_day: The last day.
    """
    if events is None:
        return {}
    known: nw.LazyFrame[Any] = nw.from_native(facts.until(events, as_of_day=until_day))
    if every_nth > 1:
        known = known.filter(nw.col("customer_id") % every_nth == 0)
    rows = known.to_native()
    return {"events": browsing(rows), "tickets": tickets(rows)}


def reaching_back(tables: Mapping[str, Table], *, to_day: int) -> dict[str, Table]:
    """Return in memory what was counted since before a day.

    Where counting began in between, everybody would seem to look around, or to complain, more than they used to.

    Args:
        tables: What `seen` returned.
        to_day: The first day that is looked at.
    """
    read = {name: in_memory(table) for name, table in tables.items()}
    since = {name: table["day"].min() for name, table in read.items()}
    return {
        name: read[name].lazy() for name, first in since.items() if isinstance(first, int) and first <= to_day
    }


def browsing(events: Table) -> Table:
    """Return customer_id and day of each visit of a known customer.

    Args:
        events: Facts `events`; visitors without a name have ids below 0.
    """
    return _known(events, ~nw.col("event").is_in(_TOLD_BY_OTHERS))


def tickets(events: Table) -> Table:
    """Return customer_id and day of each ticket that a known customer opened.

    Args:
        events: Facts `events`.
    """
    return _known(events, nw.col("event") == TICKET)


def _known(events: Table, which: nw.Expr) -> Table:
    rows: nw.LazyFrame[Any] = nw.from_native(events)
    return rows.filter(which & (nw.col("customer_id") > 0)).select("customer_id", "day").to_native()
