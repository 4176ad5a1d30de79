"""What each customer needs, prefers, will run out of and may want next; worked out anew for those whose purchases changed.

Every customer's lines are summed up into a mark, kept with what was said of them. A run compares marks and works for
those that differ. What is usual in the shop (shares of bargains, prices within a category, how long a product lasts) and
which products go together is learnt once a week from a reference: all customers of a small shop, every n-th of a
larger one. A night's work so grows with what happened and not with the shop.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

import narwhals as nw
import polars as pl
from django.db import connection

from regulars.analytics import affinity, cycles, histories, needs, preferences, product_cycles
from regulars.analytics import facts as contract
from regulars.analytics.in_memory import beside
from regulars.insights.copying import copied_out
from regulars.insights.engines import Table, in_memory

REFERENCE_CUSTOMERS = 20_000
PERSONAL_CUSTOMERS = 40_000
"""When more customers than this changed at once, as in a first run, only those of the reference get personal lists."""

CUSTOMERS_AT_ONCE = 100_000
"""The lines of so many are in memory at a time."""

RECOMMENDED = 5
RELATED = 5
DUE_PRODUCTS = 5
_PURCHASES = 2
_NEEDED = 0.05
_CENT = 100.0

_KEY, _TOLD = "regulars.learnt", "regulars.usual"

NEEDS = ("price", "quality", "brand")
TASTES = (
    "customer_id", "mark", "need", "price", "price_purchases", "discounted", "quality", "quality_purchases", "brand",
    "brand_choices", "stayed", "category", "category_share", "favourite_brand", "brand_share", "variety",
)  # fmt: skip
DUE = (
    "customer_id", "product_id", "last_day", "quantity", "expected_days", "soon_day", "due_day", "late_day", "confidence",
)  # fmt: skip
RECOMMENDATIONS = ("customer_id", "rank", "product_id", "score", "reason")
RELATIONS = ("kind", "product_id", "rank", "other_id", "score", "customers")


@dataclass(frozen=True, kw_only=True)
class Tastes:
    """What a run found: for the customers who changed, and, when it was learnt anew, of products.

    Attributes:
        gone: Customers of whom something was said and who have no line any more.
        tastes: Folder of Parquet files, one row a changed customer, `TASTES`; files of `due` have the same names.
        due: Folder of Parquet files, at most five products a changed customer, `DUE`.
        recommendations: At most five products a changed customer, `RECOMMENDATIONS`.
        relations: Products that go with products, `RELATIONS`; None where what is known stands.
    """

    gone: list[int]
    tastes: Path
    due: Path
    recommendations: pl.DataFrame
    relations: pl.DataFrame | None


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What is usual in the shop, learnt from the reference with everything else: beside it customers' own lines are read.

    Attributes:
        needs: Shares of bargains and of staying with a brand, and prices within a category.
        medians: The median of each need among customers; null where nobody has one.
        lasting: How long products last: what `cycles.products` returned.
    """

    needs: needs.Usual
    medians: dict[str, float | None]
    lasting: pl.DataFrame

    def write(self, file: Path, *, key: str) -> None:
        """Keep it in a file, under what it was learnt with."""
        standing = pl.DataFrame({"product_id": self.needs.product_ids, "standing": self.needs.standings})
        told = {
            "price": self.needs.price,
            "brand": self.needs.brand,
            "categories": self.needs.categories,
            "medians": self.medians,
            "lasting": self.lasting.columns,
        }
        self.lasting.join(standing, on="product_id", how="full", coalesce=True).write_parquet(
            file, metadata={_KEY: key, _TOLD: json.dumps(told)}
        )

    @classmethod
    def read(cls, file: Path, *, key: str) -> Self | None:
        """Return what is kept under a key, or None."""
        try:
            metadata = pl.read_parquet_metadata(file)
        except (OSError, pl.exceptions.ComputeError):
            return None
        if metadata.get(_KEY) != key:
            return None
        told, rows = json.loads(metadata[_TOLD]), pl.read_parquet(file)
        standing = rows.filter(pl.col("standing").is_not_null()).sort("product_id")
        return cls(
            needs=needs.Usual(
                price=told["price"],
                brand=told["brand"],
                product_ids=standing["product_id"].to_numpy(),
                standings=standing["standing"].to_numpy(),
                categories=tuple(told["categories"]),
            ),
            medians=told["medians"],
            lasting=rows.select(told["lasting"]).filter(pl.col("intervals").is_not_null()),
        )


