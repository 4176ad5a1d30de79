"""A rule as one set-based SQL statement. Every value is bound; the text is made of literals of the rooms alone.

Each source of a rule is joined once to the customers, and each condition over several rows of a customer as one
grouped subquery, never as a subquery a customer: whatever way the conditions are put together, a statement reads what it
speaks of once. Of a few customers only (`who`), each part asks for those customers alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any as Anything
from typing import cast

from regulars.kernel.days import date_of_day
from regulars.segments.rules import (
    All,
    Any,
    Attribute,
    Bought,
    Did,
    Goods,
    Member,
    Node,
    Not,
    Operator,
    leaves,
)
from regulars.shop.registry import CustomerAttribute, Source

RuleOf = Callable[[int], Node | None]
"""The rule of another segment; None for a list, whose members are read from the table of members."""

_OPPOSITES: dict[Operator, Operator] = {
    "is_not": "is",
    "contains_not": "contains",
    "none_of": "any_of",
    "no": "yes",
    "unknown": "known",
}
_FEBRUARY_28, _FEBRUARY_29 = 228, 229


@dataclass(frozen=True, kw_only=True)
class Statement:
    """SQL that selects one column `id`: the customers for whom a rule is true, each once."""

    sql: str
    values: dict[str, Anything]


@dataclass(kw_only=True)
class _Building:
    attributes: Mapping[str, CustomerAttribute]
    rule_of: RuleOf
    today: int
    who: list[int] | None
    values: dict[str, Anything] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)
    joined: dict[str, str] = field(default_factory=dict)

    def bind(self, value: object) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    def only(self, column: str) -> str:
        """Return the condition that confines a part to the customers asked for."""
        if self.who is None:
            return ""
        self.values.setdefault("who", self.who)
        return f" AND {column} = ANY(%(who)s)"

    def alias(self) -> str:
        return f"s{len(self.joins)}"

    def table(self, source: Source) -> tuple[str, str]:
        """Return a source's table and its own condition over `{s}`, its values bound."""
        bound = {name: self.bind(value) for name, value in source.values.items()}
        return source.table.format(**bound), source.where.format(s="{s}", **bound)

    def join(self, source: Source) -> str:
        """Join a source that has one row a customer, once; return its alias."""
        if source.name == "customer":
            return "c"
        if source.name not in self.joined:
            alias = self.alias()
            table, where = self.table(source)
            also = f" AND {where.format(s=alias)}" if where else ""
            self.joins.append(
                f"LEFT JOIN {table} {alias} ON {alias}.{source.key} = c.id{also}{self.only(f'{alias}.{source.key}')}"
            )
            self.joined[source.name] = alias
        return self.joined[source.name]

    def group(self, select: str) -> str:
        """Join a subquery that has one row for each customer that it speaks of; return its alias."""
        alias = self.alias()
        self.joins.append(f"LEFT JOIN ({select}) {alias} ON {alias}.customer_id = c.id")
        return alias


def compile_rule(
    node: Node,
    *,
    attributes: Mapping[str, CustomerAttribute],
    rule_of: RuleOf,
    today: int,
    who: list[int] | None = None,
) -> Statement:
    """Return the statement that finds whom a rule holds of. Customers merged into others are nobody.

    Args:
        node: The rule. Segments that it names must not lead back to themselves: see `operations`.
        attributes: The registered attributes by key.
        rule_of: The rules of other segments.
        today: The day that relative dates count from, in the merchant's zone.
        who: Only of these customers; None for all.
    """
    building = _Building(attributes=attributes, rule_of=rule_of, today=today, who=who)
    condition = _condition(node, building)
    joins = "\n".join(building.joins)
    sql = (
        f"SELECT c.id FROM shop_customer c\n{joins}\n"
        f"WHERE c.merged_into_id IS NULL{building.only('c.id')} AND {condition}"
    )
    return Statement(sql=sql, values=building.values)


def is_timed(node: Node, *, rule_of: RuleOf) -> bool:
    """Return whether a rule may hold of other customers tomorrow though nothing happened."""
    for leaf in leaves(node):
        match leaf:
            case Attribute(_, operator) if operator in (
                "in_last",
                "longer_ago",
                "in_next",
                "anniversary_in_next",
            ):
                return True
            case Bought() | Did() if leaf.period.is_relative:
                return True
            case Member(segment_id):
                other = rule_of(segment_id)
                if other is not None and is_timed(other, rule_of=rule_of):
                    return True
    return False


