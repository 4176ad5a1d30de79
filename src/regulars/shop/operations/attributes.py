"""Typed attributes: define them, and say them of customers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.shop.business import business
from regulars.shop.models import AttributeDefinition, AttributeValue
from regulars.shop.operations.changes import keep_values
from regulars.shop.rules import AttributeRule, attribute_value

_COLUMN = {
    "text": "text",
    "choice": "text",
    "number": "number",
    "money": "number",
    "flag": "flag",
    "date": "date",
    "yearly": "date",
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


@dataclass(frozen=True, kw_only=True)
class Told:
    """A customer's value of an attribute, as told, when and by whom (`import 12`, `web`, `questionnaire`).

    What is not dated was told at `at` for want of better: where it says what is known already, nothing changes.
    """

    customer_id: int
    name: str
    value: object
    at: datetime
    source: str = ""
    is_dated: bool = True


def define_attribute(  # noqa: PLR0913  one argument a column
    *,
    name: str,
    label: str,
    type: str,  # noqa: A002  what it is
    choices: Sequence[str] = (),
    minimum: Decimal | None = None,
    maximum: Decimal | None = None,
    label_zh: str = "",
    is_customers: bool = False,
) -> AttributeDefinition:
    """Add an attribute, or change the words, choices and bounds of one; its type stays.

    Args:
        name: Its name in data: lower-case letters, digits and `_`, a letter first.
        label: What people call it.
        type: text, number, money, flag, date, yearly, choice or choices.
        choices: What a choice may be; needed for the last two types.
        minimum: Least number, or None.
        maximum: Greatest number, or None.
        label_zh: What people call it in Chinese; empty for the same.
        is_customers: Whether customers may change it themselves.

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
    if (minimum is not None or maximum is not None) and type not in ("number", "money"):
        raise InvalidAttributeError(_("only numbers and money have a least and a greatest"), name=name)
    with transaction.atomic():
        row = AttributeDefinition.objects.select_for_update().filter(name=name).first()
        row = row or AttributeDefinition(name=name, type=type)
        if row.pk:
            _refuse_loss(row, type, set(choices))
        row.label, row.type, row.choices = label or name, type, list(dict.fromkeys(choices))
        row.minimum, row.maximum = minimum, maximum
        row.label_zh, row.is_customers = label_zh.strip(), is_customers
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


def let_customers_tell(*, names: Sequence[str]) -> None:
    """Let customers tell and change these attributes themselves, and no others."""
    with transaction.atomic():
        for row in AttributeDefinition.objects.select_for_update():
            if row.is_customers != (row.name in names):
                row.is_customers = not row.is_customers
                row.save(update_fields=["is_customers"])


def forget_attributes(*, customer_id: int, names: Sequence[str]) -> int:
    """Delete a customer's values of these attributes, and return how many there were."""
    return AttributeValue.objects.filter(customer=customer_id, definition__name__in=names).delete()[0]


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
    undated: set[tuple[int, int]] = set()
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
            (undated.discard if one.is_dated else undated.add)(key)
    with transaction.atomic():
        known = {
            (row.definition_id, row.customer_id): row
            for row in AttributeValue.objects.select_for_update().filter(
                customer__in={customer for _, customer in latest}, definition__in=definitions.values()
            )
        }
        changed = [
            row
            for key, row in latest.items()
            if key not in known
            or (_is_later(row, known[key]) and not (key in undated and _written(row) == _written(known[key])))
        ]
        known_ids = [
            known[key].pk for key in ((row.definition_id, row.customer_id) for row in changed) if key in known
        ]
        with keep_values(known_ids):
            AttributeValue.objects.bulk_create(
                changed,
                update_conflicts=True,
                unique_fields=("definition", "customer"),
                update_fields=(*_VALUE_COLUMNS, "source", "told_at"),
                batch_size=5_000,
            )
    return len(changed)


def clear_attribute(*, customer_id: int, name: str) -> bool:
    """Forget a customer's value of an attribute; return whether there was one."""
    found = AttributeValue.objects.filter(customer=customer_id, definition__name=name)
    return bool(found.delete()[0])


def attribute_rules(names: Iterable[str]) -> dict[str, AttributeRule]:
    """Return what the values of attributes may be, by name.

    Raises:
        UnknownAttributeError: One is not defined.
    """
    wanted = list(names)
    rules = {row.name: rule_of(row) for row in AttributeDefinition.objects.filter(name__in=wanted)}
    if unknown := [name for name in wanted if name not in rules]:
        raise UnknownAttributeError(
            f"no attribute is called {unknown[0]!r}; define it first", name=unknown[0]
        )
    return rules


def rule_of(definition: AttributeDefinition) -> AttributeRule:
    """Return what a value of this attribute may be."""
    return AttributeRule(
        currency=_currency() if definition.type == "money" else "",
        name=definition.name,
        type=definition.type,
        choices=definition.choices,
        minimum=definition.minimum,
        maximum=definition.maximum,
    )


def _currency() -> str:
    return business().currency


def _is_later(row: AttributeValue, known: AttributeValue) -> bool:
    return (row.told_at, _written(row)) > (known.told_at, _written(known))


def _written(row: AttributeValue) -> str:
    def plain(value: Any) -> str:  # noqa: ANN401  any column's
        return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)

    return "|".join(plain(getattr(row, column)) for column in _VALUE_COLUMNS)
