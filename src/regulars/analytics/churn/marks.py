"""Characteristics of those who left (流失特征): what goes with leaving, beside customers who came as often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame
from scipy.special import stdtr, stdtrit

from regulars.analytics import arguments, facts, frames, lifecycle
from regulars.analytics.churn import traits
from regulars.analytics.churn.labels import check_outcome, with_outcome
from regulars.analytics.churn.rules import Active, check_days
from regulars.analytics.churn.traits import Sources
from regulars.analytics.facts import Column, Opened
from regulars.analytics.frames import Lazy

Kind: TypeAlias = Literal["category", "stage", "ticket", "price"]

_BANDS = 10
_PRICE_STEP = 0.05
_UPPER = 0.975
_KEYS = ("e", "a", "total_e", "total_a")

_PRODUCTS = facts.PRODUCTS.only("product_id", "category")
_TICKETS = (
    Column(
        name="customer_id", dtype=nw.Int64, kind=facts.ID, meaning="customer; null for none", nullable=True
    ),
    Column(name="day", dtype=nw.Int32, kind=facts.DAY, meaning="day it was opened"),
)
_TICKET_KIND = Column(
    name="kind", dtype=nw.String, kind=facts.TEXT, meaning="complaint, return, repair", nullable=True
)


@dataclass(frozen=True, kw_only=True)
class Characteristic:
    """How those with a characteristic left, beside those without.

    Attributes:
        kind: `category` (bought of it lately), `stage` (of the life cycle), `ticket` (one was opened lately), `price` (of what the
            customer used to buy, in the last horizon: `rose` or `fell` by 5 % or more).
        level: Which category, stage, kind of ticket, direction.
        customers: Different active customers who had it on an as-of day.
        left_share: The share of them that left.
        others_left_share: The share of all other active customers that left.
        difference: How much more of them left, in shares, beside customers who came as often; below 0: fewer.
        low: 95 % interval of the difference.
        high: Its upper end.
        p_value: How often chance alone makes a difference so large.
        adjusted_p_value: The same with regard to how many characteristics were looked at (Benjamini-Hochberg).
        marks: Whether the adjusted p-value is below the false discovery rate.
    """

    kind: Kind
    level: str
    customers: int
    left_share: float
    others_left_share: float
    difference: float
    low: float
    high: float
    p_value: float
    adjusted_p_value: float
    marks: bool


def characteristics(  # noqa: PLR0913 - all but the tables are options
    orders: IntoFrame,
    *,
    as_of_days: Sequence[int],
    lines: IntoFrame | None = None,
    products: IntoFrame | None = None,
    tickets: IntoFrame | None = None,
    lead_days: int = 14,
    horizon_days: int = 28,
    active: Active | None = None,
    last_day: int | None = None,
    cycle_days: int | None = None,
    minimum_customers: int = 30,
    false_discovery_percent: int = 5,
) -> tuple[Characteristic, ...]:
    """Return what marks those who left.

    Who comes often buys of many categories and leaves seldom; that would make every category look like a remedy. So
    each customer is compared with those of the same tenth by occasions lately: what is compared is by how much
    more, or less, they left than that tenth did. This takes a little of the true difference away, never adds to
    it. Intervals count each customer once however many as-of days they were seen on. What goes with leaving need not
    cause it.

    Args:
        orders: Facts `orders`, as for `fit`.
        as_of_days: Days to look at, as for `fit`.
        lines: Facts `lines`: customer_id, product_id, day, quantity, amount_minor; for categories and prices.
        products: Facts `products`: product_id, category; for categories.
        tickets: customer_id, day, and where it is known kind.
        lead_days: As for `fit`. So are the next three.
        horizon_days: Whoever does not buy for so many days has left.
        active: Whom to look at.
        last_day: The last day of which the record is complete.
        cycle_days: The store's cycle, for stages; None: the horizon.
        minimum_customers: Characteristics that fewer customers have, or fewer do not have, are not looked at.
        false_discovery_percent: Of 100 characteristics said to mark, so many may be chance.

    Returns:
        Those that were looked at, the most certain first; empty when nobody was active or nobody left.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here, or the outcome of an as-of day is not known yet.

    References:
        Benjamini and Hochberg (1995), Controlling the false discovery rate. Liang and Zeger (1986), Longitudinal data
        analysis, for customers seen several times.
    """
    days = check_days(as_of_days, lead_days=lead_days, horizon_days=horizon_days)
    arguments.whole(minimum_customers, name="minimum_customers", least=2)
    arguments.whole(false_discovery_percent, name="false_discovery_percent", least=1, most=50)
    watched = active or Active()
    cycle = horizon_days if cycle_days is None else arguments.whole(cycle_days, name="cycle_days", least=1)
    sources = traits.open_sources(orders, lines=None, events=None, tickets=None, as_of_day=None)
    end, *tables = sources.settle(
        [
            sources.occasions.select(nw.col("day").max().alias("last_day")),
            *(
                _outcome(sources, day, lead_days=lead_days, horizon_days=horizon_days, active=watched)
                for day in days
            ),
        ]
    )
    check_outcome(days, lead_days + horizon_days, frames.rows(end)[0]["last_day"], last_day)
    read = _Read.open(orders, lines=lines, products=products, tickets=tickets)
    had = [
        outcome.join(
            nw.concat(
                [
                    _stages(orders, day, cycle),
                    *read.of_day(day, horizon_days=horizon_days, recent_days=watched.recent_days),
                ]
            ),
            on="customer_id",
            how="inner",
        )
        for day, outcome in zip(days, tables, strict=True)
    ]
    everybody, levels = read.settle(*_moments(nw.concat(tables), nw.concat(had)))
    (whole,) = frames.rows(everybody)
    found = _compared(whole, frames.rows(levels), minimum_customers=minimum_customers)
    return _adjusted(found, false_discovery_percent / 100)


def _outcome(sources: Sources, day: int, *, lead_days: int, horizon_days: int, active: Active) -> Lazy:
    """One row for each active customer: whether they left, and by how much more than their tenth."""
    seen = traits.observe(sources, as_of_day=day, horizon_days=horizon_days, active=active)
    known = with_outcome(
        seen.select("customer_id", "recent_occasions"),
        sources.occasions,
        start_day=day + lead_days,
        horizon_days=horizon_days,
    ).with_columns(nw.lit(1).cast(nw.Int64).alias("all"))
    place = nw.col("recent_occasions").rank("min").over("all").cast(nw.Int64) - 1
    banded = known.with_columns((place * _BANDS // nw.len().over("all")).alias("band"))
    return banded.select(
        "customer_id",
        "left",
        (nw.col("left") - nw.col("left").mean().over("band")).alias("more"),
    )


def _stages(orders: IntoFrame, day: int, cycle_days: int) -> Lazy:
    known = facts.until(cast("Any", orders), as_of_day=day)
    staged = lifecycle.stages(known, as_of_day=day, cycle_days=cycle_days)
    table = frames.lazy(staged, name="stages", columns=("customer_id", "stage"))
    return _levels(table, kind="stage", level=nw.col("stage"))


def _levels(table: Lazy, *, kind: Kind, level: nw.Expr) -> Lazy:
    return table.select("customer_id", nw.lit(kind).alias("kind"), level.cast(nw.String).alias("level"))


@dataclass(frozen=True, kw_only=True)
class _Read:
    """The tables beside the orders, checked together with what is worked out from them."""

    opened: tuple[Opened, ...]
    lines: Lazy | None
    categories: Lazy | None
    tickets: Lazy | None

    @classmethod
    def open(
        cls,
        orders: IntoFrame,
        *,
        lines: IntoFrame | None,
        products: IntoFrame | None,
        tickets: IntoFrame | None,
    ) -> "_Read":
        opened: dict[str, Opened] = {}
        if lines is not None:
            frames.same_engine(orders, lines, names=("orders", "lines"))
            opened["lines"] = facts.open_lines(
                lines, uses=("customer_id", "product_id", "day", "quantity", "amount_minor")
            )
        if products is not None:
            frames.same_engine(orders, products, names=("orders", "products"))
            opened["products"] = facts.open_table(
                products, name="products", columns=_PRODUCTS, grain="product_id"
            )
        if tickets is not None:
            frames.same_engine(orders, tickets, names=("orders", "tickets"))
            has_kind = "kind" in frames.schema(tickets, name="tickets")
            columns = (*_TICKETS, _TICKET_KIND) if has_kind else _TICKETS
            opened["tickets"] = facts.open_table(
                tickets, name="tickets", columns=columns, grain="customer_id", unique=False
            )
        found = {name: table.frame for name, table in opened.items()}
        return cls(
            opened=tuple(opened.values()),
            lines=found["lines"].filter(nw.col("quantity") > 0) if "lines" in found else None,
            categories=found.get("products"),
            tickets=found.get("tickets"),
        )

    def settle(self, *results: Lazy) -> list[Lazy]:
        checks = [opened.checks for opened in self.opened]
        computed = frames.compute(*checks, *results)
        for opened, found in zip(self.opened, computed[: len(checks)], strict=True):
            opened.judge(frames.rows(found)[0])
        return computed[len(checks) :]

    def of_day(self, day: int, *, horizon_days: int, recent_days: int) -> list[Lazy]:
        """Return who had which characteristic on a day: customer_id, kind, level, each once."""
        found = []
        if self.lines is not None and self.categories is not None:
            lately = self.lines.filter((nw.col("day") <= day) & (nw.col("day") > day - recent_days))
            named = lately.join(
                self.categories.filter(nw.col("category").cast(nw.String) != ""),
                on="product_id",
                how="inner",
            )
            bought = named.group_by("customer_id", "category").agg()
            found.append(_levels(bought, kind="category", level=nw.col("category")))
        if self.lines is not None:
            found.append(_prices(self.lines, day, horizon_days))
        if self.tickets is not None:
            lately = self.tickets.filter(
                (nw.col("day") <= day)
                & (nw.col("day") > day - recent_days)
                & ~nw.col("customer_id").is_null()
            )
            has_kind = "kind" in lately.collect_schema().names()
            kind = nw.col("kind").cast(nw.String).fill_null("") if has_kind else nw.lit("")
            opened = lately.with_columns(kind.alias("kind")).group_by("customer_id", "kind").agg()
            found.append(_levels(opened, kind="ticket", level=nw.col("kind")))
        return found


def _prices(lines: Lazy, day: int, horizon_days: int) -> Lazy:
    """Who used to buy what has become dearer, or cheaper, in the last horizon; by the shop's mean unit prices."""
    ago = day - nw.col("day").cast(nw.Int64)
    seen = lines.with_columns(ago.alias("ago")).filter(
        (nw.col("ago") >= 0) & (nw.col("ago") < 4 * horizon_days)
    )

    def mean_price(name: str, *, lately: bool) -> Lazy:
        side = nw.col("ago") < horizon_days if lately else nw.col("ago") >= horizon_days
        totals = (
            seen.filter(side)
            .group_by("product_id")
            .agg(
                nw.col("amount_minor").sum().cast(nw.Int64).alias("paid"),
                nw.col("quantity").cast(nw.Float64).sum().alias("units"),
            )
        )
        # Sums of quantities differ in the last bit between engines; who is over 5 % must not.
        price = (nw.col("paid") / nw.col("units")).round(6)
        return totals.filter(nw.col("paid") > 0).select("product_id", price.alias(name))

    both = mean_price("before", lately=False).join(
        mean_price("now", lately=True), on="product_id", how="inner"
    )
    habits = seen.filter(nw.col("ago") >= horizon_days).group_by("customer_id", "product_id").agg()
    changed = (
        habits.join(both, on="product_id", how="inner")
        .group_by("customer_id")
        .agg((nw.col("now") / nw.col("before") - 1.0).mean().round(9).alias("change"))
    )
    level = (
        nw.when(nw.col("change") >= _PRICE_STEP)
        .then(nw.lit("rose"))
        .when(nw.col("change") <= -_PRICE_STEP)
        .then(nw.lit("fell"))
        .otherwise(nw.lit(""))
    )
    return _levels(changed, kind="price", level=level).filter(nw.col("level") != "")


