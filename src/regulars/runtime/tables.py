"""Makes every table of an empty database at once, as all migrations together make them.

`tables.sql` beside this module is written by `scripts/tables` and names the migrations that it stands for. A test holds it against
what they make.
"""

from collections.abc import Collection
from pathlib import Path

import psycopg

WRITTEN = Path(__file__).with_name("tables.sql")
STANDS_FOR = "-- stands for "
_SPEAKS_FOR = 180_000  # the server that `pg_dump` spoke to; an older one may not understand it


def make_tables(
    database: psycopg.Connection[tuple[object, ...]],
    *,
    known: Collection[tuple[str, str]],
    text: str | None = None,
) -> bool:
    """Make all tables in one transaction and note the migrations that they stand for.

    Nothing is done where the database holds tables already, where its server is older than PostgreSQL 18, or where an installed
    package lacks one of the migrations: then they are applied one by one.

    Args:
        database: Outside of a transaction.
        known: Migrations of the installed packages, as (room, name).
        text: What makes them, and names what it stands for; by default what is written.

    Returns:
        Whether it was done.
    """
    text = WRITTEN.read_text(encoding="utf-8") if text is None else text
    stands_for = migrations(text)
    if database.info.server_version < _SPEAKS_FOR or not set(stands_for) <= set(known):
        return False
    with database.transaction():
        found = database.execute(
            "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')"
        ).fetchone()
        if found is None or found[0]:
            return False
        # Functions name tables that come after them; names in the text are whole.
        database.execute("SET LOCAL check_function_bodies = false")
        path = database.execute("SELECT current_setting('search_path')").fetchone()
        database.execute("SET LOCAL search_path = ''")
        database.execute(text.encode())
        database.execute("SELECT set_config('search_path', %s, true)", path)
        database.cursor().executemany(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", stands_for
        )
    return True


def migrations(text: str) -> list[tuple[str, str]]:
    """Return the migrations that a text stands for, as (room, name), in the order in which they were applied."""
    lines = (line.removeprefix(STANDS_FOR) for line in text.splitlines() if line.startswith(STANDS_FOR))
    return [(room, name) for room, _dot, name in (line.partition(".") for line in lines)]
