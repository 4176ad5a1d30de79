"""What an offer does, as a merchant would say it, in the language of whoever reads."""

from datetime import datetime

from babel.dates import format_datetime, get_timezone
from babel.numbers import format_decimal
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from regulars.insights.reasons import locale_name, money
from regulars.offers.models import Offer
from regulars.offers.reading import read_benefit, read_goods
from regulars.offers.rules import (
    WHOLE_BP,
    Amount,
    Benefit,
    Bundle,
    BuyGet,
    FreeShipping,
    Goods,
    Percent,
    Threshold,
)

_NAMED = 4
_MOMENTS = {"zh_Hans_CN": "y年M月d日 HH:mm"}


def headline(offer: Offer, *, currency: str) -> str:
    """Return what an offer gives in a line: "20 % off tea", from what the shop wrote itself where it did."""
    own = offer.words_zh if (get_language() or "").startswith("zh") else offer.words
    return own or benefit(read_benefit(offer.kind, offer.benefit), read_goods(offer.goods), currency=currency)


def benefit(told: Benefit, goods: Goods, *, currency: str) -> str:  # noqa: PLR0911  one a kind
    """Return what a benefit on some goods is called."""
    on = listed(goods)
    if isinstance(told, Percent):
        values = {"percent": percent(told.percent_bp), "goods": on}
        return _("%(percent)s off %(goods)s") % values if on else _("%(percent)s off") % values
    if isinstance(told, Amount):
        values = {"amount": money(told.amount_minor, currency), "goods": on}
        return _("%(amount)s off %(goods)s") % values if on else _("%(amount)s off") % values
    if isinstance(told, Threshold):
        return _threshold(told, on, currency)
    if isinstance(told, Bundle):
        parts = _(" + ").join(
            _("%(units)s × %(goods)s")
            % {"units": str(part.quantity), "goods": listed(part.goods) or on or _("any product")}
            for part in told.parts
        )
        return _("%(parts)s together for %(price)s") % {
            "parts": parts,
            "price": money(told.price_minor, currency),
        }
    if isinstance(told, BuyGet):
        values = {
            "buy": str(told.buy),
            "get": str(told.get),
            "percent": percent(told.percent_bp),
            "goods": on or _("any product"),
        }
        if told.percent_bp == WHOLE_BP:
            return _("Buy %(buy)s, get %(get)s free: %(goods)s") % values
        return _("Buy %(buy)s, get %(get)s at %(percent)s off: %(goods)s") % values
    if isinstance(told, FreeShipping):
        return _("Free shipping with %(goods)s") % {"goods": on} if on else _("Free shipping")
    values = {"units": str(told.quantity), "product": told.product, "goods": on}
    if told.quantity == 1:
        return _("A gift with %(goods)s: %(product)s") % values if on else _("A gift: %(product)s") % values
    return _("%(units)s gifts: %(product)s") % values


def conditions(offer: Offer, *, currency: str, zone: str) -> list[str]:
    """Return under which conditions an offer counts, a sentence each."""
    told = []
    if offer.least_minor:
        told.append(_("On orders of %(amount)s or more.") % {"amount": money(offer.least_minor, currency)})
    if offer.most_minor is not None:
        told.append(_("At most %(amount)s off an order.") % {"amount": money(offer.most_minor, currency)})
    left_out = read_goods(offer.goods).except_products
    if left_out:
        told.append(_("Not on %(goods)s.") % {"goods": _names(left_out)})
    if offer.stores:
        told.append(_("At %(stores)s only.") % {"stores": _names(tuple(offer.stores))})
    if offer.per_customer is not None:
        told.append(
            ngettext("Once a customer.", "At most %(times)s times a customer.", offer.per_customer)
            % {"times": offer.per_customer}
        )
    if offer.holder_only:
        told.append(_("Only for whom the code was given to."))
    told.append(
        {
            Offer.Stacking.ALONE: _("Not together with other offers."),
            Offer.Stacking.OTHER_KINDS: _("Together with offers on something else, such as shipping."),
            Offer.Stacking.ANY: _("Together with any offer that allows it."),
        }[Offer.Stacking(offer.stacking)]
    )
    told.append(_period(offer, zone))
    if offer.code_days is not None:
        told.append(
            ngettext(
                "A code is good for %(days)s day from when it was given.",
                "A code is good for %(days)s days from when it was given.",
                offer.code_days,
            )
            % {"days": offer.code_days}
        )
    return told


def limits(offer: Offer, *, currency: str) -> list[str]:
    """Return how often and for how much an offer may be used in all, which is nobody's business but the shop's."""
    told = []
    if offer.stock is not None:
        told.append(
            ngettext(
                "It can be used %(times)s time in all.", "It can be used %(times)s times in all.", offer.stock
            )
            % {"times": format_decimal(offer.stock, locale=locale_name())}
        )
    if offer.budget_minor is not None:
        told.append(_("It may cost %(amount)s in all.") % {"amount": money(offer.budget_minor, currency)})
    if not told:
        told.append(_("There is no bound to what it may cost in all."))
    return told


def percent(percent_bp: int) -> str:
    """Return hundredths of a percent off as people say it: 12.5 %; in Chinese by the tenths left to pay, 20 % off is 8 折."""
    if (get_language() or "").startswith("zh"):
        return f"{format_decimal((WHOLE_BP - percent_bp) / 1_000, locale=locale_name())} 折"
    return f"{format_decimal(percent_bp / 100, locale=locale_name())} %"


def moment(at: datetime, zone: str) -> str:
    """Return an instant on the merchant's clock."""
    chosen = locale_name()
    return format_datetime(
        at, tzinfo=get_timezone(zone), locale=chosen, format=_MOMENTS.get(chosen, "d MMM y, HH:mm")
    )


def listed(goods: Goods) -> str:
    """Return goods by their names; empty for all of them."""
    return _names(goods.categories + goods.brands + goods.products)


def _names(names: tuple[str, ...]) -> str:
    shown = _(", ").join(names[:_NAMED])
    if len(names) <= _NAMED:
        return shown
    return _("%(names)s and %(count)s more") % {"names": shown, "count": len(names) - _NAMED}


def _threshold(told: Threshold, on: str, currency: str) -> str:
    rows = [
        {"spend": money(step.spend_minor, currency), "save": money(step.save_minor, currency)}
        for step in told.steps
    ]
    if told.repeats:
        words = _("Save %(save)s for every %(spend)s spent") % rows[0]
    else:
        words = _("; ").join(_("spend %(spend)s, save %(save)s") % row for row in rows)
        words = words[:1].upper() + words[1:]
    return _("%(words)s, on %(goods)s") % {"words": words, "goods": on} if on else words


def _period(offer: Offer, zone: str) -> str:
    start = moment(offer.starts_at, zone)
    if offer.ends_at is None:
        return _("From %(start)s, without an end.") % {"start": start}
    return _("From %(start)s until %(end)s.") % {"start": start, "end": moment(offer.ends_at, zone)}
