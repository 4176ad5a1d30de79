"""A rule from its JSON and back, every value checked; what is wrong is named by its place: `rule.all[1].value`."""

from collections.abc import Mapping
from datetime import date
from typing import Any as Anything
from typing import ClassVar, cast

from regulars.kernel.days import date_of_day, day_of_date
from regulars.kernel.errors import RegularsError
from regulars.segments.rules.nodes import (
    EVER,
    MEASURES,
    OPERATORS,
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
    Period,
    Value,
    leaves,
)
from regulars.shop.registry import CustomerAttribute, Type
from regulars.shop.wording import gettext as _

VERSION = 1
DEEPEST = 6
MOST_CONDITIONS = 60
MOST_VALUES = 500
_LONGEST = 1_000
_MOST_DAYS = 36_500
_GREATEST = 10**15
_RELATIVE = ("in_last", "longer_ago", "in_next", "anniversary_in_next")
_BARE = ("known", "unknown", "yes", "no")
_YEAR = 366
_KINDS = ("all", "any", "not", "attribute", "bought", "did", "segment")


class InvalidRuleError(RegularsError):
    """The rule has no meaning; `path` says where."""

    code: ClassVar[str] = "invalid_rule"


def _wrong(path: str, message: str) -> InvalidRuleError:
    return InvalidRuleError(_("%(place)s: %(what)s") % {"place": path, "what": message}, path=path)


def _not_one(path: str, kinds: list[str]) -> InvalidRuleError:
    choices = ", ".join(_KINDS)
    if not kinds:
        return _wrong(path, _("has none of %(choices)s, must have one") % {"choices": choices})
    told = {"kinds": _(" and ").join(kinds), "choices": choices}
    return _wrong(path, _("has %(kinds)s of %(choices)s, must have one") % told)


def read(stored: object, *, attributes: Mapping[str, CustomerAttribute]) -> Node:
    """Return the rule that JSON stands for.

    Args:
        stored: `{"version": 1, "rule": {...}}`.
        attributes: The registered attributes by key.

    Raises:
        InvalidRuleError: Something in it has no meaning; the message begins with its place.
    """
    whole = _object(stored, "rule", ("version", "rule"))
    if whole.get("version") != VERSION:
        raise _wrong(
            "version",
            _("%(value)s, must be %(choices)s") % {"value": repr(whole.get("version")), "choices": VERSION},
        )
    node = _node(whole.get("rule"), "rule", attributes, DEEPEST)
    if (count := len(list(leaves(node)))) > MOST_CONDITIONS:
        raise _wrong(
            "rule",
            _("%(count)s conditions, must be at most %(most)s") % {"count": count, "most": MOST_CONDITIONS},
        )
    return node


def _node(given: object, path: str, attributes: Mapping[str, CustomerAttribute], depth: int) -> Node:
    if not isinstance(given, Mapping):
        raise _wrong(path, _("must be an object with one of %(choices)s") % {"choices": ", ".join(_KINDS)})
    kinds = [kind for kind in _KINDS if kind in given]
    if len(kinds) != 1:
        raise _not_one(path, kinds)
    if kinds[0] in ("all", "any", "not") and depth == 0:
        raise _wrong(path, _("groups lie more than %(most)s deep") % {"most": DEEPEST})
    match kinds[0]:
        case "all" | "any" as kind:
            _object(given, path, (kind,))
            parts = given[kind]
            if not isinstance(parts, list | tuple):
                raise _wrong(f"{path}.{kind}", _("must be a list of conditions"))
            read_parts = tuple(
                _node(part, f"{path}.{kind}[{place}]", attributes, depth - 1)
                for place, part in enumerate(parts)
            )
            return All(read_parts) if kind == "all" else Any(read_parts)
        case "not":
            _object(given, path, ("not",))
            return Not(_node(given["not"], f"{path}.not", attributes, depth - 1))
        case "attribute":
            return _attribute(given, path, attributes)
        case "bought":
            return _bought(given, path)
        case "did":
            return _did(given, path)
        case _:
            _object(given, path, ("segment",))
            return Member(_whole(given["segment"], f"{path}.segment", least=1))


def _attribute(
    given: Mapping[str, Anything], path: str, attributes: Mapping[str, CustomerAttribute]
) -> Attribute:
    _object(given, path, ("attribute", "is", "value"))
    key, operator = given["attribute"], given.get("is")
    attribute = attributes.get(key) if isinstance(key, str) else None
    if attribute is None:
        raise _wrong(f"{path}.attribute", _("no attribute is called %(name)s") % {"name": repr(key)})
    allowed = OPERATORS[attribute.type]
    if operator not in allowed:
        raise _wrong(
            f"{path}.is",
            _("%(value)s, must be one of %(choices)s for %(attribute)s")
            % {"value": repr(operator), "choices": ", ".join(allowed), "attribute": key},
        )
    if operator in _BARE:
        if given.get("value") is not None:
            raise _wrong(f"{path}.value", _("%(operator)s takes no value") % {"operator": operator})
        return Attribute(attribute.key, operator)
    value = _value(given.get("value"), f"{path}.value", attribute.type, operator)
    return Attribute(attribute.key, operator, value)


