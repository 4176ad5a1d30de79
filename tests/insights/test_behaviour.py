"""Behaviour as the churn alert reads it: visits and tickets apart, both learnt from; and what marks those who left."""

import json
from typing import Any

import polars as pl
import pytest

from regulars.analytics import cycles
from regulars.insights import behaviour, predictions
from regulars.insights.leaving import Looked
from tests.analytics.test_churn import LAST_DAY, shop

pytestmark = pytest.mark.unit


def named(table: pl.DataFrame, event: str) -> pl.DataFrame:
    return table.with_columns(event=pl.lit(event), customer_id=pl.col("customer_id") + 1)


def test_a_ticket_an_answer_and_a_coupon_are_no_visits_and_visitors_without_a_name_are_nobody() -> None:
    names = ("Product Viewed", "Ticket Opened", "Survey Answered", "Coupon Redeemed", "Product Viewed")
    events = pl.LazyFrame({"customer_id": [1, 2, 3, 4, -5], "day": [10, 11, 12, 13, 14], "event": names})

    assert behaviour.browsing(events).collect().rows() == [(1, 10)]
    assert behaviour.tickets(events).collect().rows() == [(2, 11)]


def test_the_alert_learns_from_tickets_that_reach_back_and_its_reasons_name_them() -> None:
    tables = shop()
    orders = tables["orders"].with_columns(customer_id=pl.col("customer_id") + 1).lazy()
    tickets = named(tables["tickets"], behaviour.TICKET)
    events = pl.concat([tickets, named(tables["events"], "Product Viewed")]).lazy()
    lines = tables["lines"].with_columns(
        customer_id=pl.col("customer_id") + 1, quantity=1.0, amount_minor=500, is_valid=True
    )
    products = pl.LazyFrame({"product_id": range(50), "category": ["rare", *["usual"] * 49]})
    store = cycles.store(orders, as_of_day=LAST_DAY)

    def learn(events: pl.LazyFrame) -> dict[str, Any]:
        return predictions.learn(
            orders,
            lines=lines.lazy(),
            products=products,
            events=events,
            as_of_day=LAST_DAY,
            store=store,
            buyers=300,
        )

    learnt = learn(events)
    told = predictions.observe(orders, events=events, learnt=learnt, as_of_day=LAST_DAY).collect()

    assert learnt["churn"]["weights"]["tickets"] > 0
    assert learnt["churn"]["weights"].keys() >= {"silence", "tickets"}
    assert told["reasons"].drop_nulls().str.contains('"code":"tickets"').any()
    # Where counting began only lately, everybody would seem to complain more than they used to.
    lately = events.filter((pl.col("event") != behaviour.TICKET) | (pl.col("day") > LAST_DAY - 60))
    again = learn(lately)
    assert "tickets" not in again["churn"]["weights"]
    # The same holds for what marks those who left. It is kept as JSON and comes back as it was.
    assert "ticket" not in {one["kind"] for one in again["leaving"]["found"]}
    looked = Looked.read(json.loads(json.dumps(learnt["leaving"])))
    assert {one.kind for one in looked.found} == {"stage", "category", "ticket"}
    assert looked.count == len(looked.found)
    (complained,) = (one for one in looked.marks if one.kind == "ticket")
    assert 0 < complained.low < complained.difference < complained.high
