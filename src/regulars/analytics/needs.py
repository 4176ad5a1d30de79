"""Needs (需求分层): how much a customer looks at the price, at quality, and at the brand; each with its evidence."""

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT
from numpy.typing import NDArray

from regulars.analytics import arguments, facts, frames, in_memory
from regulars.analytics.frames import Lazy

_PRODUCTS = facts.PRODUCTS.only("product_id", "category", "brand")
_PRIOR = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Usual:
    """What is usual in a store: beside it a customer's own purchases are read.

    Attributes:
        price: Share of purchases that were discounted; None without a purchase.
        brand: Share of choices that stayed with a brand; None without one.
        product_ids: Products with a standing: of known category, where prices differ.
        standings: Where each stands among its category by the price of a unit, 0 to 1.
        categories: Those with two brands or more.
    """

    price: float | None
    brand: float | None
    product_ids: NDArray[np.int64]
    standings: NDArray[np.float64]
    categories: tuple[str, ...]


def usual(lines: IntoFrame, products: IntoFrame, *, as_of_day: int) -> Usual:
    """Return what is usual in a store, for `score` to read other lines by: those of the customers who changed, say.

    Args:
        lines: As for `score`.
        products: As for `score`.
        as_of_day: No line may lie after it.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: `as_of_day` is no day.
    """
    purchases, catalogue = _opened(lines, products, as_of_day=as_of_day)
    standing = in_memory.arrays(_standing(purchases, catalogue).sort("product_id"))
    categories = frames.rows(_several(_chosen(purchases, catalogue)))
    return Usual(
        price=_together(_discounted(purchases), part="discounted", whole="price_purchases"),
        brand=_together(_stayed(purchases, catalogue, None), part="stayed", whole="brand_choices"),
        product_ids=standing["product_id"].astype(np.int64),
        standings=standing["standing"].astype(np.float64),
        categories=tuple(sorted(row["category"] for row in categories)),
    )