def usual(lines: Table, products: Table, *, as_of_day: int) -> Usual:
    """Return what is usual in the shop on a day, from its reference.

    Args:
        lines: Facts `lines`; those after `as_of_day` are left out.
        products: Facts `products`, of the same engine.
        as_of_day: Days since 1970-01-01.
    """
    past = contract.until(lines, as_of_day=as_of_day)
    seen = _of(past, _reference(in_memory(_marks(past))))
    catalogue = in_memory(products)
    described = catalogue.lazy().select("product_id", "category", "brand")
    found = needs.usual(seen, described, as_of_day=as_of_day)
    scored = in_memory(needs.score(seen, described, as_of_day=as_of_day, beside=found).select(NEEDS))
    return Usual(
        needs=found,
        medians={name: cast("float | None", scored[name].median()) for name in NEEDS},
        lasting=in_memory(cycles.products(seen, catalogue.lazy(), as_of_day=as_of_day)),
    )


def compute(  # noqa: PLR0913  what a run knows
    *,
    lines: Table,
    products: Table,
    known: pl.DataFrame,
    usual: Usual,
    as_of_day: int,
    weights: affinity.Weights,
    rule: affinity.Rule | None = None,
    relate: bool,
    fresh: Path,
) -> Tastes:
    """Return what is new about customers' needs and wants as of a day.

    Memory is that of the lines of `CUSTOMERS_AT_ONCE` customers, however many changed.

    Args:
        lines: Facts `lines`; those after `as_of_day` are left out.
        products: Facts `products`, of the same engine.
        known: customer_id, mark: what the last run knew.
        usual: What is usual in the shop.
        as_of_day: Days since 1970-01-01.
        weights: How the next basket is forecast, as `learn` chose.
        rule: The rule to recommend by instead, of `affinity.by_rule`; None for none.
        relate: Also work out which products go together.
        fresh: A folder to write to, in which there are none called `tastes` and `due`.
    """
    past = contract.until(lines, as_of_day=as_of_day)
    marks = in_memory(_marks(past))
    both = marks.join(known, on="customer_id", how="full", suffix="_known", coalesce=True)
    changed = both.filter(pl.col("mark").is_not_null() & pl.col("mark").ne_missing(pl.col("mark_known")))
    found = Tastes(
        gone=both.filter(pl.col("mark").is_null())["customer_id"].to_list(),
        tastes=fresh / "tastes",
        due=fresh / "due",
        recommendations=pl.DataFrame(schema=dict.fromkeys(RECOMMENDATIONS, pl.Int64)),
        relations=None,
    )
    found.tastes.mkdir()
    found.due.mkdir()
    reference, ids = _reference(marks), changed.select("customer_id")
    if relate or not ids.is_empty():
        are_few = ids.height <= PERSONAL_CUSTOMERS
        seen = _of(past, pl.concat([reference, ids]).unique() if are_few else reference)
        if not ids.is_empty():
            # Of these, whoever is seen gets a list.
            recommended = _recommendations(seen, ids=ids, weights=weights, rule=rule, as_of_day=as_of_day)
            found = replace(found, recommendations=recommended)
        if relate:
            related = _relations(_among(seen, reference), products, as_of_day=as_of_day)
            found = replace(found, relations=related)
        del seen
    for number, some in enumerate(changed.sort("customer_id").iter_slices(CUSTOMERS_AT_ONCE)):
        part = f"part-{number:06}.parquet"
        mine = _of(past, some.select("customer_id"))
        _tastes(mine, products, usual=usual, changed=some, as_of_day=as_of_day).write_parquet(
            found.tastes / part
        )
        _due(mine, usual.lasting, as_of_day=as_of_day).write_parquet(found.due / part)
    return found


def learn(lines: Table, *, as_of_day: int) -> dict[str, float]:
    """Return how the next basket is best forecast in this shop: the fields of `affinity.Weights`."""
    past = contract.until(lines, as_of_day=as_of_day)
    marks = in_memory(_marks(past))
    return asdict(affinity.choose_weights(_of(past, _reference(marks)), as_of_day=as_of_day))


