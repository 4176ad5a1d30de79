"""Between an engine's tables and arrays: the small tables that fit in memory, out of the engine and back."""

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from regulars.analytics.frames import Lazy

Columns = dict[str, NDArray[Any]]


def arrays(small: Lazy) -> Columns:
    """Return the columns of a table that fits in memory."""
    native: Any = small.to_native()
    engine: nw.Implementation = small.implementation
    if engine.is_duckdb():
        fetched: dict[str, Any] = native.fetchnumpy()
        return {name: np.ma.filled(column, np.nan) for name, column in fetched.items()}
    if engine.is_pyspark() or engine.is_pyspark_connect():
        table = native.toArrow()
        return {name: table[name].to_numpy() for name in table.column_names}
    frame = native.collect()
    return {name: frame[name].to_numpy() for name in frame.columns}


def beside(table: Lazy, columns: Columns) -> Lazy:
    """Return arrays as a table in the engine, and the connection or session, of another table."""
    native: Any = table.to_native()
    engine: nw.Implementation = table.implementation
    if engine.is_duckdb():
        # DuckDB finds the arrays by the name of this variable and keeps them with the relation.
        arrays_here = columns  # noqa: F841 - named in the query
        relation: Lazy = nw.from_native(native.query("caller", "select * from arrays_here"))
        return relation
    if engine.is_pyspark() or engine.is_pyspark_connect():
        import pyarrow as pa  # noqa: PLC0415 - only callers who compute with Spark have it

        # Arrays of objects hold texts; an empty one could not tell.
        arrow = pa.table(
            {
                name: pa.array(values, type=pa.string() if values.dtype == object else None)
                for name, values in columns.items()
            }
        )
        frame: Lazy = nw.from_native(native.sparkSession.createDataFrame(arrow))
        return frame
    import polars as pl  # noqa: PLC0415 - only callers who compute with Polars pay for loading it

    return nw.from_native(pl.DataFrame(columns).lazy())
