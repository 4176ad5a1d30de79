"""`regulars serve`: the whole installation under one supervisor; `web` and `worker`: its parts, run apart."""

import http.client
import multiprocessing
import os
import shutil
import sys
from collections.abc import Callable
from typing import Annotated

import structlog
import typer

from regulars.cli.app import app, notes
from regulars.cli.installation import (
    hold_database,
    leave_database,
    open_installation,
)
from regulars.cli.jobs import run_jobs
from regulars.runtime import environment, logs, postgres
from regulars.runtime.home import home_from_environment
from regulars.runtime.lifeline import end_with_pipe
from regulars.runtime.supervisor import Child, Supervisor, check_port, hold_home

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
# Requests wait for the database, not for this machine; each thread keeps one connection.
_THREADS_PER_WEB_PROCESS = 8
_REQUESTS_WAITING = 256
_THREAD_IDLE_SECONDS = 600
_WEB_STOP_SECONDS = 15
_WORKER_STOP_SECONDS = 20.0

HostOption = Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for every network.")]
PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, max=64, help="Web processes; by default one for each core, at most four."
    ),
]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, max=32, help="Jobs that run at the same time.")]
LifelineOption = Annotated[int | None, typer.Option("--lifeline", hidden=True)]


@app.command("serve")
def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    workers: WorkersOption = None,
) -> None:
    """Run console, API and jobs until stopped with Ctrl-C or SIGTERM."""
    serve_installation(host=host, port=port, workers=workers)


def serve_installation(
    *, host: str, port: int, workers: int | None = None, prepare: Callable[[], None] | None = None
) -> None:
    """Open the installation and run web and worker under a supervisor until told to stop.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        workers: Web processes; by default one for each core, at most four.
        prepare: What to do beforehand, while the web processes start.

    Raises:
        AlreadyServingError: Another supervisor serves this home.
        PortTakenError: Nothing can listen on `host` and `port`.
    """
    home = home_from_environment()
    home.prepare()
    address = console_address(host=host, port=port)
    lock = hold_home(home, address=address)
    check_port(host=host, port=port)
    open_installation()
    logs.configure()
    itself = (sys.executable, "-m", "regulars")
    life = ("--lifeline", "{lifeline}")
    web = ("web", "--host", host, "--port", str(port), *(("--workers", str(workers)) if workers else ()))
    children = [Child("web", (*itself, *web, *life)), Child("worker", (*itself, "worker", *life), waits=True)]
    environment.HOME.put(str(home.root))
    lead_links_to(port)

    def tend() -> None:
        if not environment.DATABASE_URL.is_set and postgres.start(home):
            structlog.get_logger("regulars.supervisor").error(
                "ended unexpectedly, restarted", child="database"
            )

    def tell() -> None:
        notes.print(f"\n[bold]Regulars[/] at [link={address}]{address}[/], Ctrl-C to stop\n")
        if host not in _LOOPBACK and not environment.HOSTS.is_set:
            notes.print(
                f"Calls under other names than {', '.join(environment.HOSTS.value)} are refused; "
                "name your host in REGULARS_HOSTS.",
                markup=False,
            )

    supervisor = Supervisor(children, tend=tend)
    try:
        if prepare is not None:
            supervisor.start_and(prepare)
        supervisor.run(is_ready=lambda: _answers(host, port), on_ready=tell)
    finally:
        lock.release()
        leave_database(home)


def console_address(*, host: str, port: int) -> str:
    """Return the address under which a browser on this machine finds the console."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  recognised, not bound
    return f"http://{name}:{port}"


def _answers(host: str, port: int) -> bool:
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  recognised, not bound
    connection = http.client.HTTPConnection(target, port, timeout=1)
    try:
        connection.request("GET", "/health/live", headers={"Host": "localhost"})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


@app.command("web")
def web(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    workers: WorkersOption = None,
    lifeline: LifelineOption = None,
) -> None:
    """Run the console and the API alone; jobs then need `regulars worker` beside it."""
    if lifeline is not None:
        end_with_pipe(lifeline)
    check_port(host=host, port=port)
    # The supervisor has opened the installation already. Django is set up by each web process for itself.
    home = home_from_environment()
    if lifeline is None:
        open_installation()
    else:
        hold_database(home)
    shutil.rmtree(home.metrics, ignore_errors=True)
    home.prepare()
    environment.share_counters(home.metrics)
    from granian import Granian  # noqa: PLC0415  loads slowly, and other commands have no use for it
    from granian.constants import Interfaces  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    # A fork would carry over threads and connections of this process.
    multiprocessing.set_start_method("spawn")
    Granian(
        "regulars.project.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers or min(os.cpu_count() or 1, 4),
        blocking_threads=_THREADS_PER_WEB_PROCESS,
        blocking_threads_idle_timeout=_THREAD_IDLE_SECONDS,
        backpressure=_REQUESTS_WAITING,
        workers_kill_timeout=_WEB_STOP_SECONDS,
        respawn_failed_workers=True,
        websockets=False,
        log_dictconfig=logs.configuration(),
        log_level=LogLevels.error,
    ).serve()


@app.command("worker")
def worker(
    jobs: JobsOption = 4,
    queues: Annotated[
        str | None, typer.Option("--queues", help="Only these queues, separated by commas; by default all.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Leave when no job is waiting.")] = False,
    lifeline: LifelineOption = None,
) -> None:
    """Run queued and scheduled jobs alone. Several workers may run side by side."""
    if lifeline is not None:
        end_with_pipe(lifeline)
    open_installation(migrate=lifeline is None)
    from procrastinate.app import WorkerOptions  # noqa: PLC0415  needs the settings

    options = WorkerOptions(concurrency=jobs, wait=not once, shutdown_graceful_timeout=_WORKER_STOP_SECONDS)
    if queues:
        options["queues"] = queues.replace(" ", "").split(",")
    run_jobs(options)


def lead_links_to(port: int) -> None:
    """Let links in mails lead to the port that is served, where nobody said where they lead."""
    if not environment.PUBLIC_URL.is_set and not environment.TLS.value:
        first = next(iter(environment.HOSTS.value), "localhost")
        environment.PUBLIC_URL.put(f"http://{first}:{port}")
