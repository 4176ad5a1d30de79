"""Every kind of table that a caller may hand in, made from one Polars frame, and read back as one."""

from collections.abc import Callable
from typing import Any, TypeAlias

import duckdb
import polars as pl

Table: TypeAlias = Any
"""Any kind of table; which one is known only when the test runs."""

# Relations point into it, so it lives as long as the tests do.
_connection = duckdb.connect(config={"threads": 2})


def _relation(frame: pl.DataFrame) -> duckdb.DuckDBPyRelation:
    return _connection.from_arrow(frame.to_arrow())


ENGINES: dict[str, Callable[[pl.DataFrame], Table]] = {
    "polars": lambda frame: frame,
    "polars_lazy": lambda frame: frame.lazy(),
    "duckdb": _relation,
    "pandas": lambda frame: frame.to_pandas(),
    "pyarrow": lambda frame: frame.to_arrow(),
}


def as_polars(table: Table) -> pl.DataFrame:
    """Return a table of any kind, its rows in one order and its numbers in one width."""
    if isinstance(table, pl.LazyFrame):
        frame = table.collect()
    elif isinstance(table, duckdb.DuckDBPyRelation):
        frame = pl.DataFrame(table.to_arrow_table())
    else:
        frame = pl.DataFrame(table)
    return frame.sort(pl.all())
