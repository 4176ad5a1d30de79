"""Between an engine's tables and arrays: the small ones that fitting reads and scoring joins back."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.frames import Lazy

Columns = dict[str, NDArray[Any]]


def arrays(small: Lazy) -> Columns:
    """Return the columns of a table that fits in memory."""
    native: Any = small.to_native()
    if small.implementation is nw.Implementation.DUCKDB:
        fetched: Mapping[str, Any] = native.fetchnumpy()
        return {name: np.ma.filled(column, np.nan) for name, column in fetched.items()}
    if small.implementation is nw.Implementation.POLARS:
        frame = native.collect()
        return {name: frame[name].to_numpy() for name in frame.columns}
    rows, names = native.collect(), native.columns
    return {name: np.array([row[name] for row in rows]) for name in names}


def beside(table: Lazy, columns: Columns) -> Lazy:
    """Return arrays as a table in the engine, and the connection or session, of another table."""
    native: Any = table.to_native()
    if table.implementation is nw.Implementation.DUCKDB:
        # DuckDB finds the arrays by the name of this variable and keeps them with the relation.
        arrays_here = columns
        assert arrays_here  # noqa: S101 - read by the query, which linters cannot see
        return nw.from_native(native.query("caller", "select * from arrays_here"))
    if table.implementation is nw.Implementation.POLARS:
        import polars as pl  # noqa: PLC0415 - only callers who compute with Polars pay for loading it

        return nw.from_native(pl.DataFrame(columns).lazy())
    rows = [tuple(value.item() for value in row) for row in zip(*columns.values(), strict=True)]
    return nw.from_native(native.sparkSession.createDataFrame(rows, list(columns)))
