"""What customers will do: learnt from the whole shop once a week, said of each customer when it changes.

Waiting moves every forecast of every customer a little every day. A customer is therefore scored as of the day on which
their silence last grew by a quarter of their purchase cycle, or from one cycle on by a quarter of itself: all figures
stand together for one day, the scored day, they are what the models say of exactly that day, and a night rewrites only
those who bought or came to their next step. See docs/decisions/012.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from regulars.analytics import churn, clv, cycles, next_purchase
from regulars.analytics import facts as contract
from regulars.analytics.backtest import ModelName
from regulars.insights import behaviour, leaving
from regulars.insights.engines import Table, in_memory

HORIZON_DAYS = 365
"""How far customer lifetime value looks."""

ORDERS_DAYS = 90
"""How far expected orders look."""

ANNUAL_DISCOUNT = 0.1
"""Money in a year is worth 1 / 1.1 of money now."""

COVERAGE = 0.8
"""Of those who come again, this share comes between the first and the last expected day."""

LEARN_EVERY_DAYS = 7
LEARN_FROM_CUSTOMERS = 50_000
"""Of larger shops every n-th customer is learnt from: more would not change a digit that anybody reads."""

LEAST_TESTED_CUSTOMERS = 100
"""Below so many customers the default model is taken, shrunken to its prior, without a back-test."""

NOTHING_LEARNT: Mapping[str, Any] = {"buyers": 0}
"""What `learn` returns of a shop without buyers: with it nothing is forecast."""

_LAST_PERIOD = "last_period"
_UNTESTED_MODEL: clv.PurchaseModel = "mbg_nbd"
_MATERIAL_SHARE = 0.05
_UNIT_DAYS = 7
_QUARTERS = 4
_CRUMB = 1e-7
_LONGEST_CYCLES = 50_000

# What is said of a customer, in the order in which it is written to the database.
SCHEMA: dict[str, type[pl.DataType]] = {
    "scored_day": pl.Int32,
    "p_alive": pl.Float64,
    "expected_orders": pl.Float64,
    "clv_minor": pl.Int64,
    "next_from_day": pl.Int32,
    "next_day": pl.Int32,
    "next_until_day": pl.Int32,
    "churn_probability": pl.Float64,
    "churn_reasons": pl.String,
}
COLUMNS = tuple(SCHEMA)


def is_current(content: Mapping[str, Any], *, learnt_as_of_day: int, as_of_day: int, buyers: int) -> bool:
    """Return whether what was learnt still serves: less than a week ago, and the shop has not changed since.

    A shop has changed when it has one in twenty customers more or fewer. What was learnt after `as_of_day` never serves:
    nobody knew it then.
    """
    age_days = as_of_day - learnt_as_of_day
    known = int(content["buyers"])
    if known and not {"rule", "store", "key", "leaving"} <= content.keys():
        return False
    return 0 <= age_days < LEARN_EVERY_DAYS and abs(buyers - known) <= _MATERIAL_SHARE * known


def learn(  # noqa: PLR0913  what is learnt from
    orders: Table,
    *,
    lines: Table,
    products: Table,
    events: Table | None = None,
    as_of_day: int,
    store: cycles.StoreCycle | cycles.NotEnoughData,
    buyers: int,
) -> dict[str, Any]:
    """Learn from the shop's orders how its customers come and go, as JSON.

    Args:
        orders: Facts `orders`; those after `as_of_day` are left out.
        lines: Facts `lines`, likewise.
        products: Facts `products`.
        events: Facts `events`, likewise; None where nothing was seen.
        as_of_day: The day for which it is learnt.
        store: The store's cycle on that day.
        buyers: Customers with a valid order.

    Returns:
        buyers; store (fields of the store's cycle, or of what it lacks); every_nth (customer learnt from); model (the name of what is used: a model, or the plain rate where it
        forecast this shop's own past better); fit, alive and rule, of `clv.load` (the second tells P(alive), which the plain
        rate does not know; the third is the plain rate); table, origins, holdout_days, cautions of `clv.Choice`; waits, the fields of
        `next_purchase.Waits` or null; churn, of `churn.Model.from_dict`, or null where too few left or stayed; leaving, of `leaving.look`.
    """
    if not buyers:
        return dict(NOTHING_LEARNT)
    known = contract.until(orders, as_of_day=as_of_day)
    every_nth = -(-buyers // LEARN_FROM_CUSTOMERS)
    if every_nth > 1:
        known = nw.from_native(known).filter(nw.col("customer_id") % every_nth == 0).to_native()
    # What so few customers bought fits in memory, and is read many times.
    known = in_memory(known).lazy()
    waits = (
        next_purchase.learn(known, as_of_day=as_of_day, store=store)
        if isinstance(store, cycles.StoreCycle)
        else None
    )
    seen = behaviour.seen(events, every_nth=every_nth, until_day=as_of_day)
    return {
        "buyers": buyers,
        "store": asdict(store),
        "every_nth": every_nth,
        **_choice(known, as_of_day=as_of_day, buyers=buyers),
        "waits": None if waits is None else asdict(waits),
        "churn": _churn(known, behaviour_seen=seen, store=store, as_of_day=as_of_day),
        "leaving": leaving.look(
            known,
            lines=contract.until(lines, as_of_day=as_of_day),
            products=products,
            tickets=seen.get("tickets"),
            store=store,
            as_of_day=as_of_day,
            every_nth=every_nth,
        ),
    }


def trusted(content: Mapping[str, Any], *, rules: Mapping[ModelName, str]) -> dict[str, Any]:
    """Return what was learnt with the rule in the place of each model that did no better in the shop's back-test.

    Orders are then expected at the plain rate, or as many as in the days before the run; value at the plain rate. Rules of leaving know no probability, so that none is told: whoever is
    silent is found by lateness and stage. P(alive) stays, which no rule knows.

    Args:
        content: What `learn` returned.
        rules: Model to rule, where the rule is to be used.
    """
    found = dict(content)
    if not found["buyers"]:
        return found
    if "clv" in rules:
        found |= {"model": "plain_rate", "fit": found["rule"], "orders_rule": rules["clv"]}
    if "churn" in rules:
        found["churn"] = None
    return found


def terms(learnt: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page must know to tell what forecasts mean: model, cautions, and over which days the alert looks."""
    alert = learnt.get("churn")
    return {
        "model": learnt.get("model", ""),
        "cautions": learnt.get("cautions", []),
        "alert": alert
        and {
            "lead_days": alert["lead_days"],
            "horizon_days": alert["horizon_days"],
            "recent_days": alert["active"]["recent_days"],
        },
    }


