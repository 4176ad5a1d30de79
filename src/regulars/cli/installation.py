"""Open the installation: what every command does before it touches the record."""

from pathlib import Path
from typing import ClassVar

import django
from django.core.management import call_command

from regulars.cli.app import notes
from regulars.kernel.errors import RegularsError
from regulars.runtime import environment, postgres, tables
from regulars.runtime.home import Home, home_from_environment

LEAST_SERVER_VERSION = 15
# Any number that no other use of advisory locks in this database has: "regulars" as big-endian bytes, halved.
_MIGRATION_LOCK = int.from_bytes(b"regulars") // 2


class DatabaseUnreachableError(RegularsError):
    """No database answers under DATABASE_URL."""

    code: ClassVar[str] = "database_unreachable"


class DatabaseTooOldError(RegularsError):
    """The database server is older than Regulars needs."""

    code: ClassVar[str] = "database_too_old"


class RecordIsNewerError(RegularsError):
    """A newer Regulars has migrated this database."""

    code: ClassVar[str] = "record_is_newer"


def open_installation(*, home: Path | None = None, migrate: bool = True, reapply: bool = True) -> Home:
    """Make the installation usable by this process and return its home.

    Starts or joins the private PostgreSQL unless DATABASE_URL names another, sets Django up, and applies
    migrations that are missing, one process at a time. The private PostgreSQL is held until the process ends;
    the last process to leave stops it. Where the database was restored from an older backup, what the log outside of it
    knows is done again first. Calling it again does nothing new.

    Args:
        home: The home folder; by default `--home`, `REGULARS_HOME`, or the system's usual place.
        migrate: Whether to apply missing migrations; doctor and `db` commands only look.
        reapply: Whether to catch up with the log outside the database.

    Raises:
        HomeError: The home folder cannot be used.
        PostgresError: The private PostgreSQL does not start.
        DatabaseUnreachableError: No database answers under DATABASE_URL.
        DatabaseTooOldError: Its PostgreSQL is older than 15.
        RecordIsNewerError: The database was migrated by a newer Regulars.
    """
    if home is not None:
        environment.HOME.put(str(home.expanduser().resolve()))
    chosen = home_from_environment()
    chosen.prepare()
    hold_database(chosen)
    django.setup()
    reach_database()
    if migrate:
        migrate_database()
        if reapply:
            _catch_up()
    return chosen


def _catch_up() -> None:
    """Do again the erasures and opt-outs that a restored backup does not know."""
    from regulars.shop import operations, privacy_log  # noqa: PLC0415  needs the settings

    if privacy_log.is_behind():
        done = operations.reapply_privacy_log()
        notes.print(
            f"The database was older than the privacy log: {done.erased} erased and {done.withdrawn} consents taken back again.",
            markup=False,
        )


_leases: dict[Path, postgres.Lease] = {}


def hold_database(home: Home) -> None:
    """Start or join the private PostgreSQL, once per process, unless DATABASE_URL names another."""
    if environment.DATABASE_URL.value or home.root in _leases:
        return
    lease = postgres.Lease(home)
    if home.postgres.exists():
        lease.start()
    else:
        with notes.status("making the database"):
            lease.start()
    _leases[home.root] = lease


def leave_database(home: Home) -> None:
    """Let go of the private PostgreSQL before this process ends."""
    lease = _leases.pop(home.root, None)
    if lease is not None:
        lease.end()


def migrate_database() -> None:
    """Apply the migrations that are missing. Processes that come at once wait for the first."""
    from django.db import connection  # noqa: PLC0415  needs the settings
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415

    check_version()
    if not missing_migrations():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            if missing_migrations():
                with notes.status("preparing the tables"):
                    tables.make_tables(connection.connection, known=MigrationLoader(None).graph.nodes)
                    call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])


def reach_database() -> None:
    """Make sure that the database answers. Raises DatabaseUnreachableError if not."""
    from django.db import OperationalError, connection  # noqa: PLC0415  needs the settings

    try:
        connection.ensure_connection()
    except OperationalError as error:
        settings = connection.settings_dict
        message = (
            f"no database {settings['NAME']!r} answers at {settings['HOST'] or 'the default socket'}: "
            f"{str(error).strip()}; check DATABASE_URL, or unset it to use the private PostgreSQL"
        )
        raise DatabaseUnreachableError(message) from error


def check_version() -> None:
    """Make sure that the database is new enough. Raises DatabaseTooOldError if not."""
    from django.db import connection  # noqa: PLC0415  needs the settings

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        found = int(cursor.fetchone()[0]) // 10_000
    if found < LEAST_SERVER_VERSION:
        message = f"the database is PostgreSQL {found}, must be >= {LEAST_SERVER_VERSION}"
        raise DatabaseTooOldError(message, found=found)


# The applied migrations among which nothing was missing: looked at anew only when they differ.
_complete: set[frozenset[tuple[str, str]]] = set()


def missing_migrations() -> list[str]:
    """Return the migrations that this Regulars has and the database has not, as `room.name`. Costs one query.

    Raises:
        RecordIsNewerError: The database has migrations that this Regulars has not.
    """
    from django.apps import apps  # noqa: PLC0415  needs the settings
    from django.db import connection  # noqa: PLC0415
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415
    from django.db.migrations.recorder import MigrationRecorder  # noqa: PLC0415

    recorded = frozenset(MigrationRecorder(connection).applied_migrations())
    if recorded in _complete:
        return []
    loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations)
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("regulars.")}
    unknown = sorted(f"{room}.{name}" for room, name in applied - set(loader.disk_migrations) if room in ours)
    if unknown:
        message = (
            f"the database was prepared by a newer Regulars (it has {', '.join(unknown)}); "
            "install that version, or restore a backup made before the upgrade"
        )
        raise RecordIsNewerError(message, unknown=unknown)
    missing = sorted(f"{room}.{name}" for room, name in set(loader.graph.nodes) - applied)
    if not missing:
        _complete.add(recorded)
    return missing