def _value(given: object, path: str, type_: Type, operator: Operator) -> Value:
    if operator in ("any_of", "none_of", "all_of"):
        return _texts(given, path, least=1)
    if type_ == "text":
        return _text(given, path)
    if operator in _RELATIVE:
        return _whole(given, path, least=1, most=_YEAR if operator == "anniversary_in_next" else _MOST_DAYS)
    if operator == "between":
        if not isinstance(given, list | tuple) or len(given) != 2:  # noqa: PLR2004  a pair
            raise _wrong(path, _("must be a list of two"))
        low, high = (_single(one, f"{path}[{place}]", type_) for place, one in enumerate(given))
        if low > high:
            raise _wrong(path, _("the first must not be greater than the second"))
        return cast("tuple[int, int]", (low, high))
    return _single(given, path, type_)


def _single(given: object, path: str, type_: Type) -> int | float:
    if type_ in ("day", "date"):
        return _day(given, path)
    if type_ in ("count", "money"):
        return _whole(given, path, least=-_GREATEST)
    if isinstance(given, bool) or not isinstance(given, int | float) or not -_GREATEST <= given <= _GREATEST:
        raise _wrong(path, _("%(value)s, must be a number") % {"value": repr(given)})
    if type_ == "share" and not 0 <= given <= 1:
        raise _wrong(path, _("%(value)s, must be from 0 to 1") % {"value": repr(given)})
    return given


def _bought(given: Mapping[str, Anything], path: str) -> Bought:
    _object(given, path, ("bought", "measure", "at_least", "at_most", "period"))
    what = _object(
        given["bought"], f"{path}.bought", ("categories", "brands", "products", "stores", "discounted")
    )
    measure = given.get("measure", "orders")
    if measure not in MEASURES:
        raise _wrong(
            f"{path}.measure",
            _("%(value)s, must be one of %(choices)s")
            % {"value": repr(measure), "choices": ", ".join(MEASURES)},
        )
    at_least, at_most = _times(given, path)
    return Bought(
        goods=_goods(what, f"{path}.bought"),
        stores=_texts(what.get("stores", ()), f"{path}.bought.stores"),
        is_discounted=_flag(what.get("discounted", False), f"{path}.bought.discounted"),
        measure=measure,
        at_least=at_least,
        at_most=at_most,
        period=_period(given.get("period"), f"{path}.period"),
    )


def _did(given: Mapping[str, Anything], path: str) -> Did:
    _object(given, path, ("did", "of", "with", "at_least", "at_most", "period", "per_product", "unbought"))
    of = _object(given.get("of", {}), f"{path}.of", ("categories", "brands", "products"))
    with_ = _object(given.get("with", {}), f"{path}.with", ("property", "value"))
    if with_ and set(with_) != {"property", "value"}:
        raise _wrong(f"{path}.with", _("needs property and value"))
    at_least, at_most = _times(given, path)
    is_per_product = _flag(given.get("per_product", False), f"{path}.per_product")
    is_unbought = _flag(given.get("unbought", False), f"{path}.unbought")
    if is_unbought and not is_per_product:
        raise _wrong(f"{path}.unbought", _("counts by product: needs per_product"))
    if is_per_product and (at_most is not None or not at_least):
        raise _wrong(f"{path}.per_product", _("some product at least so many times: needs at_least alone"))
    return Did(
        event=_text(given["did"], f"{path}.did"),
        goods=_goods(of, f"{path}.of"),
        property=_text(with_["property"], f"{path}.with.property") if with_ else "",
        property_value=_text(with_["value"], f"{path}.with.value") if with_ else "",
        at_least=at_least,
        at_most=at_most,
        period=_period(given.get("period"), f"{path}.period"),
        is_per_product=is_per_product,
        is_unbought=is_unbought,
    )


def _goods(given: Mapping[str, Anything], path: str) -> Goods:
    return Goods(
        **{
            name: _texts(given.get(name, ()), f"{path}.{name}")
            for name in ("categories", "brands", "products")
        }
    )


def _times(given: Mapping[str, Anything], path: str) -> tuple[int | None, int | None]:
    at_least, at_most = given.get("at_least"), given.get("at_most")
    if at_least is None and at_most is None:
        return 1, None
    if at_least is not None:
        at_least = _whole(at_least, f"{path}.at_least", least=1)
    if at_most is not None:
        at_most = _whole(at_most, f"{path}.at_most", least=0)
    if at_least is not None and at_most is not None and at_least > at_most:
        raise _wrong(
            f"{path}.at_most",
            _("%(value)s, must not be less than at_least, %(least)s") % {"value": at_most, "least": at_least},
        )
    return at_least, at_most


