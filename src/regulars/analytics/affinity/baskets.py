"""Baskets: what a customer bought on one day, as the engine has them and as arrays."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from regulars.analytics import facts, frames, in_memory
from regulars.analytics.facts import Opened
from regulars.analytics.frames import Lazy

Whole = NDArray[np.int64]

PRODUCT = facts.Column(name="product_id", dtype=nw.Int64, kind=facts.ID, meaning="product")
CUSTOMER = facts.Column(name="customer_id", dtype=nw.Int64, kind=facts.ID, meaning="customer")


def open_lines(lines: IntoFrame, *, as_of_day: int | None) -> tuple[Opened, Lazy]:
    """Return the opened lines and what is in each basket: customer_id, day, product_id, each once.

    A line with a quantity of 0 or less puts nothing into a basket.
    """
    opened = facts.open_lines(
        lines, uses=("customer_id", "day", "product_id"), optional=("quantity",), as_of_day=as_of_day
    )
    bought = opened.frame
    if "quantity" in bought.collect_schema().names():
        bought = bought.filter(nw.col("quantity") > 0)
    return opened, bought.group_by("customer_id", "day", "product_id").agg()


def listed(table: IntoFrame, lines: IntoFrame, *, name: str, columns: tuple[facts.Column, ...]) -> Lazy:
    """Return the distinct rows of a table of ids that was handed in beside the lines.

    Raises:
        FactsError: It lacks a column, or has gaps.
        MixedFramesError: It is of another kind than the lines.
    """
    frames.same_engine(lines, table, names=("lines", name))
    names = [column.name for column in columns]
    opened = facts.open_table(table, name=name, columns=columns, grain=names[0], unique=False)
    (settled,) = opened.settle(opened.frame.group_by(*names).agg())
    return settled


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """The distinct pairs of a customer and a product, by customer, then by product.

    Attributes:
        order: The entries, those of one cell side by side, the latest first.
        start: Where in that order each cell begins.
        customer: The customer of each cell.
        product: The product of each cell.
        rows: Where the cells of each customer begin, and the end of all.
    """

    order: Whole
    start: Whole
    customer: Whole
    product: Whole
    rows: Whole

    @property
    def first(self) -> Whole:
        """The entry of each cell that came first."""
        end = np.append(self.start[1:], len(self.order))[: len(self.start)]
        return np.asarray(self.order[end - 1], dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Baskets:
    """Baskets as arrays: one entry for each product in a basket, in one order whatever the engine.

    Attributes:
        customers: Ids of customers, sorted; `customer` points into it.
        products: Ids of products, those of most customers first, then by id; `product` points into it.
        customer: The customer of each entry.
        product: The product of each entry.
        back: How many baskets of the customer came after the entry's.
        day: The day of each entry.
    """

    customers: NDArray[Any]
    products: NDArray[Any]
    customer: Whole
    product: Whole
    back: Whole
    day: Whole

    @classmethod
    def of(cls, distinct: Lazy) -> "Baskets":
        """Read distinct (customer_id, day, product_id) from the engine."""
        columns = in_memory.arrays(distinct)
        customers, customer = np.unique(columns["customer_id"], return_inverse=True)
        by_id, product_by_id = np.unique(columns["product_id"], return_inverse=True)
        pairs = np.sort(customer.astype(np.int64) * max(len(by_id), 1) + product_by_id)
        once = pairs[np.diff(pairs, prepend=-1) != 0]
        buyers = np.bincount(once % max(len(by_id), 1), minlength=len(by_id))
        most_first = np.argsort(-buyers, kind="stable")
        place = np.empty_like(most_first)
        place[most_first] = np.arange(len(by_id))
        product = place[product_by_id]
        days = columns["day"].astype(np.int64)
        order = np.lexsort((product, -days, customer))
        customer, product, days = customer[order].astype(np.int64), product[order], days[order]
        starts = np.flatnonzero(np.diff(customer, prepend=-1))
        another = (np.diff(days, prepend=-1) != 0) | (np.diff(customer, prepend=-1) != 0)
        number = np.cumsum(another)
        back = number - np.repeat(number[starts], np.diff(starts, append=len(customer)))
        return cls(
            customers=customers,
            products=by_id[most_first],
            customer=customer,
            product=product,
            back=back,
            day=days,
        )

    def before_last(self) -> "Baskets":
        """Return the baskets without every customer's last one."""
        earlier = self.back > 0
        return Baskets(
            customers=self.customers,
            products=self.products,
            customer=self.customer[earlier],
            product=self.product[earlier],
            back=self.back[earlier] - 1,
            day=self.day[earlier],
        )

    def decayed(self, decay: float) -> Any:  # noqa: ANN401 - SciPy tells no types
        """Return the sparse matrix, customers by products: each basket weighs `decay` times the next one."""
        from scipy import sparse  # noqa: PLC0415 - only callers who need matrices pay for loading it

        cells = self.cells
        weights = decay ** np.arange(self.back.max(initial=0) + 1, dtype=np.float64)
        of_entries = weights[self.back[cells.order]]
        summed = np.add.reduceat(of_entries, cells.start) if len(cells.start) else of_entries
        return sparse.csr_matrix(
            (summed, cells.product, cells.rows), shape=(len(self.customers), len(self.products))
        )

    @cached_property
    def cells(self) -> "Cells":
        """The distinct pairs of a customer and a product."""
        many = max(len(self.products), 1)
        pair = self.customer * many + self.product
        # Entries of a customer stand latest first, and so they do in each cell.
        order = np.argsort(pair, kind="stable")
        pair = pair[order]
        start = np.flatnonzero(np.diff(pair, prepend=-1))
        customer, product = np.divmod(pair[start], many)
        rows = np.searchsorted(customer, np.arange(len(self.customers) + 1))
        return Cells(order=order, start=start, customer=customer, product=product, rows=rows)

    def sizes(self) -> Whole:
        """Return the number of baskets of each customer."""
        sizes = np.zeros(len(self.customers), dtype=np.int64)
        np.maximum.at(sizes, self.customer, self.back + 1)
        return sizes