def _reference(marks: pl.DataFrame) -> pl.DataFrame:
    every_nth = max(-(-marks.height // REFERENCE_CUSTOMERS), 1)
    return marks.filter(pl.col("customer_id") % every_nth == 0).select("customer_id")


def known_marks() -> pl.DataFrame:
    """Return the marks of the customers of whom something is said."""
    return copied_out(
        "SELECT customer_id, mark FROM insights_taste", {"customer_id": pl.Int64, "mark": pl.Int64}
    )


def store(found: Tastes) -> None:
    """Write what is new; inside the caller's transaction."""
    with connection.cursor() as cursor:
        _forget(cursor, found.gone)
        for part in sorted(found.tastes.glob("*.parquet")):
            told = pl.read_parquet(part)
            _forget(cursor, told["customer_id"].to_list())
            _copy(cursor, "insights_taste", TASTES, told)
            _copy(cursor, "insights_dueproduct", DUE, pl.read_parquet(found.due / part.name))
        _copy(cursor, "insights_recommendation", RECOMMENDATIONS, found.recommendations)
        if found.relations is not None:
            cursor.execute("DELETE FROM insights_relatedproduct")
            _copy(cursor, "insights_relatedproduct", RELATIONS, found.relations)


def _forget(cursor: Any, customers: list[int]) -> None:  # noqa: ANN401  a cursor
    """Take away all that is said of customers: it is said at once, or not at all."""
    for table in ("insights_taste", "insights_dueproduct", "insights_recommendation"):
        cursor.execute(f"DELETE FROM {table} WHERE customer_id = ANY(%s)", [customers])  # noqa: S608  literals


def _copy(cursor: Any, table: str, names: tuple[str, ...], rows: pl.DataFrame) -> None:  # noqa: ANN401  a cursor
    if rows.is_empty():
        return
    fresh, columns = f"fresh_{table}", ", ".join(names)
    cursor.execute(f"CREATE TEMP TABLE {fresh} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA")  # noqa: S608
    with cursor.copy(f"COPY {fresh} ({columns}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(rows.select(names).write_csv(include_header=False, quote_style="non_numeric"))
    # Customers may have been erased, and products removed, since the facts were read.
    still_there = [
        f"EXISTS (SELECT FROM {owner} o WHERE o.id = f.{column})"
        for column, owner in (
            ("customer_id", "shop_customer"),
            ("product_id", "shop_product"),
            ("other_id", "shop_product"),
        )
        if column in names
    ]
    cursor.execute(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {fresh} f WHERE {' AND '.join(still_there)}"  # noqa: S608
    )
    cursor.execute(f"DROP TABLE {fresh}")


def _of(lines: Table, customers: pl.DataFrame) -> pl.LazyFrame:
    """Return the lines of some customers, read into memory once for all that is asked of them."""
    wanted = (
        "line_id",
        "customer_id",
        "product_id",
        "day",
        "quantity",
        "amount_minor",
        "discount_minor",
        "is_valid",
    )
    if isinstance(lines, pl.LazyFrame):
        return _among(lines.select(wanted), customers)
    theirs: nw.LazyFrame[Any] = nw.from_native(lines)
    chosen = beside(theirs, {"customer_id": customers["customer_id"].to_numpy()})
    return in_memory(theirs.select(*wanted).join(chosen, on="customer_id", how="semi").to_native()).lazy()


def _among(lines: pl.LazyFrame, customers: pl.DataFrame) -> pl.LazyFrame:
    return in_memory(lines.join(customers.lazy(), on="customer_id", how="semi")).lazy()


def _marks(lines: Table) -> Table:
    """Return a number for each customer that changes when any of their lines does, in arithmetic that all engines share."""
    frame = nw.from_native(lines).with_columns(
        (nw.col("quantity") * _CENT).round(0).cast(nw.Int64).alias("hundredths")
    )
    told = ("line_id", "product_id", "day", "amount_minor", "discount_minor", "hundredths")
    return histories.marks(frame, told, counts=nw.col("is_valid").cast(nw.Int64) + 1).to_native()


def _relations(lines: pl.LazyFrame, products: Table, *, as_of_day: int) -> pl.DataFrame:
    catalogue = in_memory(products).lazy().select("product_id", "category")
    found = [
        affinity.also_bought(lines, k=RELATED, as_of_day=as_of_day)
        .with_columns(kind=pl.lit("also_bought"))
        .select(RELATIONS),
        affinity.complement(lines, catalogue, k=RELATED, as_of_day=as_of_day)
        .with_columns(kind=pl.lit("complement"), customers=pl.col("baskets"))
        .select(RELATIONS),
        affinity.upgrade(lines, catalogue, k=RELATED, as_of_day=as_of_day)
        .with_columns(kind=pl.lit("upgrade"))
        .select(RELATIONS),
    ]
    return pl.concat([in_memory(one) for one in found]).sort("kind", "product_id", "rank")


def _due(lines: pl.LazyFrame, lasting: pl.DataFrame, *, as_of_day: int) -> pl.DataFrame:
    """Return the products that customers buy again and again, the surest first; not those they have given up."""
    pairs = ("customer_id", "product_id")
    again = (
        lines.filter(pl.col("quantity") > 0)
        .group_by(pairs)
        .agg(pl.col("day").n_unique().alias("days"))
        .filter(pl.col("days") >= _PURCHASES)
    )
    bought = lines.join(again, on=pairs, how="semi")
    found = cycles.due(bought, lasting.lazy(), as_of_day=as_of_day).filter(
        pl.col("due_day").is_not_null(), pl.col("state") != product_cycles.GIVEN_UP, pl.col("intervals") > 0
    )
    order = ("customer_id", "confidence", "product_id")
    return (
        in_memory(found)
        .with_columns(pl.col("confidence", "expected_days").round(4))
        .sort(order, descending=(False, True, False))
        .group_by("customer_id", maintain_order=True)
        .head(DUE_PRODUCTS)
        .select(DUE)
    )


def _recommendations(
    lines: pl.LazyFrame,
    *,
    ids: pl.DataFrame,
    weights: affinity.Weights,
    rule: affinity.Rule | None,
    as_of_day: int,
) -> pl.DataFrame:
    returned = (
        lines.group_by("customer_id", "product_id")
        .agg(pl.col("quantity").sum())
        .filter(pl.col("quantity") <= 0)
        .select("customer_id", "product_id")
    )
    found = (
        affinity.by_rule(
            lines, rule=rule, k=RECOMMENDED, as_of_day=as_of_day, returned=returned, customers=ids.lazy()
        )
        if rule
        else affinity.next_basket(
            lines,
            k=RECOMMENDED,
            as_of_day=as_of_day,
            returned=returned,
            weights=weights,
            customers=ids.lazy(),
        )
    )
    return (
        in_memory(found)
        .with_columns(pl.col("score").round(6))
        .select(RECOMMENDATIONS)
        .sort("customer_id", "rank")
    )


def _tastes(
    lines: pl.LazyFrame, products: Table, *, usual: Usual, changed: pl.DataFrame, as_of_day: int
) -> pl.DataFrame:
    catalogue = in_memory(products).lazy().select("product_id", "category", "brand")
    needed = in_memory(needs.score(lines, catalogue, as_of_day=as_of_day, beside=usual.needs))
    # What is usual says nothing about a customer: the need is what stands out most among customers.
    over_usual = {name: pl.col(name) - pl.lit(usual.medians[name], pl.Float64) for name in NEEDS}
    above = [pl.when(over >= _NEEDED).then(over).otherwise(0.0) for over in over_usual.values()]
    most = pl.max_horizontal(*above)
    need = pl.coalesce(
        pl.when((most > 0) & (over == most)).then(pl.lit(name))
        for name, over in zip(NEEDS, above, strict=True)
    ).fill_null("")
    preferred = in_memory(preferences.score(lines, catalogue, as_of_day=as_of_day)).select(
        "customer_id",
        pl.col("category").fill_null(""),
        "category_share",
        pl.col("brand").fill_null("").alias("favourite_brand"),
        "brand_share",
        "variety",
    )
    return (
        changed.select("customer_id", "mark")
        .join(needed.with_columns(need.alias("need")), on="customer_id", how="left")
        .join(preferred, on="customer_id", how="left")
        .with_columns(
            pl.col("need", "category", "favourite_brand").fill_null(""),
            pl.col("price_purchases", "discounted", "quality_purchases", "brand_choices", "stayed").fill_null(
                0
            ),
            pl.col("price", "quality", "brand", "category_share", "brand_share", "variety").round(4),
        )
        .select(TASTES)
        .sort("customer_id")
    )