def _choice(orders: Table, *, as_of_day: int, buyers: int) -> dict[str, Any]:
    """Return the model of purchases: by back-test, but of a handful of customers that would be chance."""
    if buyers < LEAST_TESTED_CUSTOMERS:
        summary = clv.summarise(orders, as_of_day=as_of_day, unit_days=_UNIT_DAYS)
        kept = clv.dump(clv.fit(summary, model=_UNTESTED_MODEL, unit_days=_UNIT_DAYS))
        return {
            "model": _UNTESTED_MODEL,
            "fit": kept,
            "alive": kept,
            "rule": clv.dump(clv.fit(summary, model="plain_rate", unit_days=_UNIT_DAYS)),
            "table": [],
            "origins": [],
            "holdout_days": 0,
            "cautions": ["too_few_customers"],
        }
    choice = clv.choose(orders, as_of_day=as_of_day, unit_days=_UNIT_DAYS)
    return {
        "model": choice.model,
        "fit": clv.dump(choice.fit),
        "alive": clv.dump(choice.best_model),
        "rule": clv.dump(
            clv.fit(
                clv.summarise(orders, as_of_day=as_of_day, unit_days=_UNIT_DAYS),
                model="plain_rate",
                unit_days=_UNIT_DAYS,
            )
        ),
        "table": [{**asdict(tried), "findings": list(map(str, tried.findings))} for tried in choice.table],
        "origins": list(choice.origins),
        "holdout_days": choice.holdout_days,
        "cautions": [caution.name.lower() for caution in choice.cautions],
    }


