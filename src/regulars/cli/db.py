"""`regulars db`: the private PostgreSQL of a home folder."""

import signal
import subprocess
from typing import ClassVar

import typer

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import hold_database
from regulars.kernel.errors import RegularsError
from regulars.runtime import environment, postgres
from regulars.runtime.home import Home, home_from_environment

db = CommandTree(no_args_is_help=True, help="The private PostgreSQL: start, stop, look inside.")
app.add_typer(db, name="db")


class NotPrivateError(RegularsError):
    """The command is about the private PostgreSQL, and DATABASE_URL names another."""

    code: ClassVar[str] = "not_private"


class DatabaseInUseError(RegularsError):
    """Other processes use the private PostgreSQL."""

    code: ClassVar[str] = "database_in_use"


@db.command("start")
def start() -> None:
    """Start the private PostgreSQL and leave it running until `regulars db stop`."""
    home = _private_home()
    if postgres.start(home):
        typer.echo("started")
    else:
        typer.echo("already running")
    postgres.keep(home)


@db.command("stop")
def stop() -> None:
    """Stop the private PostgreSQL."""
    home = _private_home()
    if postgres.is_used(home):
        message = f"other processes of {home.root} use the database, such as `regulars serve`; end them first"
        raise DatabaseInUseError(message)
    typer.echo("stopped" if postgres.stop(home) else "not running")


@db.command("status")
def status() -> None:
    """Say whether the private PostgreSQL runs, and where. Exits with 3 if it does not."""
    found = postgres.status(_private_home())
    state = "stopped"
    if found.is_running:
        state = (
            "running, until `regulars db stop`" if found.is_kept else "running, until its last user leaves"
        )
    typer.echo(f"state    {state}")
    typer.echo(f"version  PostgreSQL {found.version}")
    typer.echo(f"data     {found.data_directory}")
    typer.echo(f"socket   {found.socket_folder}")
    if not found.is_running:
        raise typer.Exit(3)
    typer.echo(f"process  {found.process_id}")


@db.command("url")
def url() -> None:
    """Print the connection string, for psql, BI tools and DATABASE_URL of other programs."""
    home = home_from_environment()
    typer.echo(environment.DATABASE_URL.value or postgres.database_url(home))


@db.command("shell")
def shell() -> None:
    """Open psql on the database."""
    home = home_from_environment()
    hold_database(home)
    program = postgres.binaries() / "psql"
    # Ctrl-C inside psql ends a statement, not this command.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address = environment.DATABASE_URL.value or postgres.database_url(home)
    raise typer.Exit(subprocess.run([program, address], check=False).returncode)


def _private_home() -> Home:
    if environment.DATABASE_URL.is_set:
        message = (
            "DATABASE_URL names a database that Regulars does not run; unset it to use the private PostgreSQL"
        )
        raise NotPrivateError(message)
    home = home_from_environment()
    if not home.root.exists():
        notes.print(f"{home.root} does not exist yet", markup=False)
    return home
