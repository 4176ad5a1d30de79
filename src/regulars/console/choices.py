"""Currencies and time zones to choose from, named in the person's language."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global
from babel.dates import get_timezone_gmt, get_timezone_location
from babel.numbers import get_currency_name, list_currencies
from django.utils.translation import gettext as _

from regulars.insights.formats import locale_name

_COMMON_CURRENCIES = ("CNY", "USD", "EUR", "GBP", "JPY", "HKD", "TWD", "KRW", "SGD", "AUD", "CAD", "INR")
_COMMON_ZONES = (
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "UTC",
)
_REGIONS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")

Group = tuple[str, list[tuple[str, str]]]


def currencies() -> list[Group]:
    """Return the currencies now in use: the common ones, then all by code."""
    in_use = {
        code
        for entries in get_global("territory_currencies").values()
        for code, _since, until, is_tender in entries
        if until is None and is_tender
    }
    known = in_use & set(list_currencies(locale_name()))

    def named(codes: list[str]) -> list[tuple[str, str]]:
        return [(code, f"{code} – {get_currency_name(code, locale=locale_name())}") for code in codes]

    return [
        (_("Often used"), named(list(_COMMON_CURRENCIES))),
        (_("All"), named(sorted(known - set(_COMMON_CURRENCIES)))),
    ]


def time_zones(*, now: datetime) -> list[Group]:
    """Return the time zones with their present distance from UTC: the common ones, then by region."""

    def named(zones: list[str]) -> list[tuple[str, str]]:
        return [(zone, _zone_label(zone, now=now)) for zone in zones]

    others = sorted(available_timezones() - set(_COMMON_ZONES))
    regions = [(region, [zone for zone in others if zone.startswith(f"{region}/")]) for region in _REGIONS]
    return [
        (_("Often used"), named(list(_COMMON_ZONES))),
        *((region, named(zones)) for region, zones in regions),
    ]


def _zone_label(zone: str, *, now: datetime) -> str:
    if zone == "UTC":
        return "UTC"
    place = get_timezone_location(zone, locale=locale_name(), return_city=True)
    offset = get_timezone_gmt(now.astimezone(ZoneInfo(zone)), width="long", locale="en")
    return f"{place} · {zone} · {offset}"
