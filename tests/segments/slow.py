"""A second, slow reading of rules over plain Python records, written apart from the compiler."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any as Anything

from regulars.segments.rules import All, Any, Attribute, Bought, Did, Goods, Member, Node, Not, Period

EPOCH = date(1970, 1, 1)


@dataclass
class Line:
    product: str
    category: str
    brand: str
    quantity: int
    amount_minor: int


@dataclass
class Order:
    day: int
    store: str
    is_valid: bool
    net_minor: int
    discount_minor: int
    lines: list[Line]


@dataclass
class Event:
    day: int
    name: str
    product: str | None
    category: str
    brand: str
    properties: dict[str, str]


@dataclass
class Person:
    id: int
    one: dict[str, object]
    many: dict[str, list[object]] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def holds(node: Node, person: Person, *, today: int, segments: dict[int, Node | set[int]]) -> bool:  # noqa: PLR0911  one case a kind of node
    """Return whether a rule is true of somebody."""
    match node:
        case All(parts):
            return all(holds(part, person, today=today, segments=segments) for part in parts)
        case Any(parts):
            return any(holds(part, person, today=today, segments=segments) for part in parts)
        case Not(part):
            return not holds(part, person, today=today, segments=segments)
        case Member(segment_id):
            other = segments[segment_id]
            if isinstance(other, set):
                return person.id in other
            return holds(other, person, today=today, segments=segments)
        case Attribute(key, operator, value):
            values = person.many[key] if key in person.many else [person.one[key]]
            return _said(operator, value, [one for one in values if one is not None], today)
        case Bought():
            return _times(_bought(node, person, today), node)
        case Did():
            return _did(node, person, today)


def _said(operator: str, value: Anything, known: list[Anything], today: int) -> bool:  # noqa: ANN401  any type of attribute
    tests: dict[str, Callable[[Anything], bool]] = {
        "is": lambda one: _low(one) == _low(value),
        "contains": lambda one: _low(value) in _low(one),
        "starts_with": lambda one: _low(one).startswith(_low(value)),
        "any_of": lambda one: bool(set(_list(one)) & set(value)),
        "all_of": lambda one: set(_list(one)) >= set(value),
        "at_least": lambda one: one >= value,
        "at_most": lambda one: one <= value,
        "between": lambda one: value[0] <= one <= value[1],
        "on_or_after": lambda one: one >= value,
        "before": lambda one: one < value,
        "in_last": lambda one: 0 <= today - one < value,
        "longer_ago": lambda one: today - one >= value,
        "in_next": lambda one: 0 <= one - today < value,
        "anniversary_in_next": lambda one: _anniversary(one, today, value),
        "yes": lambda one: one is True,
        "known": lambda _one: True,
    }
    opposite = {
        "is_not": "is",
        "contains_not": "contains",
        "none_of": "any_of",
        "no": "yes",
        "unknown": "known",
    }
    if operator in opposite:
        return not any(tests[opposite[operator]](one) for one in known)
    return any(tests[operator](one) for one in known)


def _low(value: Anything) -> Anything:  # noqa: ANN401  any type of attribute
    return value.lower() if isinstance(value, str) else value


def _list(value: Anything) -> list[Anything]:  # noqa: ANN401  any type of attribute
    return value if isinstance(value, list) else [value]


def _anniversary(born: int, today: int, days: int) -> bool:
    birthday = EPOCH + timedelta(days=born)
    for ahead in range(days):
        then = EPOCH + timedelta(days=today + ahead)
        try:
            celebrated = birthday.replace(year=then.year)
        except ValueError:
            celebrated = date(then.year, 2, 28)
        if celebrated == then:
            return True
    return False


def _in(period: Period, day: int, today: int) -> bool:
    if period.last_days is not None:
        return today - period.last_days < day <= today
    if period.before_last_days is not None:
        return today - day >= period.before_last_days
    return (period.from_day is None or day >= period.from_day) and (
        period.until_day is None or day < period.until_day
    )


def _meant(goods: Goods, product: str | None, category: str, brand: str) -> bool:
    if goods == Goods():
        return True
    return product is not None and all(
        not wanted or one in wanted
        for wanted, one in ((goods.products, product), (goods.categories, category), (goods.brands, brand))
    )


def _bought(node: Bought, person: Person, today: int) -> int:
    total = 0
    for order in person.orders:
        if not order.is_valid or not _in(node.period, order.day, today):
            continue
        if node.stores and order.store not in node.stores:
            continue
        if node.is_discounted and order.discount_minor <= 0:
            continue
        lines = [line for line in order.lines if _meant(node.goods, line.product, line.category, line.brand)]
        if node.measure == "quantity":
            total += sum(line.quantity for line in lines)
        elif node.measure == "orders":
            total += 1 if lines or node.goods == Goods() else 0
        elif node.goods == Goods():
            total += order.net_minor
        else:
            total += sum(line.amount_minor for line in lines)
    return total


def _did(node: Did, person: Person, today: int) -> bool:
    seen = [
        event
        for event in person.events
        if event.name == node.event
        and _in(node.period, event.day, today)
        and _meant(node.goods, event.product, event.category, event.brand)
        and (not node.property or event.properties.get(node.property) == node.property_value)
    ]
    if not node.is_per_product:
        return _times(len(seen), node)
    counts = Counter(event.product for event in seen if event.product is not None)
    for product, times in counts.items():
        first = min(event.day for event in seen if event.product == product)
        was_bought = any(
            order.is_valid and order.day >= first and product in {line.product for line in order.lines}
            for order in person.orders
        )
        if times >= (node.at_least or 1) and not (node.is_unbought and was_bought):
            return True
    return False


def _times(count: int, node: Bought | Did) -> bool:
    return (node.at_least is None or count >= node.at_least) and (
        node.at_most is None or count <= node.at_most
    )
