"""The parts of a rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from regulars.shop.registry import Type

Operator = Literal[
    "is", "is_not", "contains", "contains_not", "starts_with", "any_of", "none_of", "all_of", "at_least", "at_most",
    "between", "on_or_after", "before", "in_last", "longer_ago", "in_next", "anniversary_in_next", "yes", "no",
    "known", "unknown",
]  # fmt: skip
Measure = Literal["orders", "quantity", "amount_minor"]
MEASURES: tuple[Measure, ...] = ("orders", "quantity", "amount_minor")
Value: TypeAlias = str | int | float | tuple[str, ...] | tuple[int, int] | tuple[float, float] | None

_NUMBER: tuple[Operator, ...] = ("at_least", "at_most", "is", "between", "known", "unknown")
_DAY: tuple[Operator, ...] = (
    "in_last", "longer_ago", "in_next", "on_or_after", "before", "between", "known", "unknown",
)  # fmt: skip
OPERATORS: dict[Type, tuple[Operator, ...]] = {
    "text": ("is", "is_not", "contains", "contains_not", "starts_with", "known", "unknown"),
    "choice": ("any_of", "none_of", "known", "unknown"),
    "choices": ("any_of", "all_of", "none_of", "known", "unknown"),
    "number": _NUMBER,
    "count": _NUMBER,
    "money": _NUMBER,
    "share": _NUMBER,
    "day": _DAY,
    "date": ("anniversary_in_next", *_DAY),
    "flag": ("yes", "no", "known", "unknown"),
}
"""How each type of attribute can be asked, what people ask most first."""


@dataclass(frozen=True)
class Period:
    """Business days: the last so many with today, all before these, or `[from_day, until_day)`. Of nothing, ever."""

    last_days: int | None = None
    before_last_days: int | None = None
    from_day: int | None = None
    until_day: int | None = None

    @property
    def is_relative(self) -> bool:
        """Whether it moves with today."""
        return self.last_days is not None or self.before_last_days is not None

    def bounds(self, today: int) -> tuple[int | None, int | None]:
        """Return the first day, and the first day after; None where it is open. Without days ahead of today if relative."""
        if self.last_days is not None:
            return today - self.last_days + 1, today + 1
        if self.before_last_days is not None:
            return None, today - self.before_last_days + 1
        return self.from_day, self.until_day


EVER = Period()


@dataclass(frozen=True)
class Goods:
    """Which products are meant: each list that is not empty must name the product, by category, brand or code."""

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether every product is meant."""
        return self == Goods()


@dataclass(frozen=True)
class All:
    """Every part is true; of no parts, everybody."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True)
class Any:
    """Some part is true; of no parts, nobody."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True)
class Not:
    """The part is false."""

    part: "Node"


@dataclass(frozen=True)
class Attribute:
    """A registered attribute compared with a value. Days are day numbers, money minor units, shares 0 to 1."""

    key: str
    operator: Operator
    value: Value = None


@dataclass(frozen=True)
class Bought:
    """Valid orders, with `goods` in them, come to between `at_least` and `at_most`.

    `orders` are counted; `quantity` and `amount_minor` are summed up, over the lines of the goods before refunds, or over whole
    orders after refunds where any goods are meant and the amount is asked.
    """

    goods: Goods = Goods()
    stores: tuple[str, ...] = ()
    is_discounted: bool = False
    measure: Measure = "orders"
    at_least: int | None = 1
    at_most: int | None = None
    period: Period = EVER


@dataclass(frozen=True)
class Did:
    """Behaviour of a name came between `at_least` and `at_most` times.

    With `is_per_product` the times are those of one product, whichever; with `is_unbought` of one that no valid order
    contains on the day of the first of them or later.
    """

    event: str
    goods: Goods = Goods()
    property: str = ""
    property_value: str = ""
    at_least: int | None = 1
    at_most: int | None = None
    period: Period = EVER
    is_per_product: bool = False
    is_unbought: bool = False


@dataclass(frozen=True)
class Member:
    """In another segment."""

    segment_id: int


Node: TypeAlias = All | Any | Not | Attribute | Bought | Did | Member
Leaf: TypeAlias = Attribute | Bought | Did | Member


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the conditions of a rule, from left to right."""
    match node:
        case All(parts) | Any(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield node