def score(
    lines: IntoFrameT,
    products: IntoFrame,
    *,
    as_of_day: int,
    minimum: int = 5,
    beside: Usual | None = None,
) -> IntoFrameT:
    """Return how price-sensitive, quality-oriented and brand-loyal each customer is.

    A purchase is a product on a day. Each score lies between 0 and 1, shrunk to what is usual in the store by 5 purchases,
    so that one bargain does not make a bargain hunter:

    * price: the share of purchases that were discounted. Usual: that share in the store.
    * quality: where the price of one unit before discount stands among the products of its category: 0 the cheapest, 1
      the dearest; the mean over purchases. Usual: one half. Only categories with two prices or more count.
    * brand: how often the customer, buying of a category again on another day, stays with a brand of the time before.
      Usual: that share in the store. Only categories with two brands or more count.

    Args:
        lines: Facts `lines`: customer_id, product_id, day, quantity, amount_minor, discount_minor; is_valid where present.
        products: Facts `products`: product_id, category, brand; empty texts are unknown.
        as_of_day: No line may lie after it, days since 1970-01-01.
        minimum: Less evidence than this gives no score: null.
        beside: What is usual, where the lines are not those of the whole store; None asks them.

    Returns:
        One row for each customer with a purchase: customer_id, price, price_purchases (evidence), discounted, quality,
        quality_purchases, brand, brand_choices, stayed.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(minimum, name="minimum", least=1)
    purchases, catalogue = _opened(lines, products, as_of_day=as_of_day)
    result = (
        _price(purchases, beside)
        .join(_quality(purchases, catalogue, beside), on="customer_id", how="left")
        .join(_brand(purchases, catalogue, beside), on="customer_id", how="left")
        .with_columns(nw.col("quality_purchases", "brand_choices", "stayed").fill_null(0))
    )
    half = nw.lit(0.5)
    return frames.like(
        lines,
        result.select(
            "customer_id",
            _shrunk("discounted", "price_purchases", nw.col("usual_price"), minimum).alias("price"),
            "price_purchases",
            "discounted",
            _shrunk("standing", "quality_purchases", half, minimum).alias("quality"),
            "quality_purchases",
            _shrunk("stayed", "brand_choices", nw.col("usual_brand"), minimum).alias("brand"),
            "brand_choices",
            "stayed",
        ),
        grain=("customer_id",),
    )


def _opened(lines: IntoFrame, products: IntoFrame, *, as_of_day: int) -> tuple[Lazy, Lazy]:
    """Return the purchases, a row a customer, product and day, and the catalogue."""
    arguments.day(as_of_day, name="as_of_day")
    frames.same_engine(lines, products, names=("lines", "products"))
    opened = facts.open_lines(
        lines,
        uses=("customer_id", "product_id", "day", "quantity", "amount_minor", "discount_minor"),
        as_of_day=as_of_day,
    )
    bought = (
        opened.frame.filter(nw.col("quantity") > 0)
        .group_by("customer_id", "product_id", "day")
        .agg(
            nw.col("quantity").sum().cast(nw.Float64),
            nw.col("amount_minor").sum().cast(nw.Int64),
            nw.col("discount_minor").sum().cast(nw.Int64),
        )
    )
    (purchases,) = opened.settle(bought)
    known = facts.open_table(products, name="products", columns=_PRODUCTS, grain="product_id")
    (catalogue,) = known.settle(known.frame)
    return purchases, catalogue


def _shrunk(total: str, count: str, usual: nw.Expr, minimum: int) -> nw.Expr:
    mean = (nw.col(total) + _PRIOR * usual) / (nw.col(count) + _PRIOR)
    return nw.when(nw.col(count) >= minimum).then(mean)


def _with_usual(
    counted: Lazy, *, part: str, whole: str, name: str, known: tuple[float | None] | None
) -> Lazy:
    """Add the share in the whole store, or the one that is known."""
    if known is not None:
        return counted.with_columns(nw.lit(known[0]).cast(nw.Float64).alias(name))
    together = counted.with_columns(nw.lit(1).alias("all"))
    usual_share = nw.col(part).sum().over("all") / nw.col(whole).sum().over("all")
    return together.with_columns(usual_share.alias(name)).drop("all")


def _together(counted: Lazy, *, part: str, whole: str) -> float | None:
    summed = counted.select(nw.col(part, whole).sum().cast(nw.Int64))
    (row,) = frames.rows(summed)
    return row[part] / row[whole] if row[whole] else None


def _discounted(purchases: Lazy) -> Lazy:
    return purchases.group_by("customer_id").agg(
        nw.len().cast(nw.Int64).alias("price_purchases"),
        (nw.col("discount_minor") > 0).cast(nw.Int64).sum().cast(nw.Int64).alias("discounted"),
    )


def _price(purchases: Lazy, beside: Usual | None) -> Lazy:
    return _with_usual(
        _discounted(purchases),
        part="discounted",
        whole="price_purchases",
        name="usual_price",
        known=None if beside is None else (beside.price,),
    )


def _quality(purchases: Lazy, catalogue: Lazy, beside: Usual | None) -> Lazy:
    """One row for each customer: the sum of the standings of what they bought, and how many have one."""
    standing = (
        _standing(purchases, catalogue)
        if beside is None
        else _table(catalogue, product_id=beside.product_ids, standing=beside.standings)
    )
    return (
        purchases.join(standing, on="product_id", how="inner")
        .group_by("customer_id")
        .agg(nw.col("standing").sum(), nw.len().cast(nw.Int64).alias("quality_purchases"))
    )


def _table(like: Lazy, **columns: NDArray[Any]) -> Lazy:
    """Return arrays as a table of the same engine, with the types that its columns of these names have."""
    kinds = like.collect_schema()
    found = in_memory.beside(like, columns)
    return found.with_columns(nw.col(name).cast(kinds[name]) for name in columns if name in kinds)


def _standing(purchases: Lazy, catalogue: Lazy) -> Lazy:
    """One row for each product with a standing among its category."""
    unit_price = (nw.col("paid") + nw.col("off")) / nw.col("units")
    priced = (
        purchases.group_by("product_id")
        .agg(
            nw.col("amount_minor").sum().alias("paid"),
            nw.col("discount_minor").sum().alias("off"),
            nw.col("quantity").sum().alias("units"),
        )
        .join(catalogue.filter(nw.col("category") != ""), on="product_id", how="inner")
        # Sums of quantities differ in the last bit between engines; equal prices must stay equal.
        .with_columns(unit_price.round(6).alias("price"))
    )
    ranked = priced.with_columns(
        nw.col("price").rank("average").over("category").cast(nw.Float64).alias("place"),
        nw.len().over("category").alias("products"),
        nw.col("price").min().over("category").alias("least"),
        nw.col("price").max().over("category").alias("most"),
    ).filter(nw.col("least") < nw.col("most"))
    return ranked.select("product_id", ((nw.col("place") - 1) / (nw.col("products") - 1)).alias("standing"))


def _chosen(purchases: Lazy, catalogue: Lazy) -> Lazy:
    branded = catalogue.filter((nw.col("category") != "") & (nw.col("brand") != ""))
    return (
        purchases.join(branded, on="product_id", how="inner")
        .group_by("customer_id", "category", "brand", "day")
        .agg()
    )


def _several(chosen: Lazy) -> Lazy:
    return (
        chosen.group_by("category")
        .agg(nw.col("brand").n_unique().alias("brands"))
        .filter(nw.col("brands") > 1)
        .select("category")
    )


def _brand(purchases: Lazy, catalogue: Lazy, beside: Usual | None) -> Lazy:
    return _with_usual(
        _stayed(purchases, catalogue, beside),
        part="stayed",
        whole="brand_choices",
        name="usual_brand",
        known=None if beside is None else (beside.brand,),
    )


def _stayed(purchases: Lazy, catalogue: Lazy, beside: Usual | None) -> Lazy:
    """One row for each customer who bought of a category again: how often, and how often they stayed."""
    chosen = _chosen(purchases, catalogue)
    several = (
        _several(chosen)
        if beside is None
        else _table(catalogue, category=np.array(beside.categories, dtype=object))
    )
    by = ("customer_id", "category")
    dated = frames.with_previous(
        chosen.group_by(*by, "day").agg(), {"previous_day": "day"}, by=by, order_by="day"
    )
    days = dated.filter(~nw.col("previous_day").is_null()).join(several, on="category", how="inner")
    before = chosen.rename({"day": "previous_day"})
    both = (
        chosen.join(days, on=[*by, "day"], how="inner")
        .join(before, on=[*by, "brand", "previous_day"], how="inner")
        .group_by(*by, "day")
        .agg()
        .with_columns(nw.lit(1).cast(nw.Int64).alias("same"))
    )
    return (
        days.join(both, on=[*by, "day"], how="left")
        .with_columns(nw.col("same").fill_null(0))
        .group_by("customer_id")
        .agg(
            nw.len().cast(nw.Int64).alias("brand_choices"),
            nw.col("same").sum().cast(nw.Int64).alias("stayed"),
        )
    )
