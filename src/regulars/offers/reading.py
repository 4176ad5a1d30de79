"""Benefits and goods as they are stored: JSON that is checked when it is read, with the part named that is wrong."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from regulars.offers.rules import (
    KINDS,
    MOST_MINOR,
    MOST_NAMES,
    MOST_PARTS,
    MOST_STEPS,
    WHOLE_BP,
    Amount,
    Benefit,
    Bundle,
    BuyGet,
    FreeShipping,
    Gift,
    Goods,
    InvalidOfferError,
    Part,
    Percent,
    Step,
    Threshold,
)
from regulars.shop.wording import gettext as _

_MOST_UNITS = 1_000
_LONGEST = 200


def read_benefit(kind: str, told: Mapping[str, Any]) -> Benefit:
    """Return what an offer of a kind gives.

    Raises:
        InvalidOfferError: There is no such kind, or a part of it is missing or cannot be; `field` names it.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise invalid("kind", kind, _("one of %(choices)s") % {"choices": ", ".join(KINDS)})
    return reader(told)


def write_benefit(benefit: Benefit) -> dict[str, Any]:
    """Return what `read_benefit` reads."""
    if isinstance(benefit, Threshold):
        steps = [{"spend_minor": one.spend_minor, "save_minor": one.save_minor} for one in benefit.steps]
        return {"steps": steps, "repeats": benefit.repeats}
    if isinstance(benefit, Bundle):
        parts = [{"goods": write_goods(part.goods), "quantity": part.quantity} for part in benefit.parts]
        return {"parts": parts, "price_minor": benefit.price_minor}
    return dict(vars(benefit))


def read_goods(told: Mapping[str, Any], *, field: str = "goods") -> Goods:
    """Return which goods are meant.

    Raises:
        InvalidOfferError: Something else than lists of names was told.
    """
    if not isinstance(told, Mapping):
        raise invalid(field, told, _("an object"))
    names = {name: _names(told.get(name, ()), field=f"{field}.{name}") for name in Goods.__dataclass_fields__}
    unknown = sorted(set(told) - set(names))
    if unknown:
        raise invalid(
            f"{field}.{unknown[0]}",
            told[unknown[0]],
            _("absent; known are %(names)s") % {"names": ", ".join(names)},
        )
    return Goods(**names)


def write_goods(goods: Goods) -> dict[str, list[str]]:
    """Return what `read_goods` reads, without what is empty."""
    return {name: list(value) for name, value in vars(goods).items() if value}


def _percent(told: Mapping[str, Any]) -> Percent:
    return Percent(percent_bp=_whole(told, "percent_bp", least=1, most=WHOLE_BP))


def _amount(told: Mapping[str, Any]) -> Amount:
    return Amount(amount_minor=_whole(told, "amount_minor", least=1, most=MOST_MINOR))


def _threshold(told: Mapping[str, Any]) -> Threshold:
    rows = _rows(told, "steps", most=MOST_STEPS)
    steps = tuple(
        Step(
            spend_minor=_whole(row, "spend_minor", least=1, most=MOST_MINOR, at=f"steps.{place}."),
            save_minor=_whole(row, "save_minor", least=1, most=MOST_MINOR, at=f"steps.{place}."),
        )
        for place, row in enumerate(rows)
    )
    for place, (lower, higher) in enumerate(pairwise(steps), start=1):
        if higher.spend_minor <= lower.spend_minor or higher.save_minor <= lower.save_minor:
            raise invalid(
                f"steps.{place}.spend_minor",
                higher.spend_minor,
                _("more than the step before, and save more too"),
            )
    for place, step in enumerate(steps):
        if step.save_minor > step.spend_minor:
            raise invalid(f"steps.{place}.save_minor", step.save_minor, _("no more than is spent"))
    repeats = told.get("repeats", False)
    if not isinstance(repeats, bool) or (repeats and len(steps) > 1):
        raise invalid("repeats", repeats, _("true only of a single step"))
    return Threshold(steps=steps, repeats=repeats)


def _bundle(told: Mapping[str, Any]) -> Bundle:
    rows = _rows(told, "parts", most=MOST_PARTS)
    parts = tuple(
        Part(
            goods=read_goods(row.get("goods", {}), field=f"parts.{place}.goods"),
            quantity=_whole(row, "quantity", least=1, most=_MOST_UNITS, at=f"parts.{place}."),
        )
        for place, row in enumerate(rows)
    )
    if sum(part.quantity for part in parts) < 2:  # noqa: PLR2004  one thing is no bundle
        raise invalid("parts", len(parts), _("two units or more together"))
    return Bundle(parts=parts, price_minor=_whole(told, "price_minor", least=0, most=MOST_MINOR))


def _buy_get(told: Mapping[str, Any]) -> BuyGet:
    return BuyGet(
        buy=_whole(told, "buy", least=1, most=_MOST_UNITS),
        get=_whole(told, "get", least=1, most=_MOST_UNITS),
        percent_bp=_whole({"percent_bp": WHOLE_BP, **told}, "percent_bp", least=1, most=WHOLE_BP),
    )


def _free_shipping(_told: Mapping[str, Any]) -> FreeShipping:
    return FreeShipping()


def _gift(told: Mapping[str, Any]) -> Gift:
    product = told.get("product")
    if not isinstance(product, str) or not 1 <= len(product.strip()) <= _LONGEST or "\0" in product:
        raise invalid(
            "product",
            product,
            _("a product's code or name of at most %(most)s characters") % {"most": _LONGEST},
        )
    return Gift(
        product=product.strip(),
        quantity=_whole({"quantity": 1, **told}, "quantity", least=1, most=_MOST_UNITS),
        cost_minor=_whole({"cost_minor": 0, **told}, "cost_minor", least=0, most=MOST_MINOR),
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Benefit]] = {
    "percent": _percent,
    "amount": _amount,
    "threshold": _threshold,
    "bundle": _bundle,
    "buy_get": _buy_get,
    "free_shipping": _free_shipping,
    "gift": _gift,
}


def _whole(told: Mapping[str, Any], name: str, *, least: int, most: int, at: str = "") -> int:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise invalid(
            f"{at}{name}",
            value,
            _("a whole number from %(least)s to %(most)s") % {"least": f"{least:,}", "most": f"{most:,}"},
        )
    return value


def _rows(told: Mapping[str, Any], name: str, *, most: int) -> Sequence[Mapping[str, Any]]:
    rows = told.get(name)
    if not isinstance(rows, list) or not 1 <= len(rows) <= most:
        raise invalid(
            name, rows if rows is None else type(rows).__name__, _("a list of 1 to %(most)s") % {"most": most}
        )
    if not all(isinstance(row, Mapping) for row in rows):
        raise invalid(name, _("something else"), _("a list of objects"))
    return rows


def _names(told: object, *, field: str) -> tuple[str, ...]:
    if not isinstance(told, list | tuple) or len(told) > MOST_NAMES:
        raise invalid(
            field, type(told).__name__, _("a list of at most %(most)s names") % {"most": MOST_NAMES}
        )
    for name in told:
        if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST or "\0" in name:
            raise invalid(field, name, _("names of 1 to %(most)s characters") % {"most": _LONGEST})
    # Each once, in a stable order, so that an offer that means the same is stored the same.
    return tuple(sorted(set(told)))


def invalid(field: str, value: object, rule: str) -> InvalidOfferError:
    """Return the error of a part of an offer that is not as it must be."""
    told = {"field": field, "value": repr(value), "rule": rule}
    return InvalidOfferError(_("%(field)s == %(value)s, must be %(rule)s") % told, field=field)
