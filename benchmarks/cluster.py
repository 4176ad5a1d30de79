"""Ten million order lines on a Spark cluster of two workers: what its driver holds, and that it finds what Polars finds.

    uv run python -m benchmarks cluster [--lines 10000000] [--data DIR]

A master and two workers of one core and 2 GiB each are started on this machine. They read the facts folder and write histories,
profiles and preferences into it; the driver may hold half a GiB. Then Polars does the same, and the rows are compared.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from polars.testing import assert_frame_equal
from tests.insights import spark_cluster

from benchmarks import facts_from, measure
from benchmarks.nightly import LAST_DAY, alone, open_home

if TYPE_CHECKING:  # read after the settings are named
    from regulars.insights.engines import Engine

DRIVER_MIB = 512
_CONFIGURATION = f"""\
spark.driver.memory {DRIVER_MIB}m
spark.executor.memory 1500m
spark.ui.enabled false
spark.sql.shuffle.partitions 8
"""
_PARTS = ("histories", "profiles", "preferences")
_EXECUTOR = b"CoarseGrainedExecutorBackend"


@dataclass(frozen=True)
class Driven:
    """What the process that asked was made to hold."""

    wall: float
    python_cpu: float
    python_mib: float
    java_mib: float


def main() -> None:
    """Compute on the cluster, then with Polars, and compare."""
    options = argparse.ArgumentParser(prog="python -m benchmarks cluster")
    options.add_argument("--lines", type=int, default=10_000_000)
    options.add_argument("--data", type=Path, default=measure.data_folder())
    chosen = options.parse_args()
    root = chosen.data / f"facts-{chosen.lines}"
    facts = root / "facts"
    if not (facts / "customers").exists():
        facts_from.lay(facts, data=chosen.data, lines=chosen.lines, last_day=LAST_DAY)
    by_spark, by_polars = root / "by-spark", root / "by-polars"
    with (
        tempfile.TemporaryDirectory() as folder,
        spark_cluster.cluster(Path(folder) / "cluster", configuration=_CONFIGURATION) as cluster,
    ):
        driven: Driven = alone(_compute, root, by_spark, "spark", spark_cluster.environment(cluster))
        logs = [cluster.logs(worker) for worker in spark_cluster.WORKERS]
    tasks = [log.count("Finished task") for log in logs]
    plain: Driven = alone(_compute, root, by_polars, "polars", {})
    for part in _PARTS:
        found, expected = (_rows(folder / part) for folder in (by_spark, by_polars))
        assert_frame_equal(found, expected, check_exact=False, rel_tol=1e-9, abs_tol=1e-12)
        print(f"{part}: {expected.height:,} equal rows")
    measure.show(
        f"{chosen.lines:,} lines, tasks of the two workers: {tasks[0]:,} and {tasks[1]:,}",
        ("contender", "seconds", "Python, CPU seconds", "Python, peak MiB", "Java driver, peak MiB"),
        [
            (name, f"{one.wall:.0f}", f"{one.python_cpu:.1f}", f"{one.python_mib:.0f}", f"{one.java_mib:.0f}")
            for name, one in (("Spark, two workers", driven), ("Polars", plain))
        ],
    )
    print(measure.machine("regulars", "polars", "pyspark"))


def _compute(root: Path, output: Path, engine: "Engine", environment: dict[str, str]) -> Driven:
    os.environ.update(environment)
    home = open_home(root)
    from regulars.analytics import facts as contract  # noqa: PLC0415  after the settings are named
    from regulars.analytics import histories, preferences  # noqa: PLC0415
    from regulars.cli.installation import leave_database  # noqa: PLC0415
    from regulars.insights import engines, facts, labels  # noqa: PLC0415
    from regulars.insights.rules import Rules  # noqa: PLC0415

    wall, cpu, java = time.perf_counter(), time.process_time(), 0.0
    with engines.reader(engine=engine, facts_folder=root / "facts") as read:
        orders, customers = read(facts.ORDERS), read(facts.CUSTOMERS)
        past = engines.kept(
            histories.of_orders(contract.until(orders, as_of_day=LAST_DAY), as_of_day=LAST_DAY)
        )
        told = partial(_tell, wall)
        engines.write(past, output / "histories")
        told("histories")
        found = labels.compute(
            orders=orders,
            customers=customers,
            as_of_day=LAST_DAY,
            rules=Rules.read(rfm={}, tiers={}, stages={}),
            past=past,
        )
        engines.write(found.profiles, output / "profiles")
        told("profiles")
        lines = contract.until(read(facts.LINES), as_of_day=LAST_DAY)
        engines.write(
            preferences.score(lines, read(facts.PRODUCTS), as_of_day=LAST_DAY), output / "preferences"
        )
        told("preferences")
        java = _peak_of_java()
    done = Driven(
        wall=time.perf_counter() - wall,
        python_cpu=time.process_time() - cpu,
        python_mib=measure.own_peak_mib(),
        java_mib=java,
    )
    leave_database(home)
    return done


def _tell(began: float, part: str) -> None:
    """Print that a part is written, after how long, and the CPU seconds that the executors have had."""
    ticks = 0
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdecimal() and _EXECUTOR in (process / "cmdline").read_bytes():
                ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:13]))
        except (FileNotFoundError, ProcessLookupError):
            continue
    of_executors = f"; executors {ticks / os.sysconf('SC_CLK_TCK'):.0f} CPU s" if ticks else ""
    print(f"{part}: {time.perf_counter() - began:.0f} s{of_executors}", flush=True)


def _peak_of_java() -> float:
    """Return the most memory that a Java process of this one has held."""
    peak = 0.0
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            told = dict(
                line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
            )
        except (FileNotFoundError, ProcessLookupError):
            continue
        if told["Name"].strip() == "java" and int(told["PPid"]) == os.getpid():
            peak = max(peak, int(told["VmHWM"].split()[0]) / 1024)
    return peak


def _rows(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(sorted(folder.glob("*.parquet"))).sort("customer_id")


if __name__ == "__main__":
    main()
