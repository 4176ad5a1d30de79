"""What a file of customers says of tags and of the merchant's own attributes, told to the record."""

import json
from datetime import datetime
from typing import ClassVar

from django.db import connection
from django.utils.translation import gettext as _

from regulars.intake.models import Import
from regulars.intake.rows import DIVIDED
from regulars.kernel.errors import RegularsError
from regulars.shop import operations as shop

# A column with more different words holds something else.
MOST_TAGS = 200
_AT_ONCE = 5_000


class TooManyTagsError(RegularsError):
    """The column of tags holds more different words than tags there can sensibly be."""

    code: ClassVar[str] = "too_many_tags"


def source_of(import_id: int) -> str:
    """Return under which name the record knows an import, where it says who told something."""
    return f"import {import_id}"


def tell_tags(row: Import) -> int:
    """Put the tags of `stage_row` on its customers, and return how many they are.

    Raises:
        TooManyTagsError: There are more different ones than `MOST_TAGS`.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT min(tag), array_agg(DISTINCT customer_id) FROM (
                SELECT btrim(regexp_split_to_table(t.tags, %s)) AS tag, c.customer_id
                FROM stage_row t JOIN staged_customer c USING (customer_key) WHERE t.tags IS NOT NULL
            ) told WHERE tag <> '' GROUP BY lower(tag) ORDER BY 1 LIMIT %s
            """,
            [DIVIDED, MOST_TAGS + 1],
        )
        found = cursor.fetchall()
    if len(found) > MOST_TAGS:
        message = _("the column of tags holds more than %(most)s different words") % {"most": MOST_TAGS}
        raise TooManyTagsError(message, limit=MOST_TAGS)
    return sum(
        shop.tag_customers(
            tag_id=shop.ensure_tag(name=name).pk,
            customer_ids=customers,
            source=source_of(row.pk),
            now=_moment(row),
        ).changed
        for name, customers in found
    )


def tell_attributes(row: Import) -> int:
    """Write what `stage_row` says of attributes, and return how many values are new or changed."""
    changed = 0
    with connection.cursor() as cursor:
        # A statement of its own for each part: one that is left open would end with the first write.
        cursor.execute(
            """
            CREATE TEMPORARY TABLE staged_saying ON COMMIT DROP AS
            SELECT row_number() OVER (ORDER BY t.line_number) AS number, c.customer_id, t.updated_at_us, t.attributes
            FROM stage_row t JOIN staged_customer c USING (customer_key)
            WHERE jsonb_strip_nulls(t.attributes) <> '{}'
            """
        )
        cursor.execute("SELECT count(*) FROM staged_saying")
        (count,) = cursor.fetchone()
    for start in range(0, count, _AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT customer_id, timestamptz 'epoch' + updated_at_us * interval '1 microsecond', "
                "jsonb_strip_nulls(attributes) FROM staged_saying WHERE number > %s AND number <= %s ORDER BY number",
                [start, start + _AT_ONCE],
            )
            rows = cursor.fetchall()
        changed += shop.set_attributes(
            [
                shop.Told(
                    customer_id=customer_id,
                    name=name,
                    value=value,
                    at=at or _moment(row),
                    source=source_of(row.pk),
                    is_dated=at is not None,
                )
                for customer_id, at, said in rows
                for name, value in _object(said).items()
            ]
        )
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE staged_saying")
    return changed


def _object(said: object) -> dict[str, object]:
    told = json.loads(said) if isinstance(said, str) else said
    return told if isinstance(told, dict) else {}


def _moment(row: Import) -> datetime:
    if row.started_at is None:
        message = f"import {row.pk} was never started"
        raise ValueError(message)
    return row.started_at
