"""The tables of an empty database, made at once, are those that the migrations make one by one."""

import subprocess
import sys

import psycopg
import pytest
from django.db.migrations.loader import MigrationLoader

from regulars.runtime import postgres, tables
from regulars.runtime.home import Home
from tests.runtime.dump import dump, settled

pytestmark = pytest.mark.integration

MIGRATE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""


def test_the_written_tables_are_what_the_migrations_make_one_by_one(own_home: Home) -> None:
    postgres.start(own_home)
    environment = {
        "REGULARS_HOME": str(own_home.root),
        "DJANGO_SETTINGS_MODULE": "regulars.project.settings",
    }
    subprocess.run([sys.executable, "-c", MIGRATE], check=True, env=environment)
    assert settled(own_home) == tables.WRITTEN.read_text(encoding="utf-8"), "run scripts/tables"


def test_made_at_once_they_are_the_same_and_a_filled_database_is_left_alone(own_home: Home) -> None:
    postgres.start(own_home)
    known = set(MigrationLoader(None).graph.nodes)
    with psycopg.connect(host=str(own_home.sockets), user="postgres", dbname="regulars") as database:
        database.autocommit = True
        assert not tables.make_tables(database, known=known - {("shop", "0001_initial")})
        assert tables.make_tables(database, known=known)
        assert not tables.make_tables(database, known=known)
        assert database.execute("SHOW search_path").fetchone() == ('"$user", public',)
    assert dump(own_home) == tables.WRITTEN.read_text(encoding="utf-8")
