"""Preferences (偏好): the category and the brand a customer buys most, and how much variety they want."""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames, in_memory
from regulars.analytics.frames import Lazy

_KINDS = ("category", "brand")
_PRODUCTS = facts.PRODUCTS.only("product_id", *_KINDS)


def score(
    lines: IntoFrameT, products: IntoFrame, *, as_of_day: int, minimum_purchases: int = 3
) -> IntoFrameT:
    """Return each customer's favourite category and brand, and their variety.

    A purchase is a product on a day; how many of it were bought does not matter. The favourite is what most purchases
    are of, ties by name. Its lift tells a taste from what everybody buys: 1 is as much as the store's customers on the whole.

    Args:
        lines: Facts `lines`: customer_id, product_id, day; quantity and is_valid where present.
        products: Facts `products`: product_id, category, brand; empty texts are unknown.
        as_of_day: No line may lie after it, days since 1970-01-01.
        minimum_purchases: Fewer purchases (of known category, of known brand) tell no preference: null.

    Returns:
        One row for each customer with a purchase: customer_id, purchases, variety (0 buys one product again and again, 1
        never the same twice), category, category_purchases, category_share (of those with a known category),
        category_lift, brand, brand_purchases, brand_share, brand_lift.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(minimum_purchases, name="minimum_purchases", least=2)
    frames.same_engine(lines, products, names=("lines", "products"))
    opened = facts.open_lines(
        lines, uses=("customer_id", "product_id", "day"), optional=("quantity",), as_of_day=as_of_day
    )
    bought = opened.frame
    if "quantity" in bought.collect_schema().names():
        bought = bought.filter(nw.col("quantity") > 0)
    days = bought.group_by("customer_id", "product_id", "day").agg()
    (held,) = opened.settle(
        days.group_by("customer_id", "product_id").agg(nw.len().cast(nw.Int64).alias("own"))
    )
    known = facts.open_table(products, name="products", columns=_PRODUCTS, grain="product_id")
    (catalogue,) = known.settle(known.frame)
    numbers, kinds = _numbered(held, catalogue)
    spread = (nw.col("different") - 1) / (nw.col("purchases") - 1)
    result = (
        held.group_by("customer_id")
        .agg(
            nw.col("own").sum().cast(nw.Int64).alias("purchases"), nw.len().cast(nw.Int64).alias("different")
        )
        .select(
            "customer_id",
            "purchases",
            nw.when(nw.col("purchases") >= minimum_purchases).then(spread).alias("variety"),
        )
    )
    described = held.join(numbers, on="product_id", how="inner")
    for kind in kinds:
        favourite = _favourite(described, kind, least=minimum_purchases)
        result = result.join(favourite, on="customer_id", how="left")
    return frames.like(lines, result, grain=("customer_id",))


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """The categories, or the brands, of a catalogue.

    Attributes:
        column: `category` or `brand`.
        names: By `number`, in the order of names: the name, and `store`, how many purchases were of it.
        count: How many there are.
        purchases: How many purchases were of any.
    """

    column: str
    names: Lazy
    count: int
    purchases: int


def _numbered(held: Lazy, catalogue: Lazy) -> tuple[Lazy, list[_Kind]]:
    """Return the number of each product's category and brand (-1 is unknown), and what the numbers mean.

    A catalogue fits in memory. Worked out there, what is usual in the store costs lazy engines one more reading of the lines
    instead of one for each kind, and the favourite is a maximum of numbers instead of the first of a sorted window.
    """
    sold = held.group_by("product_id").agg(nw.col("own").sum().cast(nw.Int64).alias("store"))
    listed = in_memory.arrays(
        catalogue.join(sold, on="product_id", how="left").with_columns(nw.col("store").fill_null(0))
    )
    numbers, kinds = {"product_id": listed["product_id"]}, []
    for column in _KINDS:
        # The empty name, which is unknown, comes before all others.
        names, place = np.unique(np.append(listed[column].astype(object), ""), return_inverse=True)
        numbers[column] = place[:-1].astype(np.int64) - 1
        store = np.bincount(place[:-1], weights=listed["store"], minlength=len(names))[1:].astype(np.int64)
        table = {"number": np.arange(len(store)), column: names[1:], "store": store}
        typed = in_memory.beside(held, table).with_columns(nw.col(column).cast(nw.String))
        kinds.append(_Kind(column=column, names=typed, count=max(len(store), 1), purchases=int(store.sum())))
    product = catalogue.collect_schema()["product_id"]
    return in_memory.beside(held, numbers).with_columns(nw.col("product_id").cast(product)), kinds


def _favourite(described: Lazy, kind: _Kind, *, least: int) -> Lazy:
    """One row for each customer with enough purchases of known kind."""
    own, number = nw.col("own"), nw.col(kind.column)
    counted = (
        described.filter(number >= 0)
        .group_by("customer_id", kind.column)
        .agg(own.sum().cast(nw.Int64))
        # The most purchases, ties by name: one number tells both.
        .with_columns((own * kind.count + (kind.count - 1 - number)).alias("best"))
        .group_by("customer_id")
        .agg(own.sum().cast(nw.Int64).alias("all"), nw.col("best").max())
        .filter(nw.col("all") >= least)
        .with_columns(
            (nw.col("best") // kind.count).alias("own"),
            (kind.count - 1 - nw.col("best") % kind.count).alias("number"),
        )
        .join(kind.names, on="number", how="inner")
    )
    share = own / nw.col("all")
    return counted.select(
        "customer_id",
        kind.column,
        own.cast(nw.Int64).alias(f"{kind.column}_purchases"),
        share.alias(f"{kind.column}_share"),
        (share * kind.purchases / nw.col("store")).alias(f"{kind.column}_lift"),
    )
