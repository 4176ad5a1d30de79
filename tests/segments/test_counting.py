"""Counts while a rule is being written: estimated within their error, exact afterwards, the stale one cancelled."""

import random
import threading
import time

import pytest
from django.db import connection

from regulars.segments import counting
from regulars.segments.counting import CountOvertakenError

EVERYBODY = {"version": 1, "rule": {"all": []}}
EVEN = {"version": 1, "rule": {"attribute": "country", "is": "any_of", "value": ["Even"]}}


@pytest.mark.django_db
def test_an_estimate_comes_with_an_error_that_holds_and_few_customers_are_counted_exactly() -> None:
    with connection.cursor() as cursor:
        # One number in three is nobody's, as after an import that was undone.
        cursor.execute(
            "INSERT INTO shop_customer (code, name, country) "
            "SELECT 'C' || n, '', CASE WHEN n % 4 = 0 THEN 'Even' ELSE '' END FROM generate_series(1, 9000) n"
        )
        cursor.execute("DELETE FROM shop_customer WHERE id % 3 = 0")
        cursor.execute("ANALYZE shop_customer")
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE country = 'Even') FROM shop_customer")
        total, even = cursor.fetchone()
    exact = counting.count(EVEN, today=20_000)
    assert (exact.value, exact.total, exact.is_exact) == (even, total, True)
    held = 0
    for seed in range(20):
        found = counting.estimate(EVEN, today=20_000, rng=random.Random(seed), sampled=2_000, exact_up_to=0)  # noqa: S311
        assert not found.is_exact
        assert found.high - found.low < 0.05 * total
        assert abs(found.total - total) < 0.04 * total
        assert len(found.sample) == 10
        held += found.low <= even <= found.high
    assert held >= 17


@pytest.mark.django_db(transaction=True)
def test_a_later_question_of_the_same_person_cancels_the_earlier_one() -> None:
    outcome: list[object] = []

    def slowly() -> None:
        try:
            with counting._asking("7", 20_000), connection.cursor() as cursor:  # noqa: SLF001  a statement that takes long
                cursor.execute("SELECT pg_sleep(10)")
        except CountOvertakenError as error:
            outcome.append(error.code)
        finally:
            connection.close()

    thread = threading.Thread(target=slowly)
    thread.start()
    with connection.cursor() as cursor:
        for _ in range(100):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'regulars count 7' AND state = 'active'"
            )
            if cursor.fetchone()[0]:
                break
            time.sleep(0.05)
    assert counting.count(EVERYBODY, today=20_000, asker="8").value == 0
    assert outcome == []
    assert counting.count(EVERYBODY, today=20_000, asker="7").value == 0
    thread.join(timeout=5)
    assert outcome == ["count_overtaken"]
