"""Facts: the tables that the customer science reads, what their columns mean, and what is asked of them.

One definition serves three readers: whoever writes facts (the nightly export, a merchant's own warehouse),
every function here, and the person who reads the error. Functions need only the columns they use, accept more,
and take `is_valid` into account where it is present.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, frames
from regulars.analytics.frames import Lazy
from regulars.kernel.errors import RegularsError


class FactsError(RegularsError):
    """A table of facts breaks its contract. `details` has `table`, `column` and what was found."""

    code: ClassVar[str] = "invalid_facts"


class MissingColumnError(FactsError):
    """A column that the function needs is absent."""

    code: ClassVar[str] = "missing_column"


class ColumnTypeError(FactsError):
    """A column holds another kind of value than its meaning asks for."""

    code: ClassVar[str] = "wrong_column_type"


class NullValueError(FactsError):
    """A column that must be filled has gaps."""

    code: ClassVar[str] = "null_value"


class NegativeValueError(FactsError):
    """A day before 1970, or money below zero in an order that counts."""

    code: ClassVar[str] = "negative_value"


class FutureDayError(FactsError):
    """A row lies after the day for which the question is asked."""

    code: ClassVar[str] = "future_day"


class DuplicateIdError(FactsError):
    """Rows share an id that should tell them apart."""

    code: ClassVar[str] = "duplicate_id"


class UnknownDatasetError(FactsError):
    """There is no such dataset."""

    code: ClassVar[str] = "unknown_dataset"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a column may hold, in words and as a test of its type."""

    rule: str
    holds: Callable[[nw.dtypes.DType], bool]


ID = Kind(
    rule="whole numbers or text",
    holds=lambda dtype: dtype.is_integer() or dtype in (nw.String, nw.Categorical, nw.Enum),
)
DAY = Kind(rule="whole days since 1970-01-01", holds=lambda dtype: dtype.is_integer())
AMOUNT = Kind(
    rule="a whole number of minor units (12.34 is 1234)",
    holds=lambda dtype: dtype.is_integer(),
)
NUMBER = Kind(rule="whole numbers", holds=lambda dtype: dtype.is_integer())
MEASURE = Kind(rule="numbers", holds=lambda dtype: dtype.is_numeric())
FLAG = Kind(rule="true or false", holds=lambda dtype: dtype == nw.Boolean)
TEXT = Kind(rule="text", holds=lambda dtype: dtype in (nw.String, nw.Categorical, nw.Enum))


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a dataset. `dtype` is what the export writes; `kind` is what is accepted."""

    name: str
    dtype: type[nw.dtypes.DType]
    kind: Kind
    meaning: str
    nullable: bool = False


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A table of facts: one row for each value of `grain`."""

    name: str
    grain: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """Return the column of that name, which exists."""
        return next(column for column in self.columns if column.name == name)

    def only(self, *names: str) -> tuple[Column, ...]:
        """Return the columns of these names, in their order; all exist."""
        return tuple(self.column(name) for name in names)


def _ids(*names: str) -> tuple[Column, ...]:
    return tuple(
        Column(name=name, dtype=nw.Int64, kind=ID, meaning=f"{name.removesuffix('_id')} of the record")
        for name in names
    )


_DAY = Column(name="day", dtype=nw.Int32, kind=DAY, meaning="order day in the merchant's time zone")