def is_live(node: Node, *, attributes: Mapping[str, CustomerAttribute], rule_of: RuleOf) -> bool:
    """Return whether a rule asks for something that changes as data arrives, not only with each run of the insights."""
    for leaf in leaves(node):
        match leaf:
            case Attribute(key) if attributes[key].source.changes == "run":
                continue
            case Member(segment_id):
                other = rule_of(segment_id)
                if other is None or is_live(other, attributes=attributes, rule_of=rule_of):
                    return True
            case _:
                return True
    return False


def _condition(node: Node, building: _Building) -> str:  # noqa: PLR0911  one case a kind of node
    """Return an SQL condition that is true where the node is, and false or null elsewhere."""
    match node:
        case All(parts):
            return f"({' AND '.join(_condition(part, building) for part in parts)})" if parts else "true"
        case Any(parts):
            return f"({' OR '.join(_condition(part, building) for part in parts)})" if parts else "false"
        case Not(part):
            return f"({_condition(part, building)}) IS NOT TRUE"
        case Attribute():
            return _attribute(node, building)
        case Bought():
            return _bought(node, building)
        case Did():
            return _did(node, building)
        case Member(segment_id):
            rule = building.rule_of(segment_id)
            if rule is not None:
                return _condition(rule, building)
            members = (
                f"SELECT m.customer_id FROM segments_membership m WHERE m.segment_id = {building.bind(segment_id)}"
                f"{building.only('m.customer_id')}"
            )
            return f"{building.group(members)}.customer_id IS NOT NULL"


def _attribute(node: Attribute, building: _Building) -> str:
    opposite = _OPPOSITES.get(node.operator)
    if opposite is not None:
        return f"({_attribute(Attribute(node.key, opposite, node.value), building)}) IS NOT TRUE"
    attribute = building.attributes[node.key]
    source = attribute.source
    if not source.is_many:
        return _compared(node, attribute, building.join(source), building)
    table, where = building.table(source)
    also = f" AND {where.format(s='r')}" if where else ""
    select = (
        f"SELECT DISTINCT r.{source.key} AS customer_id FROM {table} r "
        f"WHERE {_compared(node, attribute, 'r', building)}{also}{building.only(f'r.{source.key}')}"
    )
    return f"{building.group(select)}.customer_id IS NOT NULL"


def _compared(node: Attribute, attribute: CustomerAttribute, alias: str, building: _Building) -> str:  # noqa: C901, PLR0911, PLR0912  one case an operator
    sql, value, bind = f"({attribute.sql.format(s=alias)})", node.value, building.bind
    today = building.today
    match node.operator:
        case "known" if attribute.type in ("text", "choice"):
            # Nobody can ask for an empty text: in every other comparison it is as good as null, and indexes are used.
            return f"{sql} <> ''"
        case "known":
            return f"{sql} IS NOT NULL"
        case "yes":
            return sql
        case "any_of":
            names = bind(list(cast("tuple[str, ...]", value)))
            return f"{sql}::text[] && {names}" if attribute.type == "choices" else f"{sql} = ANY({names})"
        case "all_of":
            return f"{sql}::text[] @> {bind(list(cast('tuple[str, ...]', value)))}"
        case "is" if attribute.type == "text":
            return f"{_lowered(sql)} = {_lowered(bind(value))}"
        case "contains":
            return f"strpos({_lowered(sql)}, {_lowered(bind(value))}) > 0"
        case "starts_with":
            return f"starts_with({_lowered(sql)}, {_lowered(bind(value))})"
        case "between":
            low, high = cast("tuple[int, int]", value)
            return f"{sql} BETWEEN {bind(low)} AND {bind(high)}"
        case "at_least" | "on_or_after":
            return f"{sql} >= {bind(value)}"
        case "at_most":
            return f"{sql} <= {bind(value)}"
        case "before":
            return f"{sql} < {bind(value)}"
        case "in_last":
            return f"{sql} BETWEEN {bind(today - cast('int', value) + 1)} AND {bind(today)}"
        case "longer_ago":
            return f"{sql} <= {bind(today - cast('int', value))}"
        case "in_next":
            return f"{sql} BETWEEN {bind(today)} AND {bind(today + cast('int', value) - 1)}"
        case "anniversary_in_next":
            days = bind(anniversaries(today, cast("int", value)))
            return f"to_char(date '1970-01-01' + {sql}, 'MMDD')::int = ANY({days})"
        case _:
            return f"{sql} = {bind(value)}"


def anniversaries(today: int, days: int) -> list[int]:
    """Return months and days (1231) of so many days from today on. Who was born on 29 February turns on the 28th of other years."""
    found = set()
    for day in range(today, today + days):
        date = date_of_day(day)
        found.add(date.month * 100 + date.day)
        if date.month * 100 + date.day == _FEBRUARY_28 and date_of_day(day + 1).month != date.month:
            found.add(_FEBRUARY_29)
    return sorted(found)


