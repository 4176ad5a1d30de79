"""The schema of a home's database as text that `runtime.tables` can run."""

import re
import subprocess

import psycopg

from regulars.runtime import postgres
from regulars.runtime.home import Home
from regulars.runtime.tables import STANDS_FOR, make_tables, migrations

_LEFT_OUT = re.compile(
    r"--(| Name:.*| PostgreSQL database dump.*| Dumped (from|by) .*)$"
    r"|\\(un)?restrict "
    r"|SET [a-z_]+ = [^;]*;$"
    r"|SELECT pg_catalog\.set_config\('search_path', '', false\);$"
)


def dump(home: Home, *, name: str = "regulars") -> str:
    """Return the migrations that were applied, then every statement that makes the schema."""
    where = psycopg.conninfo.make_conninfo(host=str(home.sockets), user="postgres", dbname=name)
    with psycopg.connect(where) as database:
        applied = database.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id").fetchall()
    told = subprocess.run(
        [postgres.binaries() / "pg_dump", "--schema-only", "--no-owner", "--no-privileges", where],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    lines = [line for line in told.splitlines() if not _LEFT_OUT.match(line)]
    return "".join(f"{STANDS_FOR}{one}\n" for (one,) in applied) + "\n".join(lines).strip() + "\n"


def settled(home: Home) -> str:
    """Return the same once it was read back: conditions are told in other words than they were made in, and then stay so."""
    text = dump(home)
    where = f"host={home.sockets} user=postgres"
    with psycopg.connect(f"{where} dbname=postgres", autocommit=True) as server:
        server.execute("CREATE DATABASE read_back TEMPLATE template0")
    with psycopg.connect(f"{where} dbname=read_back", autocommit=True) as database:
        assert make_tables(database, known=migrations(text), text=text)
    return dump(home, name="read_back")
