"""The engines that insights are computed on: how facts get in, how results are kept, and how they get out.

A table is a lazy Polars frame, a relation of DuckDB or a frame of Spark. DuckDB spills what does not fit in memory to the
facts folder; on Spark neither facts nor profiles pass through this process, executors read and write the files.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import duckdb
import polars as pl

from regulars.insights import facts
from regulars.kernel.errors import RegularsError
from regulars.runtime.environment import JAVA_HOME, SPARK_MASTER

if TYPE_CHECKING:  # Spark is an extra.
    from pyspark.sql import SparkSession

Engine = Literal["polars", "duckdb", "spark"]
ENGINES: tuple[Engine, ...] = ("polars", "duckdb", "spark")
Table: TypeAlias = Any

_table_numbers = count()


class UnknownEngineError(RegularsError):
    """There is no such engine."""

    code: ClassVar[str] = "unknown_engine"


class EngineMissingError(RegularsError):
    """The engine is not installed."""

    code: ClassVar[str] = "engine_missing"


def demand(engine: str) -> None:
    """Check that an engine exists and is installed.

    Raises:
        UnknownEngineError: It is not one of `ENGINES`.
        EngineMissingError: It needs a package or a Java runtime that is not there.
    """
    if engine not in ENGINES:
        message = f"engine == {engine!r}, must be one of {', '.join(ENGINES)}"
        raise UnknownEngineError(message, engine=engine)
    if engine != "spark":
        return
    if find_spec("pyspark") is None:
        message = "engine == 'spark' needs the package pyspark: install regulars[spark]"
        raise EngineMissingError(message, engine=engine, missing="pyspark")
    if not JAVA_HOME.value and shutil.which("java") is None:
        message = "engine == 'spark' needs a Java runtime, 17 or later (Debian: default-jre-headless)"
        raise EngineMissingError(message, engine=engine, missing="java")


@contextmanager
def reader(*, engine: Engine, facts_folder: Path) -> Iterator[Callable[[facts.Dataset], Table]]:
    """Give a function that reads a dataset with `engine`; the tables it returns are good inside the block."""
    if engine == "polars":
        yield lambda dataset: facts.scan_polars(dataset, facts_folder=facts_folder)
    elif engine == "duckdb":
        with duckdb.connect(config={"temp_directory": str(facts_folder / ".spill")}) as database:
            yield lambda dataset: facts.scan_duckdb(dataset, facts_folder=facts_folder, database=database)
    else:
        with _spark() as session:
            yield lambda dataset: facts.scan_spark(dataset, facts_folder=facts_folder, session=session)


@contextmanager
def _spark() -> "Iterator[SparkSession]":
    """Give a session on the master of the settings, or the one that this process has already."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, slow to load

    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    builder = SparkSession.builder.appName("Regulars").master(SPARK_MASTER.value)
    if SPARK_MASTER.value.startswith("local"):
        # Nobody asked for a web server on this machine.
        builder = builder.config("spark.ui.enabled", value=False)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


def kept(table: Table) -> Table:
    """Compute a table once, for several readers: in memory, in DuckDB's own storage, or by Spark's executors."""
    if isinstance(table, pl.LazyFrame):
        return table.collect(engine="streaming").lazy()
    if isinstance(table, duckdb.DuckDBPyRelation):
        name = f"kept_{next(_table_numbers)}"
        table.create(name)
        return table.query("unused", f"FROM {name}")
    return table.persist()


def in_memory(table: Table) -> pl.DataFrame:
    """Return the rows of a small table."""
    if isinstance(table, pl.LazyFrame):
        return table.collect(engine="streaming")
    if isinstance(table, duckdb.DuckDBPyRelation):
        return pl.DataFrame(table)
    return pl.DataFrame(table.toArrow())


def write(table: Table, folder: Path) -> None:
    """Write a table as Parquet into a folder, which is made; one that exists is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    if hasattr(table, "sparkSession"):
        table.write.parquet(str(folder.absolute()))
        return
    folder.mkdir(parents=True)
    if isinstance(table, pl.LazyFrame):
        table.sink_parquet(folder / "data.parquet")
    else:
        table.write_parquet(str(folder / "data.parquet"))
