"""Where a customer's midnight is."""

import zoneinfo
from collections.abc import Collection
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import babel
from babel.core import get_global

from regulars.shop.models import AttributeValue, Customer

# A typed attribute of this name tells it outright.
ATTRIBUTE = "time_zone"
# Keeps one time in all of the country, by law.
_OFFICIAL = {"CN": "Asia/Shanghai"}
_ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001  local in whichever zone is asked


def zones_of(customer_ids: Collection[int], *, otherwise: str) -> dict[int, ZoneInfo]:
    """Return each customer's time zone: what they or the shop told, that of a country that has one only, or the shop's.

    Two queries, whatever the number.

    Args:
        customer_ids: Whose.
        otherwise: The shop's own.
    """
    shops = ZoneInfo(otherwise)
    found = dict.fromkeys(customer_ids, shops)
    countries = Customer.objects.filter(pk__in=customer_ids).exclude(country="")
    for customer_id, country in countries.values_list("pk", "country"):
        found[customer_id] = _zone_of_country(country) or shops
    told = AttributeValue.objects.filter(
        customer__in=customer_ids, definition__name=ATTRIBUTE, text__isnull=False
    )
    for customer_id, name in told.values_list("customer_id", "text"):
        if name in _known():
            found[customer_id] = ZoneInfo(name)
    return found


@cache
def _known() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@cache
def _zone_of_country(told: str) -> ZoneInfo | None:
    code = _codes().get(told.strip().casefold(), "")
    zones = [ZoneInfo(_OFFICIAL[code])] if code in _OFFICIAL else _zones_in(code)
    return zones[0] if len({zone.utcoffset(_ANY_DAY) for zone in zones}) == 1 else None


def _zones_in(code: str) -> list[ZoneInfo]:
    return [ZoneInfo(name) for name in get_global("territory_zones").get(code, []) if name in _known()]


@cache
def _codes() -> dict[str, str]:
    """Codes of countries by whatever a shop may write: the code, the English name, the Chinese name."""
    found: dict[str, str] = {}
    for language in ("en", "zh"):
        for code, name in babel.Locale(language).territories.items():
            if len(code) == 2:  # noqa: PLR2004  countries; the others are parts of the world
                found[str(name).casefold()] = code
                found[code.casefold()] = code
    return found
