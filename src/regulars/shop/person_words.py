"""What a person reads of their own data: columns by everyday names, amounts, days and moments as people write them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, pgettext_lazy

from regulars.kernel.days import date_of_day
from regulars.kernel.money import from_minor

# A column that has no word here is read as it is called, without its underscores.
NAMES = {
    "account": pgettext_lazy("one's own data", "company"),
    "address": pgettext_lazy("one's own data", "address"),
    "amount": pgettext_lazy("one's own data", "amount"),
    "at": pgettext_lazy("one's own data", "when"),
    "attribute": pgettext_lazy("one's own data", "attribute"),
    "browser": pgettext_lazy("one's own data", "browser"),
    "channel": pgettext_lazy("one's own data", "channel"),
    "code": pgettext_lazy("one's own data", "number"),
    "country": pgettext_lazy("one's own data", "country"),
    "customer": pgettext_lazy("one's own data", "customer"),
    "cycle_days": pgettext_lazy("one's own data", "days between orders"),
    "detail": pgettext_lazy("one's own data", "detail"),
    "discount": pgettext_lazy("one's own data", "discount"),
    "due_day": pgettext_lazy("one's own data", "next order expected"),
    "email": pgettext_lazy("one's own data", "e-mail"),
    "event": pgettext_lazy("one's own data", "what happened"),
    "evidence": pgettext_lazy("one's own data", "evidence"),
    "expected_orders": pgettext_lazy("one's own data", "orders expected"),
    "first_day": pgettext_lazy("one's own data", "first order"),
    "frequency": pgettext_lazy("one's own data", "orders"),
    "ip": pgettext_lazy("one's own data", "network address"),
    "is_valid": pgettext_lazy("one's own data", "counts"),
    "kind": pgettext_lazy("one's own data", "kind"),
    "label": pgettext_lazy("one's own data", "label"),
    "language": pgettext_lazy("one's own data", "language"),
    "last_day": pgettext_lazy("one's own data", "last order"),
    "late_day": pgettext_lazy("one's own data", "late after"),
    "message": pgettext_lazy("one's own data", "message"),
    "monetary": pgettext_lazy("one's own data", "spent"),
    "name": pgettext_lazy("one's own data", "name"),
    "net": pgettext_lazy("one's own data", "left after refunds"),
    "next_day": pgettext_lazy("one's own data", "next purchase expected"),
    "order": pgettext_lazy("one's own data", "order"),
    "p_alive": pgettext_lazy("one's own data", "probability of being a customer still"),
    "phone": pgettext_lazy("one's own data", "phone"),
    "placed_at": pgettext_lazy("one's own data", "ordered"),
    "product": pgettext_lazy("one's own data", "product"),
    "properties": pgettext_lazy("one's own data", "details"),
    "purpose": pgettext_lazy("one's own data", "purpose"),
    "quantity": pgettext_lazy("one's own data", "quantity"),
    "reason": pgettext_lazy("one's own data", "reason"),
    "recency_days": pgettext_lazy("one's own data", "days since the last order"),
    "received_at": pgettext_lazy("one's own data", "received"),
    "recorded_at": pgettext_lazy("one's own data", "in the record since"),
    "refunded": pgettext_lazy("one's own data", "given back"),
    "refunded_at": pgettext_lazy("one's own data", "given back on"),
    "role": pgettext_lazy("one's own data", "role"),
    "score": pgettext_lazy("one's own data", "score"),
    "segment": pgettext_lazy("one's own data", "segment"),
    "since": pgettext_lazy("one's own data", "since"),
    "since_at": pgettext_lazy("one's own data", "since"),
    "source": pgettext_lazy("one's own data", "told by"),
    "stage": pgettext_lazy("one's own data", "stage"),
    "state": pgettext_lazy("one's own data", "state"),
    "status": pgettext_lazy("one's own data", "status"),
    "store": pgettext_lazy("one's own data", "store"),
    "suggested_at": pgettext_lazy("one's own data", "noticed"),
    "tag": pgettext_lazy("one's own data", "tag"),
    "tier": pgettext_lazy("one's own data", "tier"),
    "told_at": pgettext_lazy("one's own data", "told"),
    "value": pgettext_lazy("one's own data", "value"),
    "wording": pgettext_lazy("one's own data", "words agreed to"),
}


def row_in_words(row: Mapping[str, object], *, currency: str, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """Yield a row's names and values as its person reads them."""
    for name, value in row.items():
        bare = name.removesuffix("_minor")
        if bare != name and isinstance(value, int):
            yield _called(bare), f"{from_minor(value, currency):f} {currency}"
        elif name.endswith("_day") and isinstance(value, int):
            yield _called(name), date_of_day(value).isoformat()
        else:
            yield _called(name), _said(value, zone)


def _called(name: str) -> str:
    last = name.rpartition("__")[2]
    return str(NAMES.get(last, last.replace("_", " ")))


def _said(value: object, zone: ZoneInfo) -> str:
    match value:
        case bool():
            said = gettext("yes") if value else gettext("no")
        case datetime():
            said = f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
        case Decimal():
            said = f"{value.normalize():f}"
        case float():
            said = f"{value:.4g}"
        case Mapping():
            said = "; ".join(f"{_called(str(name))}: {_said(one, zone)}" for name, one in value.items())
        case list() | tuple():
            said = " / ".join(_said(one, zone) for one in value)
        case _:
            said = str(value)
    return said
