"""Tags: make, rename, join and remove them; put them on customers, take them off, and take that back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeAlias

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.shop.models import Tag, Tagging, TaggingBatch
from regulars.staff.models import User

# How long a removed tag can be put back.
KEPT_DAYS = 30
_LONGEST_NAME = 60
# Ids as they are, or a query of them, which the database runs without bringing them here.
CustomerIds: TypeAlias = "Iterable[int] | QuerySet[Any, Any]"


class InvalidTagError(RegularsError):
    """A tag needs a name of 1 to 60 characters, a known colour, and a name that no other has."""

    code: ClassVar[str] = "invalid_tag"


class NothingToUndoError(RegularsError):
    """It was taken back before, or is kept no longer."""

    code: ClassVar[str] = "nothing_to_undo"


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """What tagging did: on how many customers something changed, and the batch to undo; None where nothing did."""

    changed: int
    batch_id: int | None


def ensure_tag(*, name: str, description: str = "") -> Tag:
    """Return the tag of that name in any case, made if there is none.

    Raises:
        InvalidTagError: The name is empty or longer than 60 characters.
    """
    text = _name(name)
    found = Tag.objects.filter(name__iexact=text, removed_at=None).first()
    if found is None:
        Tag.objects.bulk_create([Tag(name=text, description=description)], ignore_conflicts=True)
        found = Tag.objects.get(name__iexact=text, removed_at=None)
    return found


def change_tag(*, tag_id: int, name: str, description: str, colour: str) -> Tag:
    """Give a tag another name, description or colour.

    Raises:
        InvalidTagError: The name is malformed or another tag's, or the colour unknown.
    """
    if colour not in Tag.Colour.values:
        message = f"colour == {colour!r}, must be one of {', '.join(Tag.Colour.values)}"
        raise InvalidTagError(message, colour=colour)
    row = Tag.objects.get(pk=tag_id, removed_at=None)
    row.name, row.description, row.colour = _name(name), description.strip()[:300], colour
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise _taken(name) from error
    return row


def tag_customers(
    *,
    tag_id: int,
    customer_ids: CustomerIds,
    source: str = "",
    by: User | None = None,
    now: datetime,
) -> Tagged:
    """Put a tag on customers, however many, in one statement. Who has it already is left as they are.

    Args:
        tag_id: Which tag.
        customer_ids: Ids, or a query of ids; of somebody who became part of another, that other is meant.
        source: Who or what says so: `import 12`, `rule`; the person is told by `by`.
        by: The member of staff who did it.
        now: When.
    """
    with transaction.atomic():
        batch = _batch(tag_id, is_put=True, source=source, by=by, now=now)
        chosen, parameters = _chosen(customer_ids)
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                WITH chosen AS ({chosen}), put AS (
                    INSERT INTO shop_tagging (tag_id, customer_id, source, tagged_at)
                    SELECT %s, id, %s, %s FROM chosen ORDER BY id
                    ON CONFLICT DO NOTHING RETURNING customer_id
                )
                INSERT INTO shop_taggingchange (batch_id, customer_id) SELECT %s, customer_id FROM put
                """,  # noqa: S608  the text of a query, with parameters
                [*parameters, tag_id, batch.source, now, batch.pk],
            )
            return _done(batch, cursor.rowcount)


