"""UCI Online Retail put into the record, as an import leaves it: a year of a real shop."""

from pathlib import Path

import polars as pl
from django.db import connection

from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_store

FILE = "uci_online_retail/online_retail.parquet"


def load(file: Path) -> None:
    """Write customers, products, orders, lines and refunds, each cancellation matched to its order."""
    make_business(currency="GBP")
    store = make_store().pk
    sold, returned = read_lines(file)
    customers = sold.select("customer").vstack(returned.select("customer")).unique().sort("customer")
    customers = customers.with_row_index("id", offset=1)
    products = sold.select("product").vstack(returned.select("product")).unique().sort("product")
    products = products.with_row_index("id", offset=1)
    refunds = _matched(returned, sold)
    refunded = (
        refunds.drop_nulls("order_code").group_by("order_code").agg(pl.col("amount").sum().alias("refunded"))
    )
    orders = (
        sold.group_by("code")
        .agg(pl.col("customer", "at").first(), pl.col("amount").sum())
        .sort("code")
        .with_row_index("id", offset=1)
        .join(refunded, left_on="code", right_on="order_code", how="left")
        .join(customers.rename({"id": "customer_id"}), on="customer")
        .with_columns(
            pl.col("refunded").fill_null(0),
            (pl.col("at").dt.epoch("d")).alias("day"),
            pl.lit(store).alias("store_id"),
            pl.lit("paid").alias("status"),
        )
    )
    lines = (
        sold.join(orders.select("code", pl.col("id").alias("order_id")), on="code")
        .join(products.rename({"id": "product_id"}), on="product")
        .with_row_index("id", offset=1)
    )
    refund_rows = (
        refunds.with_row_index("id", offset=1)
        .join(
            orders.select(pl.col("code").alias("order_code"), pl.col("id").alias("order_id")),
            on="order_code",
            how="left",
        )
        .join(customers.rename({"id": "customer_id"}), on="customer")
        .join(products.rename({"id": "product_id"}), on="product")
        .with_columns(pl.lit(store).alias("store_id"), pl.col("at").dt.epoch("d").alias("day"))
    )
    copy_into("shop_customer", customers, id="id", code="customer", name=pl.lit(""), country=pl.lit(""))
    copy_into(
        "shop_product", products, id="id", store_id=pl.lit(store), code="product", name=pl.lit(""), category=pl.lit(""),
        brand=pl.lit(""), pack_size=pl.lit(""),
    )  # fmt: skip
    copy_into(
        "shop_order", orders, id="id", store_id="store_id", code="code", customer_id="customer_id", status="status",
        placed_at="at", day="day", amount_minor="amount", refunded_minor="refunded",
    )  # fmt: skip
    copy_into(
        "shop_orderline", lines, id="id", order_id="order_id", key=pl.col("id").cast(pl.String), product_id="product_id",
        quantity="quantity", amount_minor="amount",
    )  # fmt: skip
    copy_into(
        "shop_refund", refund_rows, id="id", store_id="store_id", key=pl.col("id").cast(pl.String), code="code",
        customer_id="customer_id", order_id="order_id", product_id="product_id", quantity="quantity",
        amount_minor="amount", refunded_at="at", day="day",
    )  # fmt: skip
    mark_changed(*orders["day"].unique())


def read_lines(file: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the lines sold and the lines taken back, those with a customer and a price."""
    rows = (
        pl.read_parquet(file)
        .filter(pl.col("CustomerID").is_not_null(), pl.col("UnitPrice") > 0)
        .select(
            pl.col("InvoiceNo").alias("code"),
            pl.col("StockCode").alias("product"),
            pl.col("CustomerID").cast(pl.Int64).cast(pl.String).alias("customer"),
            pl.col("InvoiceDate").alias("at"),
            pl.col("Quantity").alias("signed"),
            pl.col("Quantity").abs().alias("quantity"),
            (pl.col("Quantity").abs() * pl.col("UnitPrice") * 100).round(0).cast(pl.Int64).alias("amount"),
        )
    )
    return rows.filter(pl.col("signed") > 0), rows.filter(pl.col("signed") < 0)


def _matched(returned: pl.DataFrame, sold: pl.DataFrame) -> pl.DataFrame:
    """Give each line taken back the latest order before it of the same customer with the same product."""
    candidates = sold.select("customer", "product", "at", pl.col("code").alias("order_code")).sort("at")
    return returned.sort("at").join_asof(
        candidates, on="at", by=["customer", "product"], strategy="backward", check_sortedness=False
    )


def copy_into(table: str, rows: pl.DataFrame, **columns: str | pl.Expr) -> None:
    """Write rows into a table; each column is one of the rows', or an expression over them."""
    text = rows.select(**{name: pl.col(c) if isinstance(c, str) else c for name, c in columns.items()})
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv)") as copy,
    ):
        copy.write(text.write_csv(include_header=False, quote_style="non_numeric"))
