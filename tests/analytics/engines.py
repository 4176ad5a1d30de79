"""Every kind of table that a caller may hand in, made from one Polars frame, and read back as one."""

import logging
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeAlias, TypeVar

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

Test = TypeVar("Test", bound=Callable[..., None])
Table: TypeAlias = Any
"""Any kind of table; which one is known only when the test runs."""

EXEMPTIONS: dict[tuple[str, str], type[Exception]] = {}
"""What an engine cannot do yet: (engine, case) and the error it raises. One that starts to work fails its test."""

LEAST_JAVA = 17

# Relations point into it, so it lives as long as the tests do.
_connection = duckdb.connect(config={"threads": 2})


@cache
def without_java() -> str:
    """Return why Spark cannot run here, or nothing where it can."""
    java = shutil.which("java")
    if java is None:
        return f"Spark needs a Java runtime, {LEAST_JAVA} or later (Debian: default-jre-headless)"
    # Before the first dot; Java 8 calls itself 1.8.
    version = re.search(
        r'version "(\d+)',
        subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr,
    )
    if version is None or int(version[1]) < LEAST_JAVA:
        return f"Spark needs Java {LEAST_JAVA} or later; {java} is {version[1] if version else 'of no known version'}"
    return ""


@cache
def spark() -> Any:  # noqa: ANN401 - a session; those who have no Java import nothing of Spark
    """Return the Spark session of the test run, made for tables of a few rows: no shuffles, no compiled code."""
    from pyspark.sql import SparkSession  # noqa: PLC0415

    small: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.default.parallelism": "1",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    # Its farewell at the end of the process goes to a stream that pytest has closed by then.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    session = SparkSession.builder.master("local[1]").config(map=small).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _relation(frame: pl.DataFrame) -> duckdb.DuckDBPyRelation:
    return _connection.from_arrow(frame.to_arrow())


IN_PROCESS: dict[str, Callable[[pl.DataFrame], Table]] = {
    "polars": lambda frame: frame,
    "polars_lazy": lambda frame: frame.lazy(),
    "duckdb": _relation,
    "pandas": lambda frame: frame.to_pandas(),
    "pyarrow": lambda frame: frame.to_arrow(),
}
ENGINES = IN_PROCESS | {"spark": lambda frame: spark().createDataFrame(frame.to_arrow())}

_SPARK = (pytest.mark.spark, pytest.mark.skipif(bool(without_java()), reason=without_java()))

EVERY = (*IN_PROCESS, pytest.param("spark", marks=_SPARK))
"""The names of all engines, as parameters of a test."""


def needs_spark(test: Test) -> Test:
    """Mark a test that runs on Spark."""
    for mark in _SPARK:
        test = mark(test)
    return test


def alike(case: str, answer: Callable[[str, str], Any], *, engines: Iterable[str] = IN_PROCESS) -> None:
    """Demand that engines answer a case as Polars does: integers exactly, floats to 1e-9.

    Args:
        case: Name of the case.
        answer: Gives the answer to a case on an engine, a frame of `as_polars` or a figure.
        engines: Which ones; those that need no Java unless told.
    """
    expected = answer(case, "polars")
    for engine in engines:
        if (engine, case) in EXEMPTIONS:
            with pytest.raises(EXEMPTIONS[engine, case]):
                answer(case, engine)
            continue
        found = answer(case, engine)
        if isinstance(expected, pl.DataFrame):
            assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-9, abs_tol=1e-15)
        else:
            assert found == expected, engine


def as_polars(table: Table) -> pl.DataFrame:
    """Return a table of any kind, its rows in one order and its numbers in one width."""
    if isinstance(table, pl.LazyFrame):
        frame = table.collect()
    elif isinstance(table, duckdb.DuckDBPyRelation):
        frame = pl.DataFrame(table.to_arrow_table())
    elif hasattr(table, "sparkSession"):
        frame = pl.DataFrame(table.toArrow())
    else:
        frame = pl.DataFrame(table)
    return frame.sort(pl.all())
