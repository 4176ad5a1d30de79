"""The way in and the way out: any dataframe becomes one lazy frame, and the answer the kind that came in.

Inside, everything is Narwhals over lazy frames. Three engines do the work: Polars (also for pandas and PyArrow
tables, which are handed to it column by column), DuckDB for its relations, Spark for its frames.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, cast

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.kernel.errors import RegularsError

Lazy: TypeAlias = nw.LazyFrame[Any]

_SPARK = (nw.Implementation.PYSPARK, nw.Implementation.PYSPARK_CONNECT)
_CHOICES = "a pandas, Polars (eager or lazy), PyArrow, DuckDB or Spark table"


class UnsupportedFrameError(RegularsError):
    """The value is no table that we can read."""

    code: ClassVar[str] = "unsupported_frame"


class MixedFramesError(RegularsError):
    """Two tables of one call live in different engines."""

    code: ClassVar[str] = "mixed_frames"


def is_eager(native: IntoFrame) -> bool:
    """Return whether the table holds its rows in memory (pandas, PyArrow, an eager Polars frame)."""
    return isinstance(_narwhals(native, name="frame"), nw.DataFrame)


def schema(native: IntoFrame, *, name: str) -> dict[str, nw.dtypes.DType]:
    """Return the names and types of a table's columns.

    Raises:
        UnsupportedFrameError: It is no table of a known kind.
    """
    return dict(_narwhals(native, name=name).collect_schema())


def lazy(native: IntoFrame, *, name: str, columns: Sequence[str]) -> Lazy:
    """Return the named columns of a table as a lazy frame.

    Args:
        native: Any supported table.
        name: What the table is called in messages.
        columns: Columns to keep; all exist.

    Raises:
        UnsupportedFrameError: It is no table of a known kind.
    """
    frame = _narwhals(native, name=name)
    if isinstance(frame, nw.LazyFrame):
        return frame.select(*columns)
    return frame.select(*columns).lazy("polars")


def same_engine(first: IntoFrame, second: IntoFrame, *, names: tuple[str, str]) -> None:
    """Check that two tables can be joined.

    Raises:
        MixedFramesError: They are of different kinds.
    """
    kinds = [_kind(native, name=name) for native, name in zip((first, second), names, strict=True)]
    if kinds[0] != kinds[1]:
        raise MixedFramesError(
            f"{names[0]} is {kinds[0]} and {names[1]} is {kinds[1]}; hand in both as the same kind of table",
            frames=names,
        )


def compute(*results: Lazy) -> list[Lazy]:
    """Compute results together where the engine keeps results in memory; elsewhere leave them lazy.

    Polars reads what the results share once. DuckDB and Spark results may be larger than memory, so that they
    stay plans and are computed when their owner asks.
    """
    if _engine(results[0]) is not nw.Implementation.POLARS:
        return list(results)
    import polars as pl  # noqa: PLC0415 - only callers who compute with Polars pay for loading it

    plans = [cast("pl.LazyFrame", result.to_native()) for result in results]
    return [nw.from_native(frame.lazy()) for frame in pl.collect_all(plans, engine="streaming")]


def with_previous(frame: Lazy, columns: Mapping[str, str], *, by: Sequence[str], order_by: str) -> Lazy:
    """Add what the row before holds, within a group; null in the first row of each.

    Args:
        frame: The rows; `by` and `order_by` tell them apart and are never null.
        columns: Name of each new column, and the column it is taken from.
        by: What makes a group.
        order_by: What puts its rows in order.
    """
    if _engine(frame) is not nw.Implementation.POLARS:
        return frame.with_columns(
            nw.col(source).shift(1).over(*by, order_by=order_by).alias(name)
            for name, source in columns.items()
        )
    import polars as pl  # noqa: PLC0415 - only callers who compute with Polars pay for loading it

    # Of many small groups, one sort takes half the time of a window.
    rows_in_order = cast("pl.LazyFrame", frame.to_native()).sort(*by, order_by)
    same_group = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in by)
    return nw.from_native(
        rows_in_order.with_columns(
            pl.when(same_group).then(pl.col(source).shift(1)).alias(name) for name, source in columns.items()
        )
    )


GIVEN = "regulars_given"
"""What a statement of `found_by_duckdb` calls the frame that it reads."""


def found_by_duckdb(given: Lazy, sql: str) -> Lazy:
    """Return what a statement of DuckDB finds in a frame of that engine, which it calls `GIVEN`; not worked out yet."""
    native: Any = given.to_native()
    found: Lazy = nw.from_native(native.query(GIVEN, sql))
    return found


def rows(result: Lazy) -> list[dict[str, Any]]:
    """Return the rows of a small result as dictionaries."""
    native: Any = result.to_native()
    if _engine(result) is nw.Implementation.DUCKDB:
        names = native.columns
        return [dict(zip(names, values, strict=True)) for values in native.fetchall()]
    if _engine(result) in _SPARK:
        return [row.asDict() for row in native.collect()]
    return cast("list[dict[str, Any]]", native.collect(engine="streaming").to_dicts())


def like(native: IntoFrameT, result: Lazy, *, grain: Sequence[str]) -> IntoFrameT:
    """Return a result as the kind of table that `native` is.

    Args:
        native: The table the caller handed in.
        result: What was worked out from it.
        grain: The columns that tell rows apart. Tables in memory come sorted by them; lazy ones in no order.
    """
    came = _narwhals(native, name="frame")
    if isinstance(came, nw.LazyFrame):
        return cast("IntoFrameT", result.to_native())
    eager = result.sort(*grain).collect("polars")
    if _engine(came) is nw.Implementation.POLARS:
        return cast("IntoFrameT", eager.to_native())
    if _engine(came) is nw.Implementation.PYARROW:
        return cast("IntoFrameT", eager.to_arrow())
    return cast("IntoFrameT", _pandas(eager))


def _pandas(frame: nw.DataFrame[Any]) -> object:
    table = frame.to_pandas()
    # A missing integer would turn its column into floats; pandas has integers that can be missing.
    missing = {
        name: str(dtype)
        for name, dtype in frame.schema.items()
        if dtype.is_integer() and frame[name].null_count() > 0
    }
    return table.astype(missing)


def _narwhals(native: IntoFrame, *, name: str) -> nw.DataFrame[Any] | Lazy:
    if isinstance(native, nw.DataFrame | nw.LazyFrame):
        native = native.to_native()
    try:
        frame = nw.from_native(native)
    except TypeError as error:
        raise UnsupportedFrameError(
            f"{name} is {type(native).__name__}, must be {_CHOICES}", frame=name
        ) from error
    known = (
        nw.Implementation.PANDAS,
        nw.Implementation.POLARS,
        nw.Implementation.PYARROW,
        nw.Implementation.DUCKDB,
        *_SPARK,
    )
    if _engine(frame) not in known:
        raise UnsupportedFrameError(
            f"{name} is a table of {_engine(frame).name.lower()}, must be {_CHOICES}", frame=name
        )
    return frame


def _kind(native: IntoFrame, *, name: str) -> str:
    frame = _narwhals(native, name=name)
    # Everything eager is computed by Polars, so that pandas joins with PyArrow.
    if isinstance(frame, nw.DataFrame) or _engine(frame) is nw.Implementation.POLARS:
        return "a table in memory or of Polars"
    return f"a table of {_engine(frame).name.lower()}"


def _engine(frame: nw.DataFrame[Any] | Lazy) -> nw.Implementation:
    # Narwhals tells the type checker of one engine at a time.
    return cast("nw.Implementation", frame.implementation)
