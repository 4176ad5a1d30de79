"""Products that go together: counted on baskets, on the caller's engine, without pulling them into memory."""

from collections.abc import Sequence
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames
from regulars.analytics.affinity import baskets
from regulars.analytics.facts import Opened
from regulars.analytics.frames import GIVEN, Lazy, found_by_duckdb

_PRODUCTS_AT_ONCE = 2_000
"""So many products are paired with all others at once, which bounds the memory that it takes."""

_CATEGORY = facts.Column(
    name="category", dtype=nw.String, kind=facts.TEXT, meaning="category; empty if unknown"
)


def popular(lines: IntoFrameT, *, k: int = 10, as_of_day: int | None = None, days: int = 30) -> IntoFrameT:
    """Return the products that most customers bought lately.

    Args:
        lines: Facts `lines`: customer_id, day, product_id; quantity and is_valid where present.
        k: How many products.
        as_of_day: The day for which the question is asked; None is the day of the last line.
        days: How many days up to and with it count.

    Returns:
        At most k rows: product_id, rank (1 is best; ties by id), customers, baskets.

    Raises:
        FactsError: The lines break their contract.
        ArgumentError: A value has no meaning here.
    """
    arguments.whole(k, name="k", least=1)
    arguments.whole(days, name="days", least=1)
    opened, distinct = _opened(lines, as_of_day)
    end = nw.lit(as_of_day) if as_of_day is not None else nw.col("last_day")
    dated = distinct.with_columns(nw.lit(1).alias("all")).with_columns(
        nw.col("day").max().over("all").alias("last_day")
    )
    counted = (
        dated.filter(nw.col("day") > end - days)
        .group_by("product_id")
        .agg(
            nw.col("customer_id").n_unique().cast(nw.Int64).alias("customers"),
            nw.len().cast(nw.Int64).alias("baskets"),
        )
    )
    keyed = counted.with_columns(nw.lit(1).alias("all"), (-nw.col("customers")).alias("fewest"))
    ranked = (
        _placed(keyed, by="all", order_by=("fewest", "product_id"))
        .filter(nw.col("rank") <= k)
        .select("product_id", "rank", "customers", "baskets")
    )
    (settled,) = opened.settle(ranked)
    return frames.like(lines, settled, grain=("rank",))


def also_bought(
    lines: IntoFrameT,
    *,
    k: int = 10,
    as_of_day: int | None = None,
    minimum_customers: int = 3,
    largest_basket: int = 100,
) -> IntoFrameT:
    """Return for each product what those who bought it also bought, on the same day or another.

    Score: the share of the product's customers who also bought the other, times how much more that is than the other's
    share of all customers (its lift), square-rooted and shrunk; so that neither what everybody buys nor a coincidence of
    two customers comes first. That is customers / sqrt(customers with it x customers with the other), the cosine, with
    `minimum_customers` added to both.

    Args:
        lines: Facts `lines`: customer_id, day, product_id; quantity and is_valid where present.
        k: Products for each product.
        as_of_day: No line may lie after it; None asks nothing.
        minimum_customers: Fewer customers with both are no evidence.
        largest_basket: Customers with more different products than this (resellers) are left out: they tell little
            about what goes together and would cost most.

    Returns:
        At most k rows for each product: product_id, other_id, rank (1 is best; ties by id), score (0 to 1), customers
        (with both), confidence (their share of the product's customers), lift.

    Raises:
        FactsError: The lines break their contract.
        ArgumentError: A value has no meaning here.

    References:
        Sarwar, Karypis, Konstan, Riedl (2001), Item-based collaborative filtering recommendation algorithms, WWW.
    """
    _whole(k, minimum_customers, largest_basket)
    opened, distinct = _opened(lines, as_of_day)
    held = distinct.group_by("customer_id", "product_id").agg()
    pairs = _together(opened, held, by=("customer_id",), largest=largest_basket, least=minimum_customers)
    return frames.like(lines, _best(pairs, k=k, least=minimum_customers), grain=("product_id", "rank"))