CUSTOMERS = Dataset(
    name="customers",
    grain="customer_id",
    columns=(
        *_ids("customer_id"),
        Column(name="code", dtype=nw.String, kind=TEXT, meaning="the merchant's own id for the customer"),
        Column(name="country", dtype=nw.String, kind=TEXT, meaning="country as recorded; empty when unknown"),
    ),
)
PRODUCTS = Dataset(
    name="products",
    grain="product_id",
    columns=(
        *_ids("product_id", "store_id"),
        Column(name="code", dtype=nw.String, kind=TEXT, meaning="the store's own product code (SKU)"),
        Column(name="name", dtype=nw.String, kind=TEXT, meaning="name; empty when unknown"),
        Column(name="category", dtype=nw.String, kind=TEXT, meaning="category; empty when unknown"),
        Column(name="brand", dtype=nw.String, kind=TEXT, meaning="brand; empty when unknown"),
        Column(name="pack_size", dtype=nw.String, kind=TEXT, meaning="pack size; empty when unknown"),
    ),
)
ORDERS = Dataset(
    name="orders",
    grain="order_id",
    columns=(
        *_ids("customer_id", "order_id", "store_id"),
        _DAY,
        Column(name="amount_minor", dtype=nw.Int64, kind=AMOUNT, meaning="paid less refunded"),
        Column(name="gross_minor", dtype=nw.Int64, kind=AMOUNT, meaning="paid, before refunds"),
        Column(name="refunded_minor", dtype=nw.Int64, kind=AMOUNT, meaning="given back since"),
        Column(name="discount_minor", dtype=nw.Int64, kind=AMOUNT, meaning="taken off before payment"),
        Column(
            name="is_valid",
            dtype=nw.Boolean,
            kind=FLAG,
            meaning="paid, not cancelled, worth more than 0 after refunds",
        ),
    ),
)
LINES = Dataset(
    name="lines",
    grain="line_id",
    columns=(
        *_ids("line_id", "customer_id", "product_id", "store_id"),
        Column(
            name="order_id",
            dtype=nw.Int64,
            kind=ID,
            meaning="order of the record; null for a refund without an order",
            nullable=True,
        ),
        _DAY,
        Column(
            name="quantity",
            dtype=nw.Float64,
            kind=MEASURE,
            meaning="how many, in the product's own unit; negative for a refund",
        ),
        Column(
            name="amount_minor",
            dtype=nw.Int64,
            kind=AMOUNT,
            meaning="paid for the whole quantity, before refunds; negative for a refund",
        ),
        Column(name="discount_minor", dtype=nw.Int64, kind=AMOUNT, meaning="taken off before payment"),
        Column(name="is_valid", dtype=nw.Boolean, kind=FLAG, meaning="the order is valid"),
    ),
)

EVENTS = Dataset(
    name="events",
    grain="event_id",
    columns=(
        *_ids("event_id"),
        Column(
            name="customer_id",
            dtype=nw.Int64,
            kind=ID,
            meaning="customer of the record; of a visitor without a name, minus the visitor",
        ),
        *_ids("store_id"),
        Column(name="event", dtype=nw.String, kind=TEXT, meaning="what was done: Product Viewed"),
        Column(
            name="product_id",
            dtype=nw.Int64,
            kind=ID,
            meaning="product of the record; null for none",
            nullable=True,
        ),
        Column(name="day", dtype=nw.Int32, kind=DAY, meaning="day in the merchant's time zone"),
        Column(
            name="at_us",
            dtype=nw.Int64,
            kind=NUMBER,
            meaning="when it happened, microseconds since 1970-01-01 UTC",
        ),
    ),
)

DATASETS = {dataset.name: dataset for dataset in (CUSTOMERS, PRODUCTS, ORDERS, LINES, EVENTS)}
"""Every dataset by its name."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A table that passed by its types, and the one-row query that tells whether its values pass too.

    `frame` has only rows that count and only columns in use. Nothing is computed until `settle`, so that checking
    and answering read the table once.
    """

    frame: Lazy
    checks: Lazy
    judge: Callable[[dict[str, Any]], None]

    def settle(self, *results: Lazy) -> list[Lazy]:
        """Check the table and return results worked out from it.

        Raises:
            FactsError: A value breaks the contract.
        """
        checked, *settled = frames.compute(self.checks, *results)
        self.judge(frames.rows(checked)[0])
        return settled


def check(table: IntoFrame, *, dataset: str) -> None:
    """Check a whole table against its dataset: columns, types, gaps, signs, and ids that occur once.

    Costs one pass over the table and a count of distinct ids.

    Args:
        table: Any supported table.
        dataset: `customers`, `products`, `orders`, `lines` or `events`.

    Raises:
        FactsError: One of its kinds, which names the column, what was found and what is asked.
    """
    if dataset not in DATASETS:
        raise UnknownDatasetError(
            f"dataset == {dataset!r}, must be one of {', '.join(DATASETS)}", dataset=dataset
        )
    contract = DATASETS[dataset]
    names = [column.name for column in contract.columns]
    valid = _valid(names) if contract is ORDERS else None
    _open(table, contract, uses=names, as_of_day=None, unique=True, valid=valid).settle()


