"""Rows out of PostgreSQL as one table, by COPY: no object for each value."""

from collections.abc import Mapping
from io import BytesIO

import polars as pl
from django.db import connection


def copied_out(query: str, schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    """Return what a query answers, in columns of these types. A text that is null comes as an empty one.

    Args:
        query: SQL without parameters, its columns in the order of `schema`.
        schema: Names and types.
    """
    text = BytesIO()
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as blocks:
        for block in blocks:
            text.write(block)
    if not text.tell():
        return pl.DataFrame(schema=dict(schema))
    text.seek(0)
    return pl.read_csv(text, has_header=False, schema=dict(schema), empty_string_is_null=False)