def complement(  # noqa: PLR0913 - all but the tables are options
    lines: IntoFrameT,
    products: IntoFrame,
    *,
    k: int = 10,
    as_of_day: int | None = None,
    minimum_baskets: int = 3,
    largest_basket: int = 100,
) -> IntoFrameT:
    """Return for each product what goes into the same basket from another category (wipes: tissues).

    Args:
        lines: Facts `lines`: customer_id, day, product_id; quantity and is_valid where present.
        products: Facts `products`: product_id, category. Products without a category have no complement.
        k: Products for each product.
        as_of_day: No line may lie after it; None asks nothing.
        minimum_baskets: Fewer baskets with both are no evidence.
        largest_basket: Baskets with more different products than this are left out.

    Returns:
        At most k rows for each product: as `also_bought`, with baskets instead of customers.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    _whole(k, minimum_baskets, largest_basket)
    opened, distinct = _opened(lines, as_of_day)
    kinds = _categories(products, lines)
    pairs = _together(
        opened, distinct, by=("customer_id", "day"), largest=largest_basket, least=minimum_baskets
    )
    other = kinds.select(nw.col("product_id").alias("other_id"), nw.col("category").alias("other_category"))
    apart = (
        pairs.join(kinds, on="product_id", how="inner")
        .join(other, on="other_id", how="inner")
        .filter(nw.col("category") != nw.col("other_category"))
        .drop("category", "other_category")
    )
    best = _best(apart, k=k, least=minimum_baskets).rename({"customers": "baskets"})
    return frames.like(lines, best, grain=("product_id", "rank"))


def upgrade(
    lines: IntoFrameT,
    products: IntoFrame,
    *,
    k: int = 3,
    as_of_day: int | None = None,
    minimum_customers: int = 3,
) -> IntoFrameT:
    """Return for each product what its customers move on to within its category (stage 1 formula: stage 2).

    A customer moves on from a product to another when the first day with the other lies after the first day with the
    product. What is moved on to must be entered so by more customers than leave it the other way. The score is the share
    of the customers with both who moved in this direction, shrunk to one half by `minimum_customers`.

    Args:
        lines: Facts `lines`: customer_id, day, product_id; quantity and is_valid where present.
        products: Facts `products`: product_id, category. Products without a category have no upgrade.
        k: Products for each product.
        as_of_day: No line may lie after it; None asks nothing.
        minimum_customers: Fewer customers who moved are no evidence.

    Returns:
        At most k rows for each product: product_id, other_id, rank (1 is best; ties by id), score (0 to 1), customers
        (who moved on), back (who moved the other way).

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    _whole(k, minimum_customers, 1)
    opened, distinct = _opened(lines, as_of_day)
    begun = distinct.group_by("customer_id", "product_id").agg(nw.col("day").min().alias("first_day"))
    # What fewer customers have cannot be moved on to, nor from, by so many.
    usual = (
        begun.group_by("product_id").agg(nw.len().alias("have")).filter(nw.col("have") >= minimum_customers)
    )
    kinds = _categories(products, lines).join(usual.select("product_id"), on="product_id", how="semi")
    first = begun.join(kinds, on="product_id", how="inner")
    then = first.rename({"product_id": "other_id", "first_day": "other_day"})
    onward = (
        first.join(then, on=["customer_id", "category"], how="inner")
        .filter((nw.col("product_id") < nw.col("other_id")) & (nw.col("first_day") != nw.col("other_day")))
        .with_columns((nw.col("other_day") > nw.col("first_day")).cast(nw.Int64).alias("on"))
        .group_by("product_id", "other_id")
        .agg(nw.col("on").sum().cast(nw.Int64).alias("customers"), nw.len().cast(nw.Int64).alias("both"))
    )
    (onward,) = opened.settle(onward)
    backward = _turned(onward).with_columns((nw.col("both") - nw.col("customers")).alias("customers"))
    moved = (
        nw.concat([onward, backward])
        .with_columns((nw.col("both") - nw.col("customers")).alias("back"))
        .filter((nw.col("customers") >= minimum_customers) & (nw.col("customers") > nw.col("back")))
    )
    shrunk = (nw.col("customers") + minimum_customers / 2) / (nw.col("both") + minimum_customers)
    scored = moved.with_columns((-shrunk).alias("fewest"), (-nw.col("customers")).alias("fewer"))
    ranked = (
        _placed(
            scored.with_columns(shrunk.alias("score")),
            by="product_id",
            order_by=("fewest", "fewer", "other_id"),
        )
        .filter(nw.col("rank") <= k)
        .select("product_id", "other_id", "rank", "score", "customers", "back")
    )
    return frames.like(lines, ranked, grain=("product_id", "rank"))


