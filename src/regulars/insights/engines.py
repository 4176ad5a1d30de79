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
from regulars.runtime.memory import available_bytes

if TYPE_CHECKING:  # Spark is an extra.
    from pyspark.sql import SparkSession

Engine = Literal["polars", "duckdb", "spark"]
ENGINES: tuple[Engine, ...] = ("polars", "duckdb", "spark")
Table: TypeAlias = Any

POLARS_BYTES, POLARS_BYTES_A_LINE = 600 * 2**20, 120
"""What a run of Polars holds at its peak, measured by `benchmarks nightly --facts`."""

_PARTITIONS, _PARTITIONS_A_CORE = "spark.sql.shuffle.partitions", 2

_DUCKDB_SHARE = 0.6
"""Of the memory that is left when it starts; what comes out of it is worked through beside it."""

_GIB = 2**30
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


class NotEnoughMemoryError(RegularsError):
    """Polars would take more memory than is left."""

    code: ClassVar[str] = "not_enough_memory"


def demand_memory(*, engine: Engine, facts_folder: Path, available: int | None) -> None:
    """Check that a run fits in memory, before the operating system ends it half way.

    Args:
        engine: What computes. Only Polars holds what it computes; DuckDB spills, and so do Spark's executors.
        facts_folder: Where the facts lie.
        available: Bytes that are left; None where that is unknown.

    Raises:
        NotEnoughMemoryError: It does not, with what to do.
    """
    if engine != "polars" or available is None:
        return
    lines = facts.scan_polars(facts.LINES, facts_folder=facts_folder).select(pl.len()).collect().item()
    needed = POLARS_BYTES + POLARS_BYTES_A_LINE * lines
    if needed > available:
        message = (
            f"the facts hold {lines:,} order lines, for which Polars needs about {needed / _GIB:.1f} GiB, and "
            f"{available / _GIB:.1f} GiB are left; take the engine duckdb, which spills to disk, or spark"
        )
        raise NotEnoughMemoryError(message, lines=lines, needed=needed, available=available)


def fitting(*, facts_folder: Path, available: int | None) -> Engine:
    """Return the engine for a run that names none: Polars, or DuckDB where the facts do not fit in memory."""
    try:
        demand_memory(engine="polars", facts_folder=facts_folder, available=available)
    except NotEnoughMemoryError:
        return "duckdb"
    return "polars"


@contextmanager
def reader(*, engine: Engine, facts_folder: Path) -> Iterator[Callable[[facts.Dataset], Table]]:
    """Give a function that reads a dataset with `engine`; the tables it returns are good inside the block."""
    if engine == "polars":
        yield lambda dataset: facts.scan_polars(dataset, facts_folder=facts_folder)
    elif engine == "duckdb":
        with duckdb.connect(config=_duckdb_configuration(facts_folder)) as database:
            # The run itself tells how far it is.
            database.execute("SET enable_progress_bar = false")
            yield lambda dataset: facts.scan_duckdb(dataset, facts_folder=facts_folder, database=database)
    else:
        with _spark() as session:
            yield lambda dataset: facts.scan_spark(dataset, facts_folder=facts_folder, session=session)


def _duckdb_configuration(facts_folder: Path) -> dict[str, str | bool | int | float | list[str]]:
    left = available_bytes()
    limit = {} if left is None else {"memory_limit": f"{int(left * _DUCKDB_SHARE) // 2**20}MiB"}
    return {"temp_directory": str(facts_folder / ".spill"), **limit}


@contextmanager
def _spark() -> "Iterator[SparkSession]":
    """Give a session on the master of the settings, or the one that this process has already."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra, slow to load

    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    builder = SparkSession.builder.appName("Regulars").master(SPARK_MASTER.value)
    # The run itself tells how far it is.
    builder = builder.config("spark.ui.showConsoleProgress", value=False)
    if SPARK_MASTER.value.startswith("local"):
        # Nobody asked for a web server on this machine.
        builder = builder.config("spark.ui.enabled", value=False)
    session = builder.getOrCreate()
    if SPARK_MASTER.value.startswith("local") and not session.sparkContext.getConf().contains(_PARTITIONS):
        # Spark's 200 are meant for clusters: on this machine each is a task with next to nothing to do.
        session.conf.set(_PARTITIONS, _PARTITIONS_A_CORE * session.sparkContext.defaultParallelism)
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
        # Handed to Polars' constructor, a relation is never let go, and DuckDB says so when the command ends.
        frame: pl.DataFrame = table.pl()
        return frame
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
