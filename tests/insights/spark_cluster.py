"""A Spark cluster of processes on this machine: a master and two workers of one core."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

WORKERS = ("first", "second")
_PROGRAM = Path(pyspark.__file__).parent / "bin" / "spark-class"
_SECONDS_TO_START = 120


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running cluster.

    Attributes:
        master: Its URL.
        folder: Has a folder for each worker, where its executors leave their logs.
    """

    master: str
    folder: Path

    def logs(self, worker: str) -> str:
        """Return what the executors of a worker said."""
        return "".join(file.read_text() for file in (self.folder / worker).glob("app-*/*/stderr"))


FEW_ROWS = """\
spark.executor.memory 512m
spark.ui.enabled false
spark.default.parallelism 2
spark.sql.shuffle.partitions 2
spark.sql.adaptive.enabled false
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
"""
"""For tables of a few rows, where compiling code costs more than it saves."""


@contextmanager
def cluster(folder: Path, *, configuration: str = FEW_ROWS) -> Iterator[Cluster]:
    """Start a cluster with a configuration as in `spark-defaults.conf`; stop it after."""
    folder.mkdir(parents=True)
    (folder / "spark-defaults.conf").write_text(configuration)
    port = _free_port()
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        running.enter_context(
            _process(folder, "master.Master", "--port", str(port), "--webui-port", "0", log="master")
        )
        for worker in WORKERS:
            running.enter_context(
                _process(
                    folder, "worker.Worker", "--cores", "1", "--memory", "2g", "--work-dir", str(folder / worker),
                    "--webui-port", "0", master, log=worker,
                )
            )  # fmt: skip
        _wait_for_workers(folder / "master.log")
        yield Cluster(master=master, folder=folder)


def environment(cluster: Cluster) -> dict[str, str]:
    """Return the environment variables that point a process at the cluster."""
    return {
        "REGULARS_SPARK_MASTER": cluster.master,
        "SPARK_CONF_DIR": str(cluster.folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }


@contextmanager
def _process(folder: Path, kind: str, *options: str, log: str) -> Iterator[None]:
    given = {
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": str(folder),
    }
    with (folder / f"{log}.log").open("wb") as output:
        process = subprocess.Popen(
            [_PROGRAM, f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1", *options],
            env={**os.environ, **given},
            stdout=output,
            stderr=output,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for_workers(log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while log.read_text().count("Registering worker") < len(WORKERS):
        if time.monotonic() > deadline:
            message = f"the cluster did not start within {_SECONDS_TO_START} s; see {log}"
            raise TimeoutError(message)
        time.sleep(0.2)