def _moments(everybody: Lazy, had: Lazy) -> tuple[Lazy, Lazy]:
    """Sums over customers of products of their own sums: all that means and their errors need.

    Of a customer: `a` as-of days with the level, `e` the sum of `more` on these; `total_a`, `total_e` on all days.
    """
    totals = everybody.group_by("customer_id").agg(
        nw.len().cast(nw.Float64).alias("total_a"),
        nw.col("more").sum().alias("total_e"),
        nw.col("left").sum().cast(nw.Int64).alias("total_left"),
    )
    levels = (
        had.group_by("customer_id", "kind", "level")
        .agg(
            nw.len().cast(nw.Float64).alias("a"),
            nw.col("more").sum().alias("e"),
            nw.col("left").sum().cast(nw.Int64).alias("level_left"),
        )
        .join(totals, on="customer_id", how="inner")
    )

    def sums(*names: str) -> list[nw.Expr]:
        single = [nw.col(name).sum().alias(name) for name in names]
        pairs = [
            (nw.col(one) * nw.col(other)).sum().alias(f"{one} {other}")
            for place, one in enumerate(names)
            for other in names[place:]
        ]
        return [nw.len().cast(nw.Int64).alias("customers"), *single, *pairs]

    return (
        totals.select(*sums("total_e", "total_a"), nw.col("total_left").sum()),
        levels.group_by("kind", "level").agg(*sums(*_KEYS), nw.col("level_left").sum()),
    )