def untag_customers(
    *,
    tag_id: int,
    customer_ids: CustomerIds,
    source: str = "",
    by: User | None = None,
    now: datetime,
) -> Tagged:
    """Take a tag off customers, however many, in one statement. Arguments are those of `tag_customers`."""
    with transaction.atomic():
        batch = _batch(tag_id, is_put=False, source=source, by=by, now=now)
        chosen, parameters = _chosen(customer_ids)
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                WITH chosen AS ({chosen}), taken AS (
                    DELETE FROM shop_tagging t USING chosen c WHERE t.tag_id = %s AND t.customer_id = c.id
                    RETURNING t.customer_id, t.source, t.tagged_at
                )
                INSERT INTO shop_taggingchange (batch_id, customer_id, former_source, former_at)
                SELECT %s, customer_id, source, tagged_at FROM taken
                """,  # noqa: S608  the text of a query, with parameters
                [*parameters, tag_id, batch.pk],
            )
            return _done(batch, cursor.rowcount)


def undo_tagging(*, batch_id: int, by: User | None = None, now: datetime) -> Tagged:
    """Take a batch back.

    Whom it gave the tag lose it, unless they lost and got it again since; whom it took it from have it again as it was.

    Raises:
        NothingToUndoError: It was undone before, or its tag was removed.
    """
    with transaction.atomic():
        done = (
            TaggingBatch.objects.select_for_update(of=("self",))
            .filter(pk=batch_id, tag__removed_at=None)
            .first()
        )
        if done is None or done.tag_id is None or TaggingBatch.objects.filter(undoes=done).exists():
            message = _("this was taken back before, or the tag was removed")
            raise NothingToUndoError(message, batch_id=batch_id)
        batch = _batch(done.tag_id, is_put=not done.is_put, source=done.source, by=by, now=now)
        batch.undoes = done
        batch.save(update_fields=["undoes"])
        with connection.cursor() as cursor:
            cursor.execute(
                _TAKE_BACK if done.is_put else _PUT_BACK,
                {"done": done.pk, "tag": done.tag_id, "at": done.at, "batch": batch.pk, "now": now},
            )
            return Tagged(changed=cursor.rowcount, batch_id=batch.pk)


_TAKE_BACK = """
WITH taken AS (
    DELETE FROM shop_tagging t USING shop_taggingchange c
    WHERE c.batch_id = %(done)s AND t.tag_id = %(tag)s AND t.customer_id = c.customer_id AND t.tagged_at = %(at)s
    RETURNING t.customer_id, t.source, t.tagged_at
)
INSERT INTO shop_taggingchange (batch_id, customer_id, former_source, former_at)
SELECT %(batch)s, customer_id, source, tagged_at FROM taken
"""
_PUT_BACK = """
WITH put AS (
    INSERT INTO shop_tagging (tag_id, customer_id, source, tagged_at)
    SELECT %(tag)s, customer_id, former_source, coalesce(former_at, %(now)s)
    FROM shop_taggingchange WHERE batch_id = %(done)s ORDER BY customer_id
    ON CONFLICT DO NOTHING RETURNING customer_id
)
INSERT INTO shop_taggingchange (batch_id, customer_id) SELECT %(batch)s, customer_id FROM put
"""


def join_tags(*, kept_id: int, removed_id: int, by: User | None = None, now: datetime) -> Tagged:
    """Put a tag on everybody who has another, and remove that other. Both can be undone, each for itself.

    Raises:
        InvalidTagError: The two are one.
    """
    if kept_id == removed_id:
        raise InvalidTagError(_("a tag cannot be joined with itself"), tag_id=kept_id)
    with transaction.atomic():
        tagged = tag_customers(
            tag_id=kept_id,
            customer_ids=Tagging.objects.filter(tag=removed_id).values("customer_id"),
            source="",
            by=by,
            now=now,
        )
        remove_tag(tag_id=removed_id, now=now)
    return tagged


def remove_tag(*, tag_id: int, now: datetime) -> None:
    """Remove a tag from everywhere. For `KEPT_DAYS` it can be put back with its customers; then it is gone."""
    Tag.objects.filter(pk=tag_id, removed_at=None).update(removed_at=now)


def restore_tag(*, tag_id: int) -> Tag:
    """Put a removed tag back, with its customers.

    Raises:
        NothingToUndoError: It is not there any more.
        InvalidTagError: Another tag has its name by now.
    """
    row = Tag.objects.filter(pk=tag_id, removed_at__isnull=False).first()
    if row is None:
        raise NothingToUndoError(_("this tag is not there any more"), tag_id=tag_id)
    row.removed_at = None
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise _taken(row.name) from error
    return row


def forget_tags(*, now: datetime) -> int:
    """Delete tags that were removed more than `KEPT_DAYS` ago, and return how many. Customers' histories keep their names."""
    gone = Tag.objects.filter(removed_at__lt=now - timedelta(days=KEPT_DAYS))
    return len([row.delete() for row in gone])


def _name(told: str) -> str:
    text = " ".join(told.split()).replace("\0", "")
    if not 1 <= len(text) <= _LONGEST_NAME:
        raise InvalidTagError(_("a tag's name has 1 to 60 characters"), name=told)
    return text


def _taken(name: str) -> InvalidTagError:
    message = _("another tag is called %(name)s; join the two instead") % {"name": name}
    return InvalidTagError(message, name=name)


def _batch(tag_id: int, *, is_put: bool, source: str, by: User | None, now: datetime) -> TaggingBatch:
    tag = Tag.objects.get(pk=tag_id)
    return TaggingBatch.objects.create(
        tag=tag, name=tag.name, is_put=is_put, at=now, source=source[:200], by=by
    )


def _done(batch: TaggingBatch, changed: int) -> Tagged:
    if not changed:
        batch.delete()
    return Tagged(changed=changed, batch_id=batch.pk if changed else None)


def _chosen(customer_ids: CustomerIds) -> tuple[str, list[Any]]:
    """Return SQL for the distinct ids of customers, each as whoever they are now."""
    if isinstance(customer_ids, QuerySet):
        inner, parameters = customer_ids.order_by().query.sql_with_params()
        told: list[Any] = list(parameters)
    else:
        inner, told = "SELECT unnest(%s::bigint[])", [sorted(set(customer_ids))]
    chosen = f"""
        SELECT DISTINCT coalesce(c.merged_into_id, c.id) AS id
        FROM ({inner}) AS told (id) JOIN shop_customer c ON c.id = told.id
    """  # noqa: S608  the text of a query, with parameters
    return chosen, told
