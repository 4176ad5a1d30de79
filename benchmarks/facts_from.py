"""The generated shop laid out as a facts folder: a file a month, as an export leaves it."""

from pathlib import Path

import polars as pl

from benchmarks import generator

MOST_GENERATED = 10_000_000
"""A larger shop is several of this size, one beside the other, so that making it takes no more memory."""


def size_of(lines: int) -> generator.Size:
    """Return the size of the generated shop of which a shop with so many lines is made."""
    return generator.Size().scaled(min(lines, MOST_GENERATED) / generator.Size().lines)


def lay(folder: Path, *, data: Path, lines: int, last_day: int) -> None:
    """Write the facts of a shop with so many lines, up to a day.

    Args:
        folder: Where to.
        data: Where the generated shop is kept.
        lines: How many; above `MOST_GENERATED` a multiple of it.
        last_day: Days since 1970-01-01; what comes later is left out.
    """
    shop = generator.shop(data, size=size_of(lines))
    copies = -(-lines // shop.size.lines)
    months = (
        pl.scan_parquet(shop.orders)
        .filter(pl.col("day") <= last_day)
        .select(pl.col("month").unique().sort())
        .collect()["month"]
    )
    for month in months:
        here = (pl.col("month") == month) & (pl.col("day") <= last_day)
        orders = pl.scan_parquet(shop.orders).filter(here).collect()
        bought = pl.scan_parquet(shop.lines).filter(here).collect()
        _write(folder / "orders", month, [_orders(orders, shop, copy) for copy in range(copies)])
        _write(folder / "lines", month, [_lines(bought, shop, copy) for copy in range(copies)])
    numbers = pl.int_range(1, shop.size.products + 1, eager=True)
    products = pl.DataFrame({"product_id": numbers}).select(
        "product_id",
        pl.lit(1, pl.Int64).alias("store_id"),
        pl.format("P{}", "product_id").alias("code"),
        pl.lit("").alias("name"),
        pl.format("Category {}", pl.col("product_id") % 40).alias("category"),
        pl.format("Brand {}", pl.col("product_id") % 17).alias("brand"),
        pl.lit("").alias("pack_size"),
    )
    customers = pl.DataFrame(
        {"customer_id": pl.int_range(1, shop.size.customers * copies + 1, eager=True)}
    ).select("customer_id", pl.format("C{}", "customer_id").alias("code"), pl.lit("CN").alias("country"))
    for name, table in (("products", products), ("customers", customers)):
        (folder / name).mkdir(parents=True)
        table.write_parquet(folder / name / "data.parquet")


def _write(folder: Path, month: int, parts: list[pl.DataFrame]) -> None:
    place = folder / f"month={month // 100}-{month % 100:02}"
    place.mkdir(parents=True, exist_ok=True)
    pl.concat(parts).write_parquet(place / "data.parquet")


def _orders(orders: pl.DataFrame, shop: generator.Shop, copy: int) -> pl.DataFrame:
    return orders.select(
        pl.col("order_id") + (1 + copy * shop.size.orders),
        pl.col("customer_id") + (1 + copy * shop.size.customers),
        pl.col("store_id").cast(pl.Int64), "day", "amount_minor", "gross_minor", "refunded_minor", "discount_minor", "is_valid",
    )  # fmt: skip


def _lines(lines: pl.DataFrame, shop: generator.Shop, copy: int) -> pl.DataFrame:
    return lines.select(
        pl.col("line_id") + copy * shop.size.lines,
        pl.col("order_id") + (1 + copy * shop.size.orders),
        pl.col("product_id") + 1,
        pl.col("customer_id") + (1 + copy * shop.size.customers),
        pl.col("store_id").cast(pl.Int64), "day", (pl.col("quantity_milli") / 1_000).alias("quantity"),
        "amount_minor", "discount_minor", "is_valid",
    )  # fmt: skip
