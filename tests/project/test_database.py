"""A connection that rested is used again without a question, and replaced if PostgreSQL ended it."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def kept() -> Iterator[BaseDatabaseWrapper]:
    """A second connection, as a thread of a web process keeps it between requests."""
    other = connection.copy()
    other.settings_dict = {**other.settings_dict, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    other.connect()
    yield other
    other.close()


def process_id(of: BaseDatabaseWrapper) -> int:
    with of.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def last_asked(process: int) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT query_start FROM pg_stat_activity WHERE pid = %s", [process])
        found: datetime = cursor.fetchone()[0]
        return found


def test_a_good_connection_is_kept_and_not_asked(kept: BaseDatabaseWrapper) -> None:
    before = process_id(kept)
    asked = last_asked(before)
    assert kept.is_usable()
    assert last_asked(before) == asked
    kept.close_if_unusable_or_obsolete()
    assert process_id(kept) == before


def test_a_connection_that_was_ended_is_replaced_before_the_next_request(kept: BaseDatabaseWrapper) -> None:
    before = process_id(kept)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
    assert not kept.is_usable()
    kept.close_if_unusable_or_obsolete()
    assert process_id(kept) != before
