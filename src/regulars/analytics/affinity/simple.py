"""The simple rules that a forecast of the next basket has to beat, and that take its place where it does not."""

from typing import Literal, TypeAlias

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, frames
from regulars.analytics.affinity import baskets
from regulars.analytics.affinity.forecast import BOUGHT_BEFORE, POPULAR

Rule: TypeAlias = Literal["popular", "personal_top"]
RULES: tuple[Rule, ...] = ("popular", "personal_top")
"""What most customers bought; or the customer's own favourites first, by baskets, then that."""


def by_rule(  # noqa: PLR0913 - all but the lines are options
    lines: IntoFrameT,
    *,
    rule: Rule,
    k: int = 10,
    as_of_day: int | None = None,
    returned: IntoFrame | None = None,
    customers: IntoFrame | None = None,
) -> IntoFrameT:
    """Return the products for each customer's next basket by a simple rule, best first.

    Args:
        lines: Facts `lines`, as for `next_basket`.
        rule: One of `RULES`.
        k: Products for each customer.
        as_of_day: No line may lie after it; None asks nothing.
        returned: Table of customer_id, product_id not to recommend to that customer.
        customers: Table of customer_id to whom alone something is recommended; None means everybody.

    Returns:
        At most k rows for each customer with a line, as `next_basket` has them. The score is the customer's baskets with
        the product, plus the share of all customers who bought it; by `popular` that share alone.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: A value has no meaning here.
    """
    arguments.one_of(rule, RULES, name="rule")
    arguments.whole(k, name="k", least=1)
    if as_of_day is not None:
        arguments.day(as_of_day, name="as_of_day")
    opened, distinct = baskets.open_lines(lines, as_of_day=as_of_day)
    pair = ["customer_id", "product_id"]
    (own,) = opened.settle(distinct.group_by(*pair).agg(nw.len().cast(nw.Int64).alias("baskets")))
    everybody = own.group_by("customer_id").agg()
    total = everybody.select(nw.len().cast(nw.Int64).alias("everybody"))
    buyers = (
        own.group_by("product_id")
        .agg(nw.len().cast(nw.Int64).alias("buyers"))
        .join(total, how="cross")
        # Below one: a basket of the customer's own goes before what everybody buys.
        .select("product_id", (nw.col("buyers") / (nw.col("everybody") + 1)).alias("share"))
    )
    if customers is not None:
        asked = baskets.listed(customers, lines, name="customers", columns=(baskets.CUSTOMER,))
        own = own.join(asked, on="customer_id", how="semi")
        everybody = everybody.join(asked, on="customer_id", how="semi")
    # As many again as are asked for, in the place of what was returned.
    most = _placed(buyers.with_columns(nw.lit(1).alias("all")), by="all", value="share")
    offered = everybody.join(most.filter(nw.col("rank") <= 2 * k).select("product_id"), how="cross")
    zero = nw.lit(0).cast(nw.Int64).alias("baskets")
    if rule == "personal_top":
        rest = offered.join(own, on=pair, how="anti").with_columns(zero)
        listed = nw.concat([own.select(*pair, "baskets"), rest.select(*pair, "baskets")])
    else:
        listed = offered.with_columns(zero).select(*pair, "baskets")
    if returned is not None:
        back = baskets.listed(returned, lines, name="returned", columns=(baskets.CUSTOMER, baskets.PRODUCT))
        listed = listed.join(back, on=pair, how="anti")
    scored = listed.join(buyers, on="product_id", how="inner").with_columns(
        (nw.col("baskets") + nw.col("share")).alias("score"),
        nw.when(nw.col("baskets") > 0).then(nw.lit(BOUGHT_BEFORE)).otherwise(nw.lit(POPULAR)).alias("reason"),
    )
    ranked = _placed(scored, by="customer_id", value="score").filter(nw.col("rank") <= k)
    return frames.like(
        lines,
        ranked.select("customer_id", "product_id", "rank", "score", "reason"),
        grain=("customer_id", "rank"),
    )


def _placed(frame: frames.Lazy, *, by: str, value: str) -> frames.Lazy:
    """Add the rank by a value, the highest first, ties by product."""
    ready = frame.with_columns((-nw.col(value)).alias("least first"), nw.lit(1).cast(nw.Int64).alias("one"))
    place = nw.col("one").cum_sum().over(by, order_by=("least first", "product_id"))
    return ready.with_columns(place.cast(nw.Int32).alias("rank"))