def for_arrivals(
    lines: IntoFrameT,
    products: IntoFrame,
    arrivals: IntoFrame,
    *,
    k: int = 10,
    as_of_day: int | None = None,
) -> IntoFrameT:
    """Return which new products suit each customer: those of the categories that they buy most.

    Nobody has bought an arrival, so that only what it is can speak for it. The score is the share of the customer's
    baskets that hold something of its category. Arrivals a customer has bought already are left out.

    Args:
        lines: Facts `lines`: customer_id, day, product_id; quantity and is_valid where present.
        products: Facts `products`: product_id, category, the arrivals among them.
        arrivals: Table of product_id.
        k: Products for each customer.
        as_of_day: No line may lie after it; None asks nothing.

    Returns:
        At most k rows for each customer who bought of such a category: customer_id, product_id, rank (1 is best; ties by
        id), score (0 to 1), category, baskets (of the customer, with that category).

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    _whole(k, 1, 1)
    opened, distinct = _opened(lines, as_of_day)
    kinds = _categories(products, lines)
    new = baskets.listed(arrivals, lines, name="arrivals", columns=(baskets.PRODUCT,))
    days = distinct.group_by("customer_id", "day").agg()
    total = days.group_by("customer_id").agg(nw.len().cast(nw.Int64).alias("all_baskets"))
    tastes = (
        distinct.join(kinds, on="product_id", how="inner")
        .group_by("customer_id", "day", "category")
        .agg()
        .group_by("customer_id", "category")
        .agg(nw.len().cast(nw.Int64).alias("baskets"))
        .join(total, on="customer_id", how="inner")
    )
    held = distinct.group_by("customer_id", "product_id").agg()
    suited = (
        tastes.join(kinds.join(new, on="product_id", how="inner"), on="category", how="inner")
        .join(held, on=["customer_id", "product_id"], how="anti")
        .with_columns(
            (nw.col("baskets") / nw.col("all_baskets")).alias("score"),
            (-nw.col("baskets")).alias("fewest"),
        )
    )
    ranked = (
        _placed(suited, by="customer_id", order_by=("fewest", "product_id"))
        .filter(nw.col("rank") <= k)
        .select("customer_id", "product_id", "rank", "score", "category", "baskets")
    )
    (settled,) = opened.settle(ranked)
    return frames.like(lines, settled, grain=("customer_id", "rank"))


def _whole(k: int, minimum: int, largest: int) -> None:
    arguments.whole(k, name="k", least=1)
    arguments.whole(minimum, name="minimum", least=1)
    arguments.whole(largest, name="largest_basket", least=1)


def _opened(lines: IntoFrame, as_of_day: int | None) -> tuple[Opened, Lazy]:
    if as_of_day is not None:
        arguments.day(as_of_day, name="as_of_day")
    return baskets.open_lines(lines, as_of_day=as_of_day)


def _categories(products: IntoFrame, lines: IntoFrame) -> Lazy:
    columns = (baskets.PRODUCT, _CATEGORY)
    found = baskets.listed(products, lines, name="products", columns=columns)
    return found.filter(nw.col("category") != "")


def _placed(frame: Lazy, *, by: str, order_by: Sequence[str]) -> Lazy:
    """Add the rank of each row among those of its group, from 1."""
    if frame.implementation.is_duckdb():
        native: Any = frame.to_native()
        order = ", ".join(f'"{name}"' for name in order_by)
        # A running sum of ones, which every engine has, takes it several times as long.
        numbered = native.select(
            f'*, row_number() OVER (PARTITION BY "{by}" ORDER BY {order})::INTEGER AS "rank"'
        )
        placed: Lazy = nw.from_native(numbered)
        return placed
    ones = frame.with_columns(nw.lit(1).cast(nw.Int64).alias("one"))
    return ones.with_columns(nw.col("one").cum_sum().over(by, order_by=order_by).cast(nw.Int32).alias("rank"))


def _together(opened: Opened, held: Lazy, *, by: tuple[str, ...], largest: int, least: int) -> Lazy:
    """Return ordered pairs of products that at least so many baskets (or customers) have both of.

    Also how many have each of the two, and how many baskets there are. What fewer have than `least` is left out before
    pairs are made: none of its pairs could count.
    """
    if held.implementation.is_duckdb():
        (settled,) = opened.settle(held)
        return _together_by_sql(settled, by=by, largest=largest, least=least)
    few = held.group_by(*by).agg(nw.len().alias("products")).filter(nw.col("products") <= largest)
    (small,) = opened.settle(held.join(few.select(*by), on=list(by), how="semi").select(*by, "product_id"))
    of_product = small.group_by("product_id").agg(nw.len().cast(nw.Int64).alias("with_it"))
    all_of_them = small.group_by(*by).agg().select(nw.len().cast(nw.Int64).alias("all"))
    usual = of_product.filter(nw.col("with_it") >= least).select("product_id")
    one = small.join(usual, on="product_id", how="semi")
    of_other = of_product.rename({"product_id": "other_id", "with_it": "with_other"})
    (pairs,) = frames.compute(_pairs(one, by=by, least=least))
    return (
        nw.concat([pairs, _turned(pairs)])
        .join(of_product, on="product_id", how="inner")
        .join(of_other, on="other_id", how="inner")
        .join(all_of_them, how="cross")
    )


def _pairs(one: Lazy, *, by: tuple[str, ...], least: int) -> Lazy:
    """Return each pair of products once, with how many baskets have both."""
    if one.implementation.is_polars():
        return _pairs_in_memory(one, by=by, least=least)
    return (
        one.join(one.rename({"product_id": "other_id"}), on=list(by), how="inner")
        .filter(nw.col("product_id") < nw.col("other_id"))
        .group_by("product_id", "other_id")
        .agg(nw.len().cast(nw.Int64).alias("customers"))
        .filter(nw.col("customers") >= least)
    )


def _pairs_in_memory(one: Lazy, *, by: tuple[str, ...], least: int) -> Lazy:
    """Return the same by a product of sparse matrices: a join would write down every pair of every basket."""
    import numpy as np  # noqa: PLC0415 - only who computes in memory pays for loading these
    from scipy import sparse  # noqa: PLC0415

    from regulars.analytics import in_memory  # noqa: PLC0415

    columns = in_memory.arrays(one)
    ids, product = np.unique(columns["product_id"], return_inverse=True)
    basket = np.zeros(len(product), dtype=np.int64)
    for name in by:
        values, number = np.unique(columns[name], return_inverse=True)
        basket = basket * max(len(values), 1) + number
    _, basket = np.unique(basket, return_inverse=True)
    shape = (basket.max(initial=-1) + 1, len(ids))
    held = sparse.csr_matrix((np.ones(len(product), dtype=np.int32), (basket, product)), shape=shape)
    holders = held.T.tocsr()
    first, other, both = [product[:0]], [product[:0]], [product[:0]]
    for start in range(0, len(ids), _PRODUCTS_AT_ONCE):
        counted = (holders[start : start + _PRODUCTS_AT_ONCE] @ held).tocoo()
        row = counted.row.astype(np.int64) + start
        kept = (row < counted.col) & (counted.data >= least)
        first.append(row[kept])
        other.append(counted.col[kept].astype(np.int64))
        both.append(counted.data[kept].astype(np.int64))
    found = {
        "product_id": ids[np.concatenate(first)],
        "other_id": ids[np.concatenate(other)],
        "customers": np.concatenate(both),
    }
    kind = one.collect_schema()["product_id"]
    return in_memory.beside(one, found).with_columns(
        nw.col("product_id", "other_id").cast(kind), nw.col("customers").cast(nw.Int64)
    )


def _together_by_sql(held: Lazy, *, by: tuple[str, ...], largest: int, least: int) -> Lazy:
    """Do the same in one statement of DuckDB, which would work out anew what is read more than once."""
    basket = ", ".join(by)
    sql = f"""
        WITH held AS MATERIALIZED (FROM {GIVEN}),
        small AS MATERIALIZED (
            SELECT {basket}, product_id FROM held
            SEMI JOIN (SELECT {basket} FROM held GROUP BY ALL HAVING count(*) <= {largest}) USING ({basket})
        ),
        products AS MATERIALIZED (SELECT product_id, count(*) AS with_it FROM small GROUP BY ALL),
        one AS MATERIALIZED (
            FROM small SEMI JOIN (SELECT product_id FROM products WHERE with_it >= {least}) USING (product_id)
        ),
        pairs AS MATERIALIZED (
            SELECT a.product_id, b.product_id AS other_id, count(*) AS customers
            FROM one a JOIN one b USING ({basket}) WHERE a.product_id < b.product_id
            GROUP BY ALL HAVING count(*) >= {least}
        ),
        both_ways AS (
            FROM pairs UNION ALL SELECT other_id AS product_id, product_id AS other_id, customers FROM pairs
        ),
        baskets AS (SELECT count(*) AS "all" FROM (SELECT DISTINCT {basket} FROM small))
        SELECT p.product_id, p.other_id, p.customers, x.with_it, y.with_it AS with_other, "all"
        FROM both_ways p JOIN products x ON x.product_id = p.product_id JOIN products y ON y.product_id = p.other_id, baskets
    """  # noqa: S608 - names of this file and whole numbers
    return found_by_duckdb(held, sql)


def _turned(pairs: Lazy) -> Lazy:
    """Return the pairs with their products in the other order."""
    others = {"product_id": "other_id", "other_id": "product_id"}
    return pairs.select(nw.col(others.get(name, name)).alias(name) for name in pairs.collect_schema().names())


def _best(pairs: Lazy, *, k: int, least: int) -> Lazy:
    both, one, other = nw.col("customers"), nw.col("with_it"), nw.col("with_other")
    scored = pairs.with_columns(
        (both / ((one + least) * (other + least)).cast(nw.Float64).sqrt()).alias("score"),
        (both / one).alias("confidence"),
        ((both * nw.col("all")) / (one * other)).alias("lift"),
    ).with_columns((-nw.col("score")).alias("fewest"))
    return (
        _placed(scored, by="product_id", order_by=("fewest", "other_id"))
        .filter(nw.col("rank") <= k)
        .select("product_id", "other_id", "rank", "score", "customers", "confidence", "lift")
    )