def until(table: IntoFrameT, *, as_of_day: int) -> IntoFrameT:
    """Return the rows on or before a day: what was known then. The functions here refuse later rows.

    Args:
        table: Any table with a `day` column.
        as_of_day: The last day to keep.

    Raises:
        MissingColumnError: There is no `day`.
        ArgumentError: `as_of_day` is no day.
    """
    arguments.day(as_of_day, name="as_of_day")
    present = frames.schema(table, name="table")
    _demand("table", present, [ORDERS.column("day")])
    frame: Any = nw.from_native(cast("Any", table))
    return cast("IntoFrameT", frame.filter(nw.col("day") <= as_of_day).to_native())


def open_orders(
    orders: IntoFrame, *, uses: Sequence[str], optional: Sequence[str] = (), as_of_day: int | None = None
) -> Opened:
    """Return the valid orders of a table.

    An order is valid when `is_valid` says so; without that column, when its `amount_minor` is above 0; without
    that one too, every row counts. Tables in memory are also checked for an `order_id` that occurs twice; for
    lazy ones that would cost as much as the answer, so `check` does it on demand.

    Args:
        orders: The `orders` dataset, or as much of it as `uses` names.
        uses: Columns the function reads.
        optional: Columns it reads where they are present.
        as_of_day: No order may lie after it; None asks nothing.

    Raises:
        FactsError: A column is missing or of the wrong type. Wrong values are found by `Opened.settle`.
    """
    present = frames.schema(orders, name="orders")
    unique = "order_id" in present and frames.is_eager(orders)
    judged_by = "is_valid" if "is_valid" in present else "amount_minor"
    extra = [*optional, judged_by, *(["order_id"] if unique else [])]
    names = list(dict.fromkeys([*uses, *(name for name in extra if name in present)]))
    return _open(orders, ORDERS, uses=names, as_of_day=as_of_day, unique=unique, valid=_valid(names))


def open_lines(
    lines: IntoFrame, *, uses: Sequence[str], optional: Sequence[str] = (), as_of_day: int | None = None
) -> Opened:
    """Return the lines of valid orders: those where `is_valid` says so; without that column, every row.

    Tables in memory are also checked for a `line_id` that occurs twice.

    Args:
        lines: The `lines` dataset, or as much of it as `uses` names.
        uses: Columns the function reads.
        optional: Columns it reads where they are present.
        as_of_day: No line may lie after it; None asks nothing.

    Raises:
        FactsError: A column is missing or of the wrong type. Wrong values are found by `Opened.settle`.
    """
    present = frames.schema(lines, name="lines")
    unique = "line_id" in present and frames.is_eager(lines)
    extra = [*optional, "is_valid", *(["line_id"] if unique else [])]
    names = list(dict.fromkeys([*uses, *(name for name in extra if name in present)]))
    valid = nw.col("is_valid") if "is_valid" in present else None
    return _open(lines, LINES, uses=names, as_of_day=as_of_day, unique=unique, valid=valid)


def open_table(  # noqa: PLR0913 - what a dataset says by itself
    table: IntoFrame,
    *,
    name: str,
    columns: Sequence[Column],
    grain: str,
    as_of_day: int | None = None,
    unique: bool = True,
) -> Opened:
    """Return a table that is not one of the datasets, such as the scores that another function gave.

    Args:
        table: Any supported table.
        name: What it is called in messages.
        columns: What is read of it.
        grain: The column that tells its rows apart.
        as_of_day: No day in it may lie after; None asks nothing.
        unique: Refuse a table in memory whose `grain` occurs twice.

    Raises:
        FactsError: A column is missing or of the wrong type. Wrong values are found by `Opened.settle`.
    """
    dataset = Dataset(name=name, grain=grain, columns=tuple(columns))
    names = [column.name for column in columns]
    return _open(table, dataset, uses=names, as_of_day=as_of_day, unique=unique and frames.is_eager(table))