def _churn(
    orders: Table,
    *,
    behaviour_seen: Mapping[str, Table],
    store: cycles.StoreCycle | cycles.NotEnoughData,
    as_of_day: int,
) -> dict[str, Any] | None:
    pace, days = leaving.watch(orders, store=store, as_of_day=as_of_day)
    if not days:
        return None
    found = churn.fit(
        orders,
        as_of_days=days,
        **behaviour.reaching_back(
            behaviour_seen, to_day=days[0] - churn.PERIODS * churn.period_days(pace.horizon_days)
        ),
        horizon_days=pace.horizon_days,
        active=pace.active,
        last_day=as_of_day,
    )
    return found.to_dict() if isinstance(found, churn.Model) else None


def silences(profiles: pl.LazyFrame, *, as_of_day: int, cycle_days: int) -> pl.LazyFrame:
    """Return how long each buyer had been silent at their last step, and on which day that was.

    Args:
        profiles: One row a customer: customer_id, last_day, cycle_days; null for a prospect.
        as_of_day: The day of the run.
        cycle_days: The purchase cycle of those who have none of their own.

    Returns:
        One row a buyer: customer_id, last_day, cycle_days, silence_days, scored_day.
    """
    bought = profiles.filter(pl.col("last_day").is_not_null()).select("customer_id", "last_day", "cycle_days")
    found = bought.collect()
    steps = _steps(
        (as_of_day - found["last_day"]).to_numpy(), found["cycle_days"].fill_null(cycle_days).to_numpy()
    )
    return (
        found.lazy()
        .with_columns(silence_days=pl.Series(steps, dtype=pl.Int64))
        .with_columns(scored_day=(pl.col("last_day") + pl.col("silence_days")).cast(pl.Int32))
    )


def observe(
    orders: Table, *, events: Table | None = None, learnt: Mapping[str, Any], as_of_day: int
) -> Table:
    """Return what `predict` reads of each buyer's orders: the summary of `clv.summarise`, and the churn alert.

    Args:
        orders: Facts `orders`; those after `as_of_day` are left out.
        events: Facts `events`, likewise; read where the alert was learnt with them.
        learnt: What `learn` returned.
        as_of_day: The day of the run.

    Returns:
        A table of the same engine, one row a buyer: the columns of `clv.SUMMARY`, probability and reasons of `churn.Model.score`
        (null where the shop has no model, or the model no alert for the customer).
    """
    known = contract.until(orders, as_of_day=as_of_day)
    summary: nw.LazyFrame[Any] = nw.from_native(
        clv.summarise(known, as_of_day=as_of_day, unit_days=_UNIT_DAYS)
    )
    if not learnt["buyers"] or learnt["churn"] is None:
        return summary.with_columns(
            nw.lit(None).cast(nw.Float64).alias("probability"), nw.lit(None).cast(nw.String).alias("reasons")
        ).to_native()
    model = churn.Model.from_dict(learnt["churn"])
    alert = nw.from_native(
        model.score(known, as_of_day=as_of_day, **behaviour.seen(events, until_day=as_of_day))
    )
    told = alert.select("customer_id", "probability", "reasons")
    return summary.join(told, on="customer_id", how="left").to_native()


def lately(orders: Table, *, learnt: Mapping[str, Any], as_of_day: int) -> Table | None:
    """Return the days with an order in the last 90 of everybody, where as many are expected of the next; else None."""
    if learnt.get("orders_rule") != _LAST_PERIOD:
        return None
    known: nw.LazyFrame[Any] = nw.from_native(contract.until(orders, as_of_day=as_of_day))
    return (
        known.filter(nw.col("is_valid") & (nw.col("day") > as_of_day - ORDERS_DAYS))
        .group_by("customer_id")
        .agg(nw.col("day").n_unique().cast(nw.Float64).alias("expected_orders"))
        .to_native()
    )