def _compared(
    whole: Mapping[str, Any], levels: Sequence[Mapping[str, Any]], *, minimum_customers: int
) -> list[dict[str, Any]]:
    found = []
    for row in levels:
        others = whole["customers"] - row["customers"]
        with_rows, other_rows = row["a"], whole["total_a"] - row["a"] if whole["customers"] else 0.0
        if row["customers"] < minimum_customers or others < minimum_customers or other_rows <= 0:
            continue
        mean = row["e"] / with_rows
        other_mean = (whole["total_e"] - row["e"]) / other_rows
        # What one customer moves the difference by, as weights of e, a, total_e, total_a.
        having = np.array(
            [
                1 / with_rows + 1 / other_rows,
                -mean / with_rows - other_mean / other_rows,
                -1 / other_rows,
                other_mean / other_rows,
            ]
        )
        variance = having @ _matrix(row, _KEYS) @ having
        lacking = _matrix(whole, _KEYS[2:]) - _matrix(row, _KEYS[2:])
        variance += having[2:] @ lacking @ having[2:]
        error = float(np.sqrt(max(variance, 0.0)))
        if error == 0:
            continue
        # The smaller side decides how well the error itself is known.
        freedom = min(row["customers"], others) - 1
        error *= float(np.sqrt((freedom + 1) / freedom))
        reach = float(stdtrit(freedom, _UPPER)) * error
        difference = mean - other_mean
        found.append(
            {
                "kind": row["kind"],
                "level": row["level"],
                "customers": row["customers"],
                "left_share": row["level_left"] / with_rows,
                "others_left_share": (whole["total_left"] - row["level_left"]) / other_rows,
                "difference": difference,
                "low": difference - reach,
                "high": difference + reach,
                "p_value": float(2 * stdtr(freedom, -abs(difference) / error)),
            }
        )
    return sorted(found, key=lambda one: (one["p_value"], one["kind"], one["level"]))


def _matrix(row: Mapping[str, Any], names: Sequence[str]) -> Any:  # noqa: ANN401 - NumPy's own
    size = range(len(names))
    return np.array(
        [[row[f"{names[min(one, other)]} {names[max(one, other)]}"] for other in size] for one in size]
    )


def _adjusted(found: list[dict[str, Any]], rate: float) -> tuple[Characteristic, ...]:
    """Benjamini-Hochberg: p times tests over place, made to rise with the place."""
    adjusted, least = [], 1.0
    for place in range(len(found), 0, -1):
        least = min(least, found[place - 1]["p_value"] * len(found) / place)
        adjusted.append(least)
    return tuple(
        Characteristic(**one, adjusted_p_value=value, marks=value < rate)
        for one, value in zip(found, reversed(adjusted), strict=True)
    )
