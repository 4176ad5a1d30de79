"""Behaviour as the churn alert reads it: who looked around, and who complained, on which day."""

from typing import Any

import narwhals as nw

from regulars.insights.engines import Table

TICKET = "Ticket Opened"
_TOLD_BY_OTHERS = (TICKET, "Survey Answered", "Coupon Redeemed")
"""Events that files bring in beside browsing: an answer, a ticket and a coupon are no visits."""


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
