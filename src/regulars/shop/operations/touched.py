"""Who must be thought over again, because something of them changed."""

from collections.abc import Iterable

from django.db import connection


def touch_customers(customer_ids: Iterable[int]) -> None:
    """Note, in the open transaction, that something of these customers changed where no trigger sees it."""
    wanted = sorted(set(customer_ids))
    if not wanted:
        return
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO shop_touchedcustomer (customer_id) SELECT unnest(%s::bigint[])", [wanted])


def take_touched(*, limit: int) -> list[int]:
    """Take customers out of the queue, in the open transaction: if it fails, they are still in it.

    What others are writing now is not seen yet, and stays for the next time.

    Args:
        limit: Rows to take at most, at least 1; a customer may have several.

    Returns:
        Ids of customers, each once; empty when the queue is.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH some AS (
                DELETE FROM shop_touchedcustomer
                WHERE ctid = ANY(ARRAY(SELECT ctid FROM shop_touchedcustomer LIMIT %s)) RETURNING customer_id
            )
            SELECT DISTINCT customer_id FROM some ORDER BY 1
            """,
            [limit],
        )
        return [customer_id for (customer_id,) in cursor.fetchall()]


def forget_touched() -> None:
    """Empty the queue, in the open transaction, for a reader who is about to think everybody over."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM shop_touchedcustomer")
