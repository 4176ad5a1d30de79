"""Preferences (偏好): the category and the brand a customer buys most, and how much variety they want."""

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames
from regulars.analytics.frames import Lazy

_PRODUCTS = facts.PRODUCTS.only("product_id", "category", "brand")


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
    (purchases,) = opened.settle(bought.group_by("customer_id", "product_id", "day").agg())
    known = facts.open_table(products, name="products", columns=_PRODUCTS, grain="product_id")
    (catalogue,) = known.settle(known.frame)
    described = purchases.join(catalogue, on="product_id", how="left")
    counted = purchases.group_by("customer_id").agg(
        nw.len().cast(nw.Int64).alias("purchases"),
        nw.col("product_id").n_unique().cast(nw.Int64).alias("different"),
    )
    spread = (nw.col("different") - 1) / (nw.col("purchases") - 1)
    enough = nw.col("purchases") >= minimum_purchases
    result = (
        counted.select(
            "customer_id",
            "purchases",
            nw.when(enough).then(spread).alias("variety"),
        )
        .join(_favourite(described, "category", least=minimum_purchases), on="customer_id", how="left")
        .join(_favourite(described, "brand", least=minimum_purchases), on="customer_id", how="left")
    )
    return frames.like(lines, result, grain=("customer_id",))


def _favourite(described: Lazy, kind: str, *, least: int) -> Lazy:
    """One row for each customer with enough purchases of known kind."""
    of_kind = described.filter(nw.col(kind) != "").with_columns(nw.lit(1).alias("all"))
    in_store = (
        of_kind.group_by("all", kind)
        .agg(nw.len().cast(nw.Int64).alias("store"))
        .with_columns(nw.col("store").sum().over("all").alias("store_all"))
    )
    counted = (
        of_kind.group_by("customer_id", kind)
        .agg(nw.len().cast(nw.Int64).alias("own"))
        .with_columns(nw.col("own").sum().over("customer_id").alias("own_all"))
        .filter(nw.col("own_all") >= least)
        .with_columns((-nw.col("own")).alias("fewest"), nw.lit(1).cast(nw.Int64).alias("one"))
        .with_columns(nw.col("one").cum_sum().over("customer_id", order_by=("fewest", kind)).alias("place"))
        .filter(nw.col("place") == 1)
        .join(in_store, on=kind, how="inner")
    )
    share = nw.col("own") / nw.col("own_all")
    return counted.select(
        "customer_id",
        kind,
        nw.col("own").cast(nw.Int64).alias(f"{kind}_purchases"),
        share.alias(f"{kind}_share"),
        (share * nw.col("store_all") / nw.col("store")).alias(f"{kind}_lift"),
    )
