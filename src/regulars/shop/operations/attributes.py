"""Tags and typed attributes: define them, and say them of customers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.shop.models import AttributeDefinition, AttributeValue, Tag
from regulars.shop.rules import AttributeRule, attribute_value

_COLUMN = {
    "text": "text",
    "choice": "text",
    "number": "number",
    "flag": "flag",
    "date": "date",
    "choices": "choices",
}
_VALUE_COLUMNS = ("text", "number", "flag", "date", "choices")


class InvalidAttributeError(RegularsError):
    """The definition contradicts itself, or the name is taken or malformed."""

    code: ClassVar[str] = "invalid_attribute"


class AttributeInUseError(RegularsError):
    """Customers have values of this attribute that the change would make meaningless."""

    code: ClassVar[str] = "attribute_in_use"


class UnknownAttributeError(RegularsError):
    """No attribute has this name."""

    code: ClassVar[str] = "unknown_attribute"


class InvalidTagError(RegularsError):
    """A tag needs a name of 1 to 60 characters."""

    code: ClassVar[str] = "invalid_tag"


@dataclass(frozen=True, kw_only=True)
class Told:
    """A customer's value of an attribute, as told, when and by whom (`import 12`, `web`, `questionnaire`)."""

    customer_id: int
    name: str
    value: object
    at: datetime
    source: str = ""


def define_attribute(  # noqa: PLR0913  one argument a column
    *,
    name: str,
    label: str,
    type: str,  # noqa: A002  what it is
    choices: Sequence[str] = (),
    minimum: Decimal | None = None,
    maximum: Decimal | None = None,
) -> AttributeDefinition:
    """Add an attribute, or change the words, choices and bounds of one; its type stays.

    Args:
        name: Its name in data: lower-case letters, digits and `_`, a letter first.
        label: What people call it.
        type: text, number, flag, date, choice or choices.
        choices: What a choice may be; needed for the last two types.
        minimum: Least number, or None.
        maximum: Greatest number, or None.

    Raises:
        InvalidAttributeError: The type is unknown, choices are missing or too many, bounds are crossed, or the name malformed.
        AttributeInUseError: Values exist, and the type would change or a choice that somebody has would go.
    """
    types = AttributeDefinition.Type.values
    if type not in types:
        raise InvalidAttributeError(f"type == {type!r}, must be one of {', '.join(types)}", name=name)
    if ("choice" in type) != bool(choices):
        message = _("choices are given for the types choice and choices, and for no others")
        raise InvalidAttributeError(message, name=name)
    with transaction.atomic():
        row = AttributeDefinition.objects.select_for_update().filter(name=name).first()
        row = row or AttributeDefinition(name=name, type=type)
        if row.pk:
            _refuse_loss(row, type, set(choices))
        row.label, row.type, row.choices = label or name, type, list(dict.fromkeys(choices))
        row.minimum, row.maximum = minimum, maximum
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            message = _(
                "attribute %(name)s: the name must be lower-case letters, digits and _, a letter first; "
                "the least number must not be above the greatest"
            ) % {"name": repr(name)}
            raise InvalidAttributeError(message, name=name) from error
    return row


def _refuse_loss(row: AttributeDefinition, new_type: str, choices: set[str]) -> None:
    values = AttributeValue.objects.filter(definition=row)
    lost = set(row.choices) - choices
    used = values.filter(text__in=lost).exists() or values.filter(choices__overlap=list(lost)).exists()
    if (new_type != row.type and values.exists()) or used:
        message = _("customers have values of %(name)s that the change would make meaningless") % {
            "name": row.name
        }
        raise AttributeInUseError(message, name=row.name)


def remove_attribute(*, name: str) -> None:
    """Delete an attribute with every value of it."""
    AttributeDefinition.objects.filter(name=name).delete()


