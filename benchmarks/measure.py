"""How the benchmarks measure: runs of all contenders in turn, medians, ratios, memory of a process of one's own.

A speed is a ratio to a baseline that ran beside it in the same minutes; seconds alone say more about the machine.
"""

import gc
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeAlias

from rich.console import Console
from rich.table import Table

from regulars.runtime.home import home_from_environment

Contender: TypeAlias = Callable[[], object]


def data_folder() -> Path:
    """Return where the generated data is kept: outside the repository, in the home folder."""
    return home_from_environment().root / "benchmarks"


class Taken(NamedTuple):
    """How long something took.

    Attributes:
        wall: Seconds that passed.
        cpu: Seconds that all cores together worked on it; on a busy machine the steadier of the two.
    """

    wall: float
    cpu: float


def times(contenders: Mapping[str, Contender], *, runs: int) -> dict[str, Taken]:
    """Return the medians of each contender over so many rounds, after one round that does not count.

    In every round each runs once, so that a busy neighbour slows all of them.
    """
    taken: dict[str, list[Taken]] = {name: [] for name in contenders}
    for run in range(runs + 1):
        for name, contender in contenders.items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            contender()
            if run:
                taken[name].append(Taken(time.perf_counter() - wall, time.process_time() - cpu))
    return {
        name: Taken(median(one.wall for one in all_), median(one.cpu for one in all_))
        for name, all_ in taken.items()
    }


def peak_mib(contender: Callable[..., object], *arguments: object) -> float:
    """Return how much memory a fresh process comes to hold that does this once. Both must be picklable."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report_peak, args=(sender, contender, arguments))
    process.start()
    sender.close()
    peak: float = receiver.recv()
    process.join()
    return peak


def _report_peak(sender: object, contender: Callable[..., object], arguments: Sequence[object]) -> None:
    contender(*arguments)
    sender.send(own_peak_mib())  # type: ignore[attr-defined] # a connection; its class has no public name


def own_peak_mib() -> float:
    """Return the most memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would count what the parent held when it started us.
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


def machine(*packages: str) -> str:
    """Return one line on where and with what a table was made."""
    return ", ".join(
        [
            f"{_processor()}, {os.cpu_count()} cores",
            f"Python {platform.python_version()}",
            *(f"{package} {version(package)}" for package in packages),
        ]
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, the first column to the left, figures to the right."""
    table = Table(*columns, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    Console(width=140).print(table)
