"""The profiles as one table, for files that leave Regulars."""

from io import BytesIO

import polars as pl
from django.db import connection

from regulars.insights.models import Run
from regulars.kernel.spreadsheets import FORMULA_START

_PROFILES = """
    SELECT c.code, p.orders, r.as_of_day - p.last_day, p.frequency, p.monetary_minor, p.r, p.f, p.m,
           nullif(p.cell, ''), nullif(p.tier, ''), p.stage, p.first_day, p.last_day,
           r.as_of_day, p.year_minor, p.cycle_days, p.due_day, p.late_day,
           date '1970-01-01' + p.first_day, date '1970-01-01' + p.last_day, date '1970-01-01' + p.due_day,
           p.scored_day, p.p_alive, p.expected_orders, p.clv_minor, p.next_from_day, p.next_day, p.next_until_day,
           date '1970-01-01' + p.next_day, p.churn_probability,
           nullif(t.need, ''), nullif(t.category, ''), nullif(t.favourite_brand, '')
    FROM insights_profile p JOIN shop_customer c ON c.id = p.customer_id
    LEFT JOIN insights_taste t ON t.customer_id = p.customer_id
    CROSS JOIN (SELECT as_of_day FROM insights_run WHERE state = 'done' ORDER BY id DESC LIMIT 1) r
    WHERE p.orders > 0 OR %(with_prospects)s
    ORDER BY c.code
"""
# The first thirteen are a promise to programs that read the file; others may only follow.
SCHEMA: dict[str, type[pl.DataType]] = {
    "customer_id": pl.String,
    "orders": pl.Int32,
    "recency_days": pl.Int32,
    "frequency": pl.Int32,
    "monetary_minor": pl.Int64,
    "r": pl.Int8,
    "f": pl.Int8,
    "m": pl.Int8,
    "cell": pl.String,
    "tier": pl.String,
    "stage": pl.String,
    "first_day": pl.Int32,
    "last_day": pl.Int32,
    "as_of_day": pl.Int32,
    "year_minor": pl.Int64,
    "cycle_days": pl.Float64,
    "due_day": pl.Int32,
    "late_day": pl.Int32,
    "first_date": pl.Date,
    "last_date": pl.Date,
    "due_date": pl.Date,
    "scored_day": pl.Int32,
    "p_alive": pl.Float64,
    "expected_orders": pl.Float64,
    "clv_minor": pl.Int64,
    "next_from_day": pl.Int32,
    "next_day": pl.Int32,
    "next_until_day": pl.Int32,
    "next_date": pl.Date,
    "churn_probability": pl.Float64,
    "need": pl.String,
    "category": pl.String,
    "brand": pl.String,
}


def profiles(*, with_prospects: bool = False) -> pl.DataFrame:
    """Return the profiles of the latest finished run, a row a customer, by customer id; empty before the first run.

    Args:
        with_prospects: Also customers who never had a valid order.

    Returns:
        The columns of `SCHEMA`. `customer_id` is the merchant's own id. Scores, cell and tier are null without a valid
        order in the policy's window, days without one at all. Days count from 1970-01-01.
    """
    text = BytesIO()
    with (
        connection.cursor() as cursor,
        cursor.copy(
            f"COPY ({_PROFILES}) TO STDOUT (FORMAT csv)", {"with_prospects": with_prospects}
        ) as blocks,
    ):
        for block in blocks:
            text.write(block)
    if not text.tell():
        return pl.DataFrame(schema=SCHEMA)
    text.seek(0)
    return pl.read_csv(text, has_header=False, schema=SCHEMA)


def has_run() -> bool:
    """Return whether there are profiles to export: whether any run has finished."""
    return Run.objects.filter(state=Run.State.DONE).exists()


def safe_for_spreadsheets(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table in which no text is a formula to a spreadsheet: an apostrophe stands before those that would be."""
    return table.with_columns(
        pl.when(pl.col(name).str.contains(f"^{FORMULA_START}"))
        .then(pl.concat_str(pl.lit("'"), pl.col(name)))
        .otherwise(pl.col(name))
        .alias(name)
        for name, kind in table.schema.items()
        if kind == pl.String
    )
