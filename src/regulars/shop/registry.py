"""What can be asked of a customer: every room registers its attributes, and segments and tag rules are made of them.

An attribute says where its value lives in SQL and of what type it is; it never compares. Who asks puts the comparison
around it, with every value bound. SQL of an attribute is a literal of its room, with these places to fill in:
`{s}` is the alias of its source, `{name}` a bound value of the source's `values`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal

from django.utils.functional import Promise

from regulars.kernel.errors import RegularsError

Words = str | Promise
Choices = Iterable[tuple[str, Words]]
Type = Literal["text", "choice", "choices", "number", "count", "money", "share", "day", "date", "flag"]
Changes = Literal["record", "run"]
Sensitivity = Literal["ordinary", "personal"]


class UnknownAttributeError(RegularsError):
    """No room has registered an attribute of this key."""

    code: ClassVar[str] = "unknown_attribute"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows that say something of customers.

    Attributes:
        name: Unique among sources; a statement joins a source once.
        table: A table, or a select in parentheses.
        key: The column that holds the customer's id.
        where: A condition on `{s}` that belongs to the join.
        values: What `{name}`s in `table` and `where` are bound to.
        is_many: A customer may have several rows. Then a condition holds when it holds of any of them.
        changes: When rows change: `record` as data arrives, `run` only when insights are computed.
    """

    name: str
    table: str
    key: str = "customer_id"
    where: str = ""
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    is_many: bool = False
    changes: Changes = "record"


@dataclass(frozen=True, kw_only=True)
class CustomerAttribute:
    """Something that is known of a customer, or null where it is not.

    Attributes:
        key: Its name in stored rules and in the API, for ever: `tier`, `attribute.birthday`.
        group: Under which heading it is offered.
        label: What people call it.
        type: `choice` is one of `choices`, `choices` several of them (an SQL array); `money` is in minor units, `share`
            from 0 to 1, `day` days since 1970-01-01 in the merchant's zone. `date` is such a day too, whose
            anniversaries count: a birthday.
        source: Where it lives.
        sql: The value, over `{s}`.
        choices: What a choice may be, with its words, asked for when needed; None where anything may stand.
        help: What it means and where it comes from, in a sentence.
        sensitivity: `personal` tells who somebody is, or where they can be reached.
    """

    key: str
    group: Words
    label: Words
    type: Type
    source: Source
    sql: str
    choices: Callable[[], Choices] | None = None
    help: Words = ""
    sensitivity: Sensitivity = "ordinary"


_fixed: dict[str, CustomerAttribute] = {}
_asked: list[Callable[[], Iterable[CustomerAttribute]]] = []


def register(*attributes: CustomerAttribute) -> None:
    """Offer attributes, in the order in which they are to be shown.

    Raises:
        ValueError: A key is taken by another attribute.
    """
    for attribute in attributes:
        if _fixed.setdefault(attribute.key, attribute) != attribute:
            message = f"two attributes are registered as {attribute.key!r}; a key belongs to one"
            raise ValueError(message)


def register_asked(attributes: Callable[[], Iterable[CustomerAttribute]]) -> None:
    """Offer attributes that only the database knows, such as those a merchant defined; asked each time."""
    if attributes not in _asked:
        _asked.append(attributes)


def attributes() -> dict[str, CustomerAttribute]:
    """Return every attribute there is by key, in the order they are offered; a query or two for the merchant's own."""
    found = dict(_fixed)
    for ask in _asked:
        found.update({attribute.key: attribute for attribute in ask()})
    return found


def attribute(key: str) -> CustomerAttribute:
    """Return the attribute of a key.

    Raises:
        UnknownAttributeError: There is none.
    """
    found = _fixed.get(key) or attributes().get(key)
    if found is None:
        raise UnknownAttributeError(
            f"no attribute is called {key!r}; choose from {', '.join(attributes())}", key=key
        )
    return found
