"""The registry itself: two kinds of places, and who the person is that is looked for."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from regulars.shop.models import Customer, Identifier, Order, VisitorLink
from regulars.shop.models.record import Refund
from regulars.staff.models import User

# A word that is at least as long is looked for inside longer texts too; a shorter one would be found by chance.
_LEAST_PART = 7


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person as the record knows them: the customer, and those who became part of them.

    Attributes:
        ids: The customers.
        words: Everything that recognises them: codes, identifiers, order numbers, ids of their browsers; in lower case.
        parts: Those of the words that are unmistakable inside a longer text.
    """

    ids: tuple[int, ...]
    words: tuple[str, ...]
    parts: tuple[str, ...]

    def is_called(self, text: str) -> bool:
        """Return whether a cell that holds an identifier or an order number holds one of theirs."""
        lower = text.strip().lower()
        return lower in self.words or re.sub(r"[\s().+-]", "", lower) in self.words

    def is_named_in(self, text: str) -> bool:
        """Return whether any text, of a column or a file, holds an unmistakable word of theirs."""
        return bool(self.parts) and self._pattern.search(text.lower()) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        told = "|".join(re.escape(part) for part in self.parts)
        return re.compile(rf"(?<![0-9a-z])(?:{told})(?![0-9a-z])")


@dataclass(frozen=True, kw_only=True, eq=False)
class TablePlace:
    """A table whose rows belong to a customer.

    Attributes:
        model: The table.
        who: The path from it to the customer.
        label: What an export calls it.
        strip: What is written over a row that stays after an erasure, nothing where nothing in it is the person's; None where
            rows are deleted.
        why: Why rows stay.
        hidden: Columns that tell the person nothing, left out of the export.
    """

    model: type[models.Model]
    label: str | Promise
    who: str = "customer"
    strip: Mapping[str, Any] | None = None
    why: str | Promise = ""
    hidden: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The table."""
        return self.model._meta.db_table

    def rows(self, person: Person) -> "models.QuerySet[Any]":
        """Return a person's rows, oldest first."""
        return self.model._default_manager.filter(**{f"{self.who}__in": person.ids}).order_by("pk")

    def read(self, person: Person) -> Iterator[dict[str, Any]]:
        """Yield what the rows say, by the columns' names, in words where a column has them."""
        fields = [one for one in self.model._meta.concrete_fields if one.name not in self.hidden]
        related = [one.name for one in fields if one.is_relation and one.related_model is not Customer]
        for row in self.rows(person).select_related(*related).iterator(chunk_size=1_000):
            yield {one.name: _told(row, one) for one in fields}

    def erase(self, person: Person) -> int:
        """Delete or strip the rows and return how many."""
        rows = self.rows(person).order_by()
        if self.strip is None:
            return int(rows.delete()[0])
        return int(rows.update(**self.strip)) if self.strip else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchPlace:
    """A place where a person is mentioned without a column that says so: a raw line, a call, a file.

    Attributes:
        name: What it is, for the report of an erasure.
        label: What an export calls it.
        read: What of it is the person's.
        erase: Clears it and returns how many things it cleared. Runs inside the erasure's transaction.
    """

    name: str
    label: str | Promise
    read: Callable[[Person], Iterable[Mapping[str, Any]]]
    erase: Callable[[Person], int]


@dataclass
class _Registry:
    places: list[TablePlace | SearchPlace] = field(default_factory=list)
    finishers: list[Callable[[Sequence[int]], None]] = field(default_factory=list)


_registry = _Registry()


def register(*places: TablePlace | SearchPlace) -> None:
    """Add places. What is registered first is told first, and erased last: rows that depend come later."""
    _registry.places.extend(places)


def finish_with(clear: Callable[[Sequence[int]], None]) -> Callable[[Sequence[int]], None]:
    """Register what clears files after an erasure has committed. It is handed the customers, and may run again."""
    _registry.finishers.append(clear)
    return clear


def places() -> list[TablePlace | SearchPlace]:
    """Return all places, in the order of their registration."""
    return list(_registry.places)


def registered_models() -> set[type[models.Model]]:
    """Return the tables that are registered."""
    return {place.model for place in _registry.places if isinstance(place, TablePlace)}


def finish(customer_ids: Sequence[int]) -> None:
    """Clear what lies outside the database of customers who were erased. Needs no open transaction; may run again."""
    for clear in _registry.finishers:
        clear(customer_ids)


def person_of(customer_id: int) -> Person:
    """Return a customer with those who became part of them, and every word by which the record knows them.

    Raises:
        Customer.DoesNotExist: There is no such customer.
    """
    found = Customer.objects.get(pk=customer_id)
    root = found.merged_into_id or found.pk
    people = Customer.objects.filter(Q(pk=root) | Q(merged_into=root))
    ids = tuple(people.order_by("pk").values_list("pk", flat=True))
    words = {code.lower() for code in people.values_list("code", flat=True)}
    parts = set()
    for kind, value in Identifier.objects.filter(customer__in=ids).values_list("kind", "value"):
        words.add(value.lower())
        if kind == "phone":
            digits = re.sub(r"\D", "", value)
            words.add(digits)
            parts.add(digits)
    words |= {code.lower() for code in Order.objects.filter(customer__in=ids).values_list("code", flat=True)}
    words |= {code.lower() for code in Refund.objects.filter(customer__in=ids).values_list("code", flat=True)}
    links = VisitorLink.objects.filter(customer__in=ids)
    words |= {told.lower() for told in links.values_list("visitor__anonymous_id", flat=True)}
    words.discard("")
    parts |= {word for word in words if len(word) >= _LEAST_PART and not word.isalpha()}
    return Person(
        ids=ids,
        words=tuple(sorted(words)),
        parts=tuple(sorted(part for part in parts if len(part) >= _LEAST_PART)),
    )


def _told(row: models.Model, column: "models.Field[Any, Any]") -> Any:  # noqa: ANN401  what a column holds
    if column.related_model is User:
        return _("staff") if getattr(row, column.attname) else None
    if column.is_relation:
        related = getattr(row, column.name, None) if column.related_model is not Customer else None
        return str(related) if related is not None else getattr(row, column.attname)
    value = getattr(row, column.attname)
    if getattr(column, "choices", None):
        return str(dict(getattr(column, "flatchoices", ())).get(value, value))
    return value
