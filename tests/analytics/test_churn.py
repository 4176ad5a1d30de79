import numpy as np
import polars as pl
import pytest

from regulars.analytics import churn, facts
from regulars.analytics.churn import Model

pytestmark = pytest.mark.unit

LAST_DAY = 400
DAYS = (200, 214, 228, 242, 256, 270, 284, 298)
Tables = dict[str, pl.DataFrame]


def shop(*, customers: int = 400, seed: int = 7) -> Tables:
    """A shop of regulars of whom some leave, having browsed less and complained more in the weeks before."""
    rng = np.random.default_rng(seed)
    orders, events, tickets = [], [], []
    for customer in range(customers):
        gap = rng.uniform(3, 20)
        leaves = rng.integers(150, 400) if rng.random() < 0.6 else LAST_DAY + 1
        day = rng.uniform(0, 20)
        while day < min(leaves, LAST_DAY):
            orders.append((customer, int(day), int(rng.integers(500, 9_000))))
            day += rng.exponential(gap)
        for day in range(LAST_DAY):
            keen = 0.5 if day < leaves - 30 else 0.05 if day < leaves else 0.0
            if rng.random() < keen:
                events.append((customer, day))
            if rng.random() < (0.003 if day < leaves - 40 else 0.02 if day < leaves else 0.0):
                tickets.append((customer, day))
    orders.append((0, LAST_DAY, 100))
    days = {"customer_id": pl.Int64, "day": pl.Int32}
    bought = pl.DataFrame(orders, schema=days | {"amount_minor": pl.Int64}, orient="row")
    return {
        "orders": bought.with_row_index("order_id").cast({"order_id": pl.Int64}),
        "lines": bought.select("customer_id", "day", product_id=pl.col("amount_minor") % 50),
        "events": pl.DataFrame(events, schema=days, orient="row"),
        "tickets": pl.DataFrame(tickets, schema=days, orient="row"),
    }


@pytest.fixture(scope="module")
def tables() -> Tables:
    return shop()


def fitted(tables: Tables, *, days: tuple[int, ...] = DAYS, minimum_left: int = 50) -> Model:
    found = churn.fit(**tables, as_of_days=days, minimum_left=minimum_left)
    assert isinstance(found, Model)
    return found


@pytest.fixture(scope="module")
def model(tables: Tables) -> Model:
    return fitted(tables)


def until(tables: Tables, day: int) -> Tables:
    return {name: facts.until(table, as_of_day=day) for name, table in tables.items()}


def test_what_happens_after_the_as_of_day_does_not_change_a_score(tables: Tables, model: Model) -> None:
    before = churn.score(model, **until(tables, 312), as_of_day=312)

    # The leak: everybody who comes later comes every day, everybody else never.
    planted = {
        name: table.with_columns(day=pl.when(pl.col("day") > 312).then(pl.lit(313)).otherwise("day")).cast(
            {"day": pl.Int32}
        )
        for name, table in tables.items()
    }

    assert churn.score(model, **until(planted, 312), as_of_day=312).equals(before)
    with pytest.raises(facts.FutureDayError, match=r"orders\.day"):
        churn.score(model, **planted, as_of_day=312)


def test_learning_sees_of_later_days_only_who_came_within_the_horizon(tables: Tables) -> None:
    """Days between the as-of day and the horizon, and after it, are moved about: the model stays."""
    first = fitted(tables, days=(300,), minimum_left=10)
    day = pl.col("day")
    moved = {
        name: table.with_columns(
            day=pl.when(day.is_between(301, 313)).then(301).when(day > 341).then(399).otherwise(day)
        ).cast({"day": pl.Int32})
        for name, table in tables.items()
    }
    # Inside the horizon it counts whether somebody came, not when.
    moved = {
        name: table.with_columns(day=pl.when(day.is_between(314, 341)).then(320).otherwise(day)).cast(
            {"day": pl.Int32}
        )
        for name, table in moved.items()
    }

    assert not moved["orders"].equals(tables["orders"])
    assert churn.fit(**moved, as_of_days=(300,), minimum_left=10) == first
