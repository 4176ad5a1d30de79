"""What a playbook's settings are for this shop: the defaults of the file, fitted to its orders, and what people chose."""

from collections.abc import Mapping
from typing import ClassVar

from django.db.models import Avg
from django.utils.translation import gettext as _

from regulars.journeys.playbooks import PLACE, Playbook, Setting
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import minor_unit_exponent
from regulars.shop.models import Order
from regulars.shop.queries import business

Value = int | str
_LONGEST_TEXT = 200
_LOOKED_AT = 10_000
_ASSUMED_ORDER = 100
"""Of a shop without orders, in whole units of its currency."""


class InvalidSettingError(RegularsError):
    """A setting of a playbook cannot be what was told; `field` names it."""

    code: ClassVar[str] = "invalid_setting"

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}", field=setting)


def defaults(book: Playbook) -> dict[str, Value]:
    """Return the settings that fit this shop; amounts in minor units."""
    order = average_order_minor() if any(one.type == "money" for one in book.settings.values()) else 0
    return {name: _default(one, order) for name, one in book.settings.items()}


def chosen(book: Playbook, told: Mapping[str, object]) -> dict[str, Value]:
    """Return the settings with what people chose in their places.

    Raises:
        InvalidSettingError: A setting is not the playbook's, of another type, or out of its bounds.
    """
    for name in told:
        if name not in book.settings:
            known = ", ".join(book.settings) or _("none")
            raise InvalidSettingError(name, _("is not known here; choose from %(known)s") % {"known": known})
    return defaults(book) | {name: _checked(book.settings[name], value) for name, value in told.items()}


def put_in(value: object, settings: Mapping[str, Value]) -> object:
    """Return something of a file with settings in their places; a share under a name that ends in `_bp` in parts of 10,000."""
    if isinstance(value, Mapping):
        found = {}
        for key, one in value.items():
            told = put_in(one, settings)
            is_share = str(key).endswith("_bp") and isinstance(one, str) and isinstance(told, int)
            found[key] = told * 100 if is_share and isinstance(told, int) else told
        return found
    if isinstance(value, list):
        return [put_in(one, settings) for one in value]
    if isinstance(value, str) and value.startswith(PLACE):
        return settings[value.removeprefix(PLACE)]
    return value


def average_order_minor() -> int:
    """Return what the latest orders come to on average, in minor units; of a shop without orders something usual."""
    latest = Order.objects.filter(is_valid=True).order_by("-id")[:_LOOKED_AT]
    found = latest.aggregate(mean=Avg("net_minor"))["mean"]
    whole: int = 10 ** minor_unit_exponent(business().currency)
    return round(found) if found else _ASSUMED_ORDER * whole


def _default(setting: Setting, order_minor: int) -> Value:
    if setting.type == "money":
        return round_sum(round(float(str(setting.default)) * order_minor))
    return setting.default if isinstance(setting.default, int) else str(setting.default)


def round_sum(minor: int) -> int:
    """Return a sum that people would name: two digits, the second one 0 or 5."""
    scale: int = 10 ** max(len(str(minor)) - 2, 0)
    step = 5 * scale
    return max(round(minor / step) * step, 1)


def _checked(setting: Setting, value: object) -> Value:
    if setting.type == "text":
        if isinstance(value, str) and 1 <= len(value.strip()) <= _LONGEST_TEXT and "\0" not in value:
            return value.strip()
        raise InvalidSettingError(
            setting.name, _("a text of 1 to %(most)s characters") % {"most": _LONGEST_TEXT}
        )
    if isinstance(value, int) and not isinstance(value, bool) and setting.least <= value <= setting.most:
        return value
    told = {"value": repr(value), "least": setting.least, "most": setting.most}
    raise InvalidSettingError(
        setting.name, _("%(value)s, must be a whole number from %(least)s to %(most)s") % told
    )