def _period(given: object, path: str) -> Period:
    if given is None:
        return EVER
    told = _object(given, path, ("last_days", "before_last_days", "from", "until"))
    if not told or len({name.partition("_")[0].replace("until", "from") for name in told}) > 1:
        raise _wrong(path, _("needs last_days, or before_last_days, or from and until or one of them"))
    period = Period(
        last_days=_whole(told["last_days"], f"{path}.last_days", least=1, most=_MOST_DAYS)
        if "last_days" in told
        else None,
        before_last_days=_whole(
            told["before_last_days"], f"{path}.before_last_days", least=1, most=_MOST_DAYS
        )
        if "before_last_days" in told
        else None,
        from_day=_day(told["from"], f"{path}.from") if "from" in told else None,
        until_day=_day(told["until"], f"{path}.until") if "until" in told else None,
    )
    if None not in (period.from_day, period.until_day) and cast("int", period.from_day) >= cast(
        "int", period.until_day
    ):
        raise _wrong(path, _("from must lie before until"))
    return period


# Single values


def _object(given: object, path: str, known: tuple[str, ...]) -> Mapping[str, Anything]:
    if not isinstance(given, Mapping):
        raise _wrong(path, _("must be an object of %(choices)s") % {"choices": ", ".join(known)})
    for name in given:
        if name not in known:
            raise _wrong(
                f"{path}.{name}",
                _("is not known here; choose from %(choices)s") % {"choices": ", ".join(known)},
            )
    return given


def _text(given: object, path: str) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > _LONGEST or "\0" in given:
        raise _wrong(path, _("must be a text of 1 to %(most)s characters") % {"most": _LONGEST})
    return given


def _texts(given: object, path: str, *, least: int = 0) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not least <= len(given) <= MOST_VALUES:
        raise _wrong(
            path, _("must be a list of %(least)s to %(most)s texts") % {"least": least, "most": MOST_VALUES}
        )
    return tuple(dict.fromkeys(_text(one, f"{path}[{place}]") for place, one in enumerate(given)))


def _whole(given: object, path: str, *, least: int, most: int = _GREATEST) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
        raise _wrong(
            path,
            _("%(value)s, must be a whole number from %(least)s to %(most)s")
            % {"value": repr(given), "least": least, "most": most},
        )
    return given


def _flag(given: object, path: str) -> bool:
    if not isinstance(given, bool):
        raise _wrong(path, _("%(value)s, must be true or false") % {"value": repr(given)})
    return given


def _day(given: object, path: str) -> int:
    try:
        return day_of_date(date.fromisoformat(cast("str", given)))
    except (TypeError, ValueError) as error:
        raise _wrong(
            path, _("%(value)s, must be a date such as 2026-11-22") % {"value": repr(given)}
        ) from error


# And back


def write(node: Node, *, attributes: Mapping[str, CustomerAttribute]) -> dict[str, Anything]:
    """Return the JSON of a rule, from which `read` makes the same rule."""
    return {"version": VERSION, "rule": _written(node, attributes)}


def _written(  # noqa: PLR0911  one case a kind of node
    node: Node, attributes: Mapping[str, CustomerAttribute]
) -> dict[str, Anything]:
    match node:
        case All(parts):
            return {"all": [_written(part, attributes) for part in parts]}
        case Any(parts):
            return {"any": [_written(part, attributes) for part in parts]}
        case Not(part):
            return {"not": _written(part, attributes)}
        case Attribute(key, operator, value):
            told: dict[str, Anything] = {"attribute": key, "is": operator}
            if value is not None:
                is_day = attributes[key].type in ("day", "date") and operator not in _RELATIVE
                told["value"] = _plain(value, is_day=is_day)
            return told
        case Bought():
            what = {
                **_goods_written(node.goods),
                **({"stores": list(node.stores)} if node.stores else {}),
                **({"discounted": True} if node.is_discounted else {}),
            }
            measure = {} if node.measure == "orders" else {"measure": node.measure}
            return {"bought": what, **measure, **_times_written(node), **_period_written(node.period)}
        case Did():
            return {
                "did": node.event,
                **({"of": _goods_written(node.goods)} if not node.goods.is_any else {}),
                **(
                    {"with": {"property": node.property, "value": node.property_value}}
                    if node.property
                    else {}
                ),
                **_times_written(node),
                **_period_written(node.period),
                **({"per_product": True} if node.is_per_product else {}),
                **({"unbought": True} if node.is_unbought else {}),
            }
        case Member(segment_id):
            return {"segment": segment_id}


def _plain(value: Value, *, is_day: bool) -> object:
    if isinstance(value, tuple):
        return [_plain(one, is_day=is_day) for one in value]
    return date_of_day(cast("int", value)).isoformat() if is_day else value


def _goods_written(goods: Goods) -> dict[str, list[str]]:
    told = {"categories": goods.categories, "brands": goods.brands, "products": goods.products}
    return {name: list(values) for name, values in told.items() if values}


def _times_written(node: Bought | Did) -> dict[str, int]:
    told = {"at_least": node.at_least, "at_most": node.at_most}
    return {name: value for name, value in told.items() if value is not None}


def _period_written(period: Period) -> dict[str, dict[str, Anything]]:
    told: dict[str, Anything] = {
        "last_days": period.last_days,
        "before_last_days": period.before_last_days,
        "from": None if period.from_day is None else date_of_day(period.from_day).isoformat(),
        "until": None if period.until_day is None else date_of_day(period.until_day).isoformat(),
    }
    kept = {name: value for name, value in told.items() if value is not None}
    return {"period": kept} if kept else {}
