"""RFM: how recently, how often, for how much (近度 频度 额度), as scores from 1 to 5 and as eight cells."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames, histories
from regulars.analytics.arguments import ArgumentError
from regulars.analytics.frames import GIVEN, Lazy, found_by_duckdb

Scheme: TypeAlias = Literal["quintile", "mean"]
Monetary: TypeAlias = Literal["total", "average_order"]

_STEPS = (2, 3, 4, 5)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One of the eight cells. Upper case is better than the threshold; for R that is more recent.

    Attributes:
        letters: Such as `RfM`.
        attention: 1 to 8; 1 to 4 deserve attention first.
        name: Stable key of the default name.
    """

    letters: str
    attention: int
    name: str


CELLS = (
    Cell(letters="RFM", attention=1, name="keep"),
    Cell(letters="RfM", attention=2, name="grow_frequency"),
    Cell(letters="rFM", attention=3, name="win_back"),
    Cell(letters="Rfm", attention=4, name="develop"),
    Cell(letters="RFm", attention=5, name="raise_value"),
    Cell(letters="rfM", attention=6, name="reactivate"),
    Cell(letters="rFm", attention=7, name="maintain"),
    Cell(letters="rfm", attention=8, name="leave"),
)
"""The eight cells in the order in which they deserve attention."""


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """Cut-offs of the merchant's own. What is None is left to the data.

    The first three hold what a customer must reach for a score of 2, 3, 4 and 5: at least so many orders, at least
    so much money, at most so many days. None scores that dimension by quintile. The last three are what makes a
    letter of the cell upper case; None compares with the mean.

    Raises:
        ArgumentError: A row of four does not lead to ever better values, or a value is negative.

    Example:
        >>> Cuts(recency_days=(365, 180, 90, 30), frequency=(2, 3, 5, 10), high_frequency=3)
        Cuts(recency_days=(365, 180, 90, 30), frequency=(2, 3, 5, 10), monetary_minor=None, ...)
    """

    recency_days: tuple[int, int, int, int] | None = None
    frequency: tuple[int, int, int, int] | None = None
    monetary_minor: tuple[int, int, int, int] | None = None
    high_recency_days: int | None = None
    high_frequency: int | None = None
    high_monetary_minor: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if field.name.startswith("high_"):
                arguments.whole(value, name=f"Cuts.{field.name}")
                continue
            # Settings that come back from JSON bring lists.
            steps = tuple(arguments.whole(step, name=f"Cuts.{field.name}") for step in value)
            better_last = sorted(steps, reverse=field.name == "recency_days")
            if len(steps) != len(_STEPS) or list(steps) != better_last:
                order = "falling" if field.name == "recency_days" else "rising"
                raise ArgumentError(
                    f"Cuts.{field.name} == {value!r}, must be four {order} numbers: what a score of 2, 3, 4 and 5 needs",
                    argument=field.name,
                )
            object.__setattr__(self, field.name, steps)


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What the scores of one run amounted to, in days, orders and minor units.

    The first three hold what a score of 2, 3, 4 or 5 and more took (at most so many days, at least so many orders
    or so much money), None where nobody got there; the next three what an upper-case letter of the cell took; the
    last three the means.
    """

    customers: int
    recency_days: tuple[int | None, ...]
    frequency: tuple[int | None, ...]
    monetary_minor: tuple[int | None, ...]
    high_recency_days: int | None
    high_frequency: int | None
    high_monetary_minor: int | None
    mean_recency_days: float | None
    mean_frequency: float | None
    mean_monetary_minor: float | None


@dataclass(frozen=True, kw_only=True)
class _Dimension:
    letter: str
    column: str
    smaller_is_better: bool

    @property
    def score(self) -> str:
        return self.letter.lower()

    @property
    def fifth(self) -> str:
        return f"fifth {self.column}"

    @property
    def total(self) -> str:
        return f"total {self.column}"


_DIMENSIONS = (
    _Dimension(letter="R", column="recency_days", smaller_is_better=True),
    _Dimension(letter="F", column="frequency", smaller_is_better=False),
    _Dimension(letter="M", column="monetary_minor", smaller_is_better=False),
)

SCORES = (
    *(facts.ORDERS.column(name) for name in ("customer_id",)),
    facts.Column(
        name="recency_days", dtype=nw.Int32, kind=facts.NUMBER, meaning="as_of_day less last order day"
    ),
    facts.Column(name="frequency", dtype=nw.Int32, kind=facts.NUMBER, meaning="valid orders in the window"),
    facts.Column(
        name="monetary_minor", dtype=nw.Int64, kind=facts.AMOUNT, meaning="net amount in the window"
    ),
    facts.Column(name="r", dtype=nw.Int8, kind=facts.NUMBER, meaning="recency score, 1 to 5"),
    facts.Column(name="f", dtype=nw.Int8, kind=facts.NUMBER, meaning="frequency score, 1 to 5"),
    facts.Column(name="m", dtype=nw.Int8, kind=facts.NUMBER, meaning="monetary score, 1 to 5"),
    facts.Column(name="cell", dtype=nw.String, kind=facts.TEXT, meaning="one of the eight cells"),
)
"""What `score` returns."""


def score(
    orders: IntoFrameT,
    *,
    as_of_day: int,
    window_days: int | None = None,
    scheme: Scheme | Cuts = "quintile",
    monetary: Monetary = "total",
) -> IntoFrameT:
    """Score every customer by recency, frequency and money.

    `quintile`: the 20, 40, 60 and 80 % points of all customers' values are the thresholds, where the p point is the
    least value that at least p of the customers do not exceed. f and m are 1 plus the number of thresholds below the
    customer's value; r is 5 less the number of thresholds below. Equal customers get equal scores; nobody is split
    from a peer by chance. The most recent always score r = 5, the fewest orders f = 1. Where many share a value,
    scores are left out: if 60 % ordered once they score f = 1, and who ordered twice, being above three thresholds,
    scores 4.

    `mean`: the score is 1 plus how many of 1/2, 1, 3/2 and 2 times the mean are exceeded; for recency, how many of 2, 1, 2/3
    and 1/2 times the mean are undercut. So 3 and more is better than the mean, in every dimension.

    `Cuts`: the merchant's own cut-offs.

    The cell compares with the mean of all scored customers unless `Cuts` says otherwise: upper case is strictly
    more than the mean, for R strictly fewer days. All arithmetic is on integers, so engines agree to the last row.

    Args:
        orders: Facts `orders`, at least customer_id, day and amount_minor; see `facts.open_orders` for which count. Or their
            `histories`, where all orders count.
        as_of_day: The day for which the question is asked, days since 1970-01-01. No order may lie after it.
        window_days: Count orders whose age `as_of_day - day` is less than this; None counts all.
        scheme: `quintile`, `mean` or `Cuts`.
        monetary: `total` amount, or `average_order`, rounded half up to a minor unit.

    Returns:
        One row for each customer with a valid order in the window: customer_id, recency_days, frequency (orders),
        monetary_minor, r, f, m (1 to 5, 5 is best: for r the most recent), cell. Empty when there is none.

    Raises:
        FactsError: The orders break their contract.
        ArgumentError: A value has no meaning here.

    References:
        Hughes (1994), Strategic Database Marketing: the five groups. Here ties are kept together.
    """
    arguments.day(as_of_day, name="as_of_day")
    if window_days is not None:
        arguments.whole(window_days, name="window_days", least=1)
    if not isinstance(scheme, Cuts):
        arguments.one_of(scheme, ("quintile", "mean"), name="scheme (or rfm.Cuts)")
    arguments.one_of(monetary, ("total", "average_order"), name="monetary")
    if histories.are_in(orders):
        if window_days is not None:
            raise arguments.ArgumentError(
                f"window_days == {window_days}, must be None for histories: they hold no single orders",
                argument="window_days",
            )
        opened = histories.opened(orders, as_of_day=as_of_day)
        (summary,) = opened.settle(
            opened.frame.select(
                "customer_id",
                "last_day",
                nw.col("orders").alias("frequency"),
                nw.col("amount_minor").alias("monetary_minor"),
            )
        )
    else:
        opened = facts.open_orders(orders, uses=("customer_id", "day", "amount_minor"), as_of_day=as_of_day)
        valid = opened.frame
        if window_days is not None:
            valid = valid.filter(nw.col("day") > as_of_day - window_days)
        (summary,) = opened.settle(
            valid.group_by("customer_id").agg(
                nw.col("day").max().alias("last_day"),
                nw.len().alias("frequency"),
                nw.col("amount_minor").sum().alias("monetary_minor"),
            )
        )
    measured = _measured(summary, as_of_day=as_of_day, monetary=monetary)
    return frames.like(orders, _scored(measured, scheme), grain=("customer_id",))


def thresholds(scores: IntoFrame) -> Thresholds:
    """Return what the scores amounted to: the least or most that each score and each letter took.

    Args:
        scores: What `score` returned.

    Raises:
        FactsError: It is not.
    """
    opened = facts.open_table(scores, name="scores", columns=SCORES, grain="customer_id")
    frame = opened.frame
    asked = [nw.len().alias("customers")]
    for place, dimension in enumerate(_DIMENSIONS):
        values = nw.col(dimension.column)
        needs = {f"{dimension.column} {step}": nw.col(dimension.score) >= step for step in _STEPS}
        needs[f"{dimension.column} high"] = _letter(place) == dimension.letter
        for name, reached in needs.items():
            those = nw.when(reached).then(values)
            asked.append((those.max() if dimension.smaller_is_better else those.min()).alias(name))
        asked.append(values.sum().cast(nw.Int64).alias(f"{dimension.column} sum"))
    (settled,) = opened.settle(frame.select(*asked))
    (found,) = frames.rows(settled)

    def taken(column: str) -> tuple[int | None, ...]:
        return tuple(found[f"{column} {step}"] for step in _STEPS)

    def mean(column: str) -> float | None:
        return found[f"{column} sum"] / found["customers"] if found["customers"] else None

    return Thresholds(
        customers=found["customers"],
        recency_days=taken("recency_days"),
        frequency=taken("frequency"),
        monetary_minor=taken("monetary_minor"),
        high_recency_days=found["recency_days high"],
        high_frequency=found["frequency high"],
        high_monetary_minor=found["monetary_minor high"],
        mean_recency_days=mean("recency_days"),
        mean_frequency=mean("frequency"),
        mean_monetary_minor=mean("monetary_minor"),
    )


def _letter(place: int) -> nw.Expr:
    return nw.col("cell").str.slice(place, 1)


def _measured(summary: Lazy, *, as_of_day: int, monetary: Monetary) -> Lazy:
    orders, money = nw.col("frequency").cast(nw.Int64), nw.col("monetary_minor").cast(nw.Int64)
    if monetary == "average_order":
        money = (2 * money + orders) // (2 * orders)
    return summary.select(
        "customer_id",
        (as_of_day - nw.col("last_day").cast(nw.Int64)).alias("recency_days"),
        orders.alias("frequency"),
        money.alias("monetary_minor"),
    )


def _scored(measured: Lazy, scheme: Scheme | Cuts) -> Lazy:
    cuts = scheme if isinstance(scheme, Cuts) else Cuts()
    scores, letters = [], []
    for dimension in _DIMENSIONS:
        own: tuple[int, ...] | None = getattr(cuts, dimension.column)
        if scheme == "mean":
            value = _by_mean(dimension)
        elif own is None:
            value = _by_quintile(dimension)
        else:
            value = 1 + _how_many(_reaches(dimension, cut) for cut in own)
        scores.append(value.cast(nw.Int8).alias(dimension.score))
        bar: int | None = getattr(cuts, f"high_{dimension.column}")
        high = _better_than_mean(dimension) if bar is None else _reaches(dimension, bar)
        letters.append(nw.when(high).then(nw.lit(dimension.letter)).otherwise(nw.lit(dimension.score)))
    return _beside_all(measured).select(
        "customer_id",
        nw.col("recency_days").cast(nw.Int32),
        nw.col("frequency").cast(nw.Int32),
        "monetary_minor",
        *scores,
        nw.concat_str(letters).alias("cell"),
    )


def _beside_all(measured: Lazy) -> Lazy:
    """Add what a customer is compared with: the number of customers, the totals, and the fifth that each value lies in.

    As columns, since engines that write SQL repeat an expression wherever it is used.
    """
    if measured.implementation.is_duckdb():
        return _beside_all_by_sql(measured)
    values = {dimension: nw.col(dimension.column) for dimension in _DIMENSIONS}
    counted = measured.with_columns(
        nw.len().cast(nw.Int64).alias("all"),
        *((value.rank("min").cast(nw.Int64) - 1).alias(one.fifth) for one, value in values.items()),
        *(value.sum().cast(nw.Int64).alias(one.total) for one, value in values.items()),
    )
    # A threshold lies below a value exactly when that share of the customers does.
    return counted.with_columns(
        ((5 * nw.col(dimension.fifth)) // nw.col("all")).alias(dimension.fifth) for dimension in _DIMENSIONS
    )


def _beside_all_by_sql(measured: Lazy) -> Lazy:
    """Do the same with the thresholds themselves: DuckDB finds them in a third of the time that it ranks in.

    They are one row beside all others. As a window over everybody they would be worked out on one core.
    """
    columns = [(f'"{one.column}"', f'"{one.fifth}"', f'"{one.total}"') for one in _DIMENSIONS]
    of_all = ", ".join(
        f"sum({value})::BIGINT AS {total}, quantile_disc({value}, [0.2, 0.4, 0.6, 0.8]) AS {fifth}"
        for value, fifth, total in columns
    )
    fifths = ", ".join(
        f"{' + '.join(f'({value} > {fifth}[{place}])::BIGINT' for place in range(1, 5))} AS {fifth}"
        for value, fifth, _ in columns
    )
    sql = f"""
        WITH one AS MATERIALIZED (FROM {GIVEN}), every AS (SELECT count(*) AS "all", {of_all} FROM one)
        SELECT * REPLACE ({fifths}) FROM one, every
    """  # noqa: S608 - names of this file
    return found_by_duckdb(measured, sql)


def _by_quintile(dimension: _Dimension) -> nw.Expr:
    return 5 - nw.col(dimension.fifth) if dimension.smaller_is_better else 1 + nw.col(dimension.fifth)


def _by_mean(dimension: _Dimension) -> nw.Expr:
    values, total, count = nw.col(dimension.column), nw.col(dimension.total), nw.col("all")
    if dimension.smaller_is_better:
        # x < 2/j * mean, without fractions.
        return 1 + _how_many(halves * count * values < 2 * total for halves in (1, 2, 3, 4))
    return 1 + _how_many(2 * count * values > halves * total for halves in (1, 2, 3, 4))


def _better_than_mean(dimension: _Dimension) -> nw.Expr:
    scaled, total = nw.col(dimension.column) * nw.col("all"), nw.col(dimension.total)
    return scaled < total if dimension.smaller_is_better else scaled > total


def _reaches(dimension: _Dimension, cut: int) -> nw.Expr:
    values = nw.col(dimension.column)
    return values <= cut if dimension.smaller_is_better else values >= cut


def _how_many(conditions: Iterable[nw.Expr]) -> nw.Expr:
    return nw.sum_horizontal(*(condition.cast(nw.Int64) for condition in conditions))