def _open(  # noqa: PLR0913 - one place where a table is opened
    table: IntoFrame,
    dataset: Dataset,
    *,
    uses: Sequence[str],
    as_of_day: int | None,
    unique: bool,
    valid: nw.Expr | None = None,
) -> Opened:
    present = frames.schema(table, name=dataset.name)
    columns = [dataset.column(name) for name in uses]
    _demand(dataset.name, present, columns)
    raw = frames.lazy(table, name=dataset.name, columns=uses)
    # Narrow or unsigned integers would wrap around when summed or subtracted.
    fits = (nw.Int64, nw.Int32)
    narrow = [
        column.name
        for column in columns
        if column.kind in (DAY, AMOUNT, NUMBER)
        and present[column.name] not in (fits[:1] if column.kind is AMOUNT else fits)
    ]
    frame = raw.with_columns(nw.col(*narrow).cast(nw.Int64)) if narrow else raw
    return Opened(
        frame=frame if valid is None else frame.filter(valid),
        checks=raw.select(*_findings(dataset, columns, valid=valid, unique=unique)),
        judge=lambda found: _judge(dataset, columns, found, as_of_day=as_of_day),
    )


_REMEDIES = {"amount_minor": "; net refunds into their order, or mark orders that do not count with is_valid"}


def _valid(names: Sequence[str]) -> nw.Expr | None:
    if "is_valid" in names:
        return nw.col("is_valid")
    if "amount_minor" in names:
        return nw.col("amount_minor") > 0
    return None


def _findings(
    dataset: Dataset, columns: Sequence[Column], *, valid: nw.Expr | None, unique: bool
) -> list[nw.Expr]:
    found = [nw.len().alias("rows")]
    for column in columns:
        values = nw.col(column.name)
        if not column.nullable:
            found.append((nw.len() - values.count()).cast(nw.Int64).alias(f"nulls {column.name}"))
        if column.kind in (DAY, AMOUNT):
            # What was taken back from an order that does not count may exceed it.
            judged = values if column.name != "amount_minor" else _counted(values, columns, valid=valid)
            found.append(judged.min().alias(f"least {column.name}"))
        if column.kind is DAY:
            found.append(values.max().alias(f"most {column.name}"))
    if unique:
        found.append(nw.col(dataset.grain).n_unique().alias("ids"))
    return found


def _counted(amount: nw.Expr, columns: Sequence[Column], *, valid: nw.Expr | None) -> nw.Expr:
    """Return the amounts that may not be negative: of what counts, and is no refund."""
    names = [column.name for column in columns]
    if valid is not None and "is_valid" in names:
        amount = nw.when(nw.col("is_valid")).then(amount)
    if "quantity" in names:
        amount = nw.when(nw.col("quantity") >= 0).then(amount)
    return amount


def _judge(
    dataset: Dataset, columns: Sequence[Column], found: dict[str, Any], *, as_of_day: int | None
) -> None:
    table = dataset.name
    for column in columns:
        where, name = f"{table}.{column.name}", column.name
        if nulls := found.get(f"nulls {name}"):
            raise NullValueError(
                f"{where} is missing in {nulls} of {found['rows']} rows; fill or drop them",
                table=table,
                column=name,
                rows=nulls,
            )
        least, most = found.get(f"least {name}"), found.get(f"most {name}")
        if least is not None and least < 0:
            raise NegativeValueError(
                f"{where} == {least}, must be {column.kind.rule}, 0 or more{_REMEDIES.get(name, '')}",
                table=table,
                column=name,
                found=least,
            )
        if as_of_day is not None and most is not None and most > as_of_day:
            raise FutureDayError(
                f"{where} == {most} lies after as_of_day == {as_of_day}; "
                "ask for a later day, or hand in facts.until(orders, as_of_day=...)",
                table=table,
                column=name,
                found=most,
            )
    # Of no rows at all, some engines count no different values, and some null.
    if "ids" in found and (found["ids"] or 0) < found["rows"]:
        raise DuplicateIdError(
            f"{table}.{dataset.grain} has {found['ids']} different values in {found['rows']} rows, "
            f"must be one row for each {dataset.grain.removesuffix('_id')}",
            table=table,
            column=dataset.grain,
            rows=found["rows"] - found["ids"],
        )


def _demand(table: str, present: dict[str, nw.dtypes.DType], columns: Sequence[Column]) -> None:
    for column in columns:
        if column.name not in present:
            raise MissingColumnError(
                f"{table} has no column {column.name} ({column.meaning}: {column.kind.rule}); it has {', '.join(present)}",
                table=table,
                column=column.name,
            )
        dtype = present[column.name]
        if not column.kind.holds(dtype):
            raise ColumnTypeError(
                f"{table}.{column.name} is {dtype}, must be {column.kind.rule}; cast it before",
                table=table,
                column=column.name,
                found=str(dtype),
            )