def predict(
    silent: pl.DataFrame, *, observed: pl.DataFrame, learnt: Mapping[str, Any], as_of_day: int, margin: float
) -> pl.DataFrame:
    """Return what is predicted of customers.

    Args:
        silent: What `silences` returned, of these customers.
        observed: What `observe` returned, of at least these customers.
        learnt: What `learn` returned.
        as_of_day: The day of the run.
        margin: Share of the net amount that is contribution margin, 0 to 1.

    Returns:
        The same customers, customer_id and `COLUMNS`: scored_day; p_alive, expected_orders in the next 90 days and clv_minor over
        the next 365, counted from the scored day; the day of the next purchase with the interval that four in five of
        those who come again keep. clv_minor is null where nobody came back with an amount; the days
        where no cycle is known or the silence is longer than any that ended.
    """
    summary = observed.drop("probability", "reasons")
    moved = (
        summary.join(silent, on="customer_id")
        .with_columns(
            age=pl.col("age")
            - (as_of_day - pl.col("last_day") - pl.col("silence_days")).cast(pl.Float64) / _UNIT_DAYS
        )
        # The last bit of the subtraction must not make an age younger than its recency.
        .with_columns(age=pl.max_horizontal("age", "recency"))
    )
    scored = _worth(moved.select(summary.columns), learnt=learnt, margin=margin)
    if learnt["waits"] is None:
        days = silent.select(
            "customer_id",
            *(pl.lit(None, pl.Int32).alias(name) for name in ("next_from_day", "next_day", "next_until_day")),
        )
    else:
        waits = next_purchase.Waits(
            points=tuple(learnt["waits"]["points"]), customers=learnt["waits"]["customers"]
        )
        days = next_purchase.expect(
            silent.select("customer_id", "last_day", "cycle_days", "silence_days"), waits, coverage=COVERAGE
        )
    leaving = observed.select(
        "customer_id",
        (pl.col("probability") + _CRUMB).round(3).alias("churn_probability"),
        pl.col("reasons").alias("churn_reasons"),
    )
    return (
        silent.select("customer_id", "scored_day")
        .join(scored, on="customer_id", how="left")
        .join(days, on="customer_id", how="left")
        .join(leaving, on="customer_id", how="left")
        .select("customer_id", *(pl.col(name).cast(kind) for name, kind in SCHEMA.items()))
    )


def _worth(summary: pl.DataFrame, *, learnt: Mapping[str, Any], margin: float) -> pl.DataFrame:
    fit, alive = clv.load(learnt["fit"]), clv.load(learnt["alive"])
    found = alive.p_alive(summary).join(
        fit.expected_purchases(summary, horizon=ORDERS_DAYS / _UNIT_DAYS), on="customer_id"
    )
    if fit.spending is None:
        found = found.with_columns(clv_minor=pl.lit(None, pl.Float64))
    else:
        worth = fit.clv(summary, horizon_days=HORIZON_DAYS, margin=margin, annual_discount=ANNUAL_DISCOUNT)
        found = found.join(worth.select("customer_id", "clv_minor"), on="customer_id")
    # Engines differ in the last bits; what is stored must not. The crumb moves fractions off the middle between two.
    return found.select(
        "customer_id",
        (pl.col("p_alive") + _CRUMB).round(4),
        (pl.col("expected_purchases") + _CRUMB).round(4).alias("expected_orders"),
        (pl.col("clv_minor") + _CRUMB).round(0),
    )


def _steps(silence_days: NDArray[np.float64], cycle_days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each silence as it was at its last step: 0, 1/4, 2/4, 3/4 of the cycle, 1, 1.25, 1.56, ... cycles."""
    reached = np.searchsorted(_STEPS, silence_days / np.maximum(cycle_days, 1.0), side="right") - 1
    return np.minimum(np.ceil(_STEPS[reached] * np.maximum(cycle_days, 1.0)), silence_days)


def _all_steps() -> NDArray[np.float64]:
    steps = [quarter / _QUARTERS for quarter in range(_QUARTERS + 1)]
    while steps[-1] < _LONGEST_CYCLES:
        steps.append(steps[-1] * (1 + 1 / _QUARTERS))
    return np.array(steps)


_STEPS = _all_steps()