def _lowered(sql: str) -> str:
    return f'lower({sql}::text COLLATE "default")'


def _within(column: str, bounds: tuple[int | None, int | None], building: _Building) -> str:
    start, end = bounds
    text = "" if start is None else f" AND {column} >= {building.bind(start)}"
    return text if end is None else f"{text} AND {column} < {building.bind(end)}"


def _chosen(goods: Goods, building: _Building) -> str:
    """Return the condition on a product `p`, with a leading AND."""
    return "".join(
        f" AND p.{column} = ANY({building.bind(list(names))})"
        for column, names in (
            ("category", goods.categories),
            ("brand", goods.brands),
            ("code", goods.products),
        )
        if names
    )


def _counted(sql: str, node: Bought | Did, building: _Building) -> str:
    # Null where there is nothing: of whom a rule asks for something, PostgreSQL then need not look at the others.
    figure = f"coalesce({sql}, 0)" if node.at_least is None else sql
    bounds = [
        f"{figure} {sign} {building.bind(bound)}"
        for sign, bound in ((">=", node.at_least), ("<=", node.at_most))
        if bound is not None
    ]
    return f"({' AND '.join(bounds)})"


def _bought(node: Bought, building: _Building) -> str:
    by_line = not node.goods.is_any or node.measure == "quantity"
    tables = "shop_order o"
    if by_line:
        tables += " JOIN shop_orderline l ON l.order_id = o.id"
    if not node.goods.is_any:
        tables += " JOIN shop_product p ON p.id = l.product_id"
    figure = {
        "orders": "count(DISTINCT o.id)" if by_line else "count(*)",
        "quantity": "sum(l.quantity)",
        "amount_minor": "sum(l.amount_minor)" if by_line else "sum(o.net_minor)",
    }[node.measure]
    where = _within("o.day", node.period.bounds(building.today), building) + _chosen(node.goods, building)
    if node.stores:
        stores = building.bind(list(node.stores))
        where += f" AND o.store_id IN (SELECT id FROM shop_store WHERE code = ANY({stores}))"
    if node.is_discounted:
        where += " AND o.discount_minor > 0"
    where = f"o.is_valid{where}{building.only('o.customer_id')}"
    if (node.at_least, node.at_most, node.measure) == (None, 0, "orders"):
        # Never: whoever passes what else is asked for is looked up, or all are, whichever PostgreSQL finds cheaper.
        return f"NOT EXISTS (SELECT FROM {tables} WHERE o.customer_id = c.id AND {where})"
    alias = building.group(
        f"SELECT o.customer_id, {figure} AS n FROM {tables} WHERE {where} GROUP BY o.customer_id"
    )
    return _counted(f"{alias}.n", node, building)


def _did(node: Did, building: _Building) -> str:
    tables = "shop_event e"
    if not node.goods.is_any:
        tables += " JOIN shop_product p ON p.id = e.product_id"
    start, end = node.period.bounds(building.today)
    where = _within("e.day", (start, end), building) + _chosen(node.goods, building)
    # Lets PostgreSQL leave out the months of other partitions: a merchant's day lies within a day of that of UTC.
    for sign, bound in (
        (">=", None if start is None else start - 1),
        ("<", None if end is None else end + 1),
    ):
        if bound is not None:
            where += f" AND e.at {sign} timestamptz '1970-01-01 00:00+00' + {building.bind(bound)} * interval '1 day'"
    if node.property:
        where += (
            f" AND e.properties ->> {building.bind(node.property)} = {building.bind(node.property_value)}"
        )
    where = f"e.customer_id IS NOT NULL AND e.name = {building.bind(node.event)}{where}{building.only('e.customer_id')}"
    if not node.is_per_product:
        alias = building.group(
            f"SELECT e.customer_id, count(*) AS n FROM {tables} WHERE {where} GROUP BY e.customer_id"
        )
        return _counted(f"{alias}.n", node, building)
    seen = (
        f"SELECT e.customer_id, e.product_id, min(e.day) AS first_day FROM {tables} WHERE {where} AND e.product_id IS NOT NULL "
        f"GROUP BY e.customer_id, e.product_id HAVING count(*) >= {building.bind(node.at_least)}"
    )
    if node.is_unbought:
        seen = (
            f"SELECT g.customer_id FROM ({seen}) g WHERE NOT EXISTS (SELECT FROM shop_order o "
            "JOIN shop_orderline l ON l.order_id = o.id WHERE o.customer_id = g.customer_id "
            "AND l.product_id = g.product_id AND o.is_valid AND o.day >= g.first_day)"
        )
    alias = building.group(f"SELECT DISTINCT g.customer_id FROM ({seen}) g")
    return f"{alias}.customer_id IS NOT NULL"
