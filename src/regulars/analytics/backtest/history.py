"""The shop's days as a back-test needs them: a sample in memory, cut at any day."""

from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame

from regulars.analytics import facts, frames, in_memory
from regulars.analytics.frames import Lazy

_ORDERS = ("customer_id", "day", "amount_minor")
_PRICES = ("gross_minor", "discount_minor")
_LINES = ("customer_id", "day", "product_id")


@dataclass(frozen=True, kw_only=True, eq=False)
class History:
    """Orders and what else is known of the same customers, up to a day.

    Attributes:
        orders: Valid orders.
        lines: Lines of valid orders; None where none were handed in.
        events: Behaviour; None likewise.
        tickets: Complaints; None likewise.
        until_day: Nothing lies after it.
        first_day: Day of the first order.
        customers: Customers with a valid order in the whole shop.
        sampled: How many of them are in here.
    """

    orders: pl.DataFrame
    lines: pl.DataFrame | None
    events: pl.DataFrame | None
    tickets: pl.DataFrame | None
    until_day: int
    first_day: int
    customers: int
    sampled: int

    def until(self, day: int) -> "History":
        """Return what was known on the evening of a day: the only way from the future to a forecast."""

        def cut(table: pl.DataFrame | None) -> pl.DataFrame | None:
            return None if table is None else table.filter(pl.col("day") <= day)

        return replace(
            self,
            orders=self.orders.filter(pl.col("day") <= day),
            lines=cut(self.lines),
            events=cut(self.events),
            tickets=cut(self.tickets),
            until_day=day,
        )

    def occasions(self, *, after: int, days: int) -> pl.DataFrame:
        """Return distinct (customer_id, day) with an order in the `days` after a day."""
        between = self.orders.filter(pl.col("day").is_between(after + 1, after + days))
        return between.select("customer_id", "day").unique()

    @property
    def days(self) -> int:
        """Days from the first order to the last day, both counted."""
        return self.until_day - self.first_day + 1 if len(self.orders) else 0

    @property
    def returned(self) -> int:
        """Customers who bought on more than one day."""
        days = self.orders.group_by("customer_id").agg(pl.col("day").n_unique())
        return int((days["day"] > 1).sum())


def read(  # noqa: PLR0913 - every table that a model may learn from
    orders: IntoFrame,
    *,
    lines: IntoFrame | None,
    events: IntoFrame | None,
    tickets: IntoFrame | None,
    as_of_day: int,
    most_customers: int,
) -> History:
    """Read a sample of the customers from the caller's engine.

    Of more customers than `most_customers` every n-th by id is taken, with everything that is known of them: ids
    follow arrival, so that old and new customers are sampled alike, and the same ones every time.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables live in different engines.
    """
    opened = facts.open_orders(orders, uses=_ORDERS, optional=_PRICES, as_of_day=as_of_day)
    everybody, valid = opened.settle(opened.frame.group_by("customer_id").agg(), opened.frame)
    ids = _frame(everybody)["customer_id"].sort()
    kept = ids.gather_every(-(-len(ids) // most_customers)) if len(ids) > most_customers else ids
    sample = kept if len(kept) < len(ids) else None
    # Valid already; the functions downstream are told so rather than left to ask the amount.
    known = _sampled(valid, sample).with_columns(is_valid=pl.lit(value=True))
    return History(
        orders=known,
        lines=None if lines is None else _lines(lines, orders, sample, as_of_day=as_of_day),
        events=None
        if events is None
        else _beside(events, orders, sample, name="events", as_of_day=as_of_day),
        tickets=None
        if tickets is None
        else _beside(tickets, orders, sample, name="tickets", as_of_day=as_of_day),
        until_day=as_of_day,
        first_day=int(known["day"].min() or 0) if len(known) else as_of_day,  # type: ignore[arg-type] # days are whole
        customers=len(ids),
        sampled=len(kept),
    )


def _lines(lines: IntoFrame, orders: IntoFrame, sample: pl.Series | None, *, as_of_day: int) -> pl.DataFrame:
    frames.same_engine(orders, lines, names=("orders", "lines"))
    opened = facts.open_lines(lines, uses=_LINES, optional=("quantity",), as_of_day=as_of_day)
    (settled,) = opened.settle(opened.frame)
    return _sampled(settled, sample)


def _beside(
    table: IntoFrame, orders: IntoFrame, sample: pl.Series | None, *, name: str, as_of_day: int
) -> pl.DataFrame:
    """Read a table whose other columns are the business of the model that uses it."""
    frames.same_engine(orders, table, names=("orders", name))
    opened = facts.open_table(
        table, name=name, columns=_WHO_AND_WHEN, grain="customer_id", as_of_day=as_of_day, unique=False
    )
    opened.settle()
    everything = frames.lazy(table, name=name, columns=list(frames.schema(table, name=name)))
    return _sampled(everything.filter(~nw.col("customer_id").is_null()), sample)


_WHO_AND_WHEN = (
    # Of somebody unknown nothing can be forecast.
    replace(facts.ORDERS.column("customer_id"), nullable=True),
    facts.ORDERS.column("day"),
)


def _sampled(table: Lazy, sample: pl.Series | None) -> pl.DataFrame:
    if sample is None:
        return _frame(table)
    kept = in_memory.beside(table, {"customer_id": sample.to_numpy()})
    return _frame(table.join(kept, on="customer_id", how="semi"))


def _frame(table: Lazy) -> pl.DataFrame:
    """Return an engine's table as a Polars frame."""
    native: Any = table.to_native()
    if isinstance(native, pl.LazyFrame):
        return native.collect(engine="streaming")
    engine: nw.Implementation = table.implementation
    if engine.is_duckdb():
        return pl.DataFrame(native)
    return pl.DataFrame(native.toArrow())