def set_attributes(told: Sequence[Told]) -> int:
    """Write values; of one customer and attribute the one told last stays, whatever order they arrive in.

    Returns:
        How many values were added or changed.

    Raises:
        UnknownAttributeError: A name is not defined; nothing is written.
        InvalidAttributeValueError: A value is not one that the attribute may have; nothing is written.
    """
    names = {one.name for one in told}
    definitions = {row.name: row for row in AttributeDefinition.objects.filter(name__in=names)}
    if unknown := sorted(names - definitions.keys()):
        raise UnknownAttributeError(
            f"no attribute is called {unknown[0]!r}; define it first", name=unknown[0]
        )
    latest: dict[tuple[int, int], AttributeValue] = {}
    for one in told:
        definition = definitions[one.name]
        value = attribute_value(rule_of(definition), one.value)
        row = AttributeValue(
            definition=definition,
            customer_id=one.customer_id,
            source=one.source[:200],
            told_at=one.at,
            **{_COLUMN[definition.type]: value},
        )
        key = (definition.pk, one.customer_id)
        if key not in latest or _is_later(row, latest[key]):
            latest[key] = row
    with transaction.atomic():
        known = {
            (row.definition_id, row.customer_id): row
            for row in AttributeValue.objects.select_for_update().filter(
                customer__in={customer for _, customer in latest}, definition__in=definitions.values()
            )
        }
        changed = [row for key, row in latest.items() if key not in known or _is_later(row, known[key])]
        AttributeValue.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=("definition", "customer"),
            update_fields=(*_VALUE_COLUMNS, "source", "told_at"),
            batch_size=5_000,
        )
    return len(changed)


def rule_of(definition: AttributeDefinition) -> AttributeRule:
    """Return what a value of this attribute may be."""
    return AttributeRule(
        name=definition.name,
        type=definition.type,
        choices=definition.choices,
        minimum=definition.minimum,
        maximum=definition.maximum,
    )


def _is_later(row: AttributeValue, known: AttributeValue) -> bool:
    return (row.told_at, _written(row)) > (known.told_at, _written(known))


def _written(row: AttributeValue) -> str:
    def plain(value: Any) -> str:  # noqa: ANN401  any column's
        return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)

    return "|".join(plain(getattr(row, column)) for column in _VALUE_COLUMNS)


def ensure_tag(*, name: str, description: str = "") -> Tag:
    """Return the tag of that name in any case, made if there is none.

    Raises:
        InvalidTagError: The name is empty or longer than 60 characters.
    """
    text = name.strip()
    if not 1 <= len(text) <= 60:  # noqa: PLR2004  the column's length
        raise InvalidTagError(_("a tag's name has 1 to 60 characters"), name=name)
    found = Tag.objects.filter(name__iexact=text).first()
    if found is None:
        Tag.objects.bulk_create([Tag(name=text, description=description)], ignore_conflicts=True)
        found = Tag.objects.get(name__iexact=text)
    return found


def tag_customers(*, tag_id: int, customer_ids: Iterable[int], source: str = "", now: datetime) -> list[int]:
    """Put a tag on customers; return the ids of those who did not have it yet. Who is gone from the record is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_TAG, [tag_id, source[:200], now, list(customer_ids)])
        return [row[0] for row in cursor.fetchall()]


def untag_customers(*, tag_id: int, customer_ids: Iterable[int]) -> list[int]:
    """Take a tag off customers; return the ids of those who had it."""
    with connection.cursor() as cursor:
        cursor.execute(_UNTAG, [tag_id, list(customer_ids)])
        return [row[0] for row in cursor.fetchall()]


_TAG = """
    INSERT INTO shop_tagging (tag_id, customer_id, source, tagged_at)
    SELECT %s, c.id, %s, %s FROM shop_customer c WHERE c.id = ANY(%s) ORDER BY c.id
    ON CONFLICT DO NOTHING RETURNING customer_id
"""
_UNTAG = "DELETE FROM shop_tagging WHERE tag_id = %s AND customer_id = ANY(%s) RETURNING customer_id"
