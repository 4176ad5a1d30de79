"""Why a code takes nothing off, in the words of whoever reads."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from regulars.insights.reasons import money
from regulars.kernel.errors import RegularsError
from regulars.offers.rules import Reason
from regulars.offers.words import moment

Values = dict[str, Any]

CODES: dict[str, Callable[[Values, str], str]] = {
    "unknown_code": lambda _v, _c: _("There is no such code."),
    "code_repeated": lambda _v, _c: _("This code was given twice."),
    "offer_repeated": lambda v, _c: _("%(code)s is a code of the same offer; one counts.") % v,
    "draft": lambda _v, _c: _("The offer has not been started yet."),
    "paused": lambda _v, _c: _("The offer is paused."),
    "ended": lambda _v, _c: _("The offer has ended."),
    "not_started": lambda v, _c: _("The offer begins on %(at)s.") % {"at": _at(v)},
    "expired": lambda v, _c: _("The offer ended on %(at)s.") % {"at": _at(v)},
    "code_expired": lambda v, _c: _("The code was good until %(at)s.") % {"at": _at(v)},
    "voided": lambda _v, _c: _("The code was withdrawn."),
    "used_up": lambda _v, _c: _("The code has been used."),
    "sold_out": lambda _v, _c: _("All of this offer has been taken."),
    "budget_spent": lambda _v, _c: _("What this offer had to give has been given."),
    "customer_needed": lambda _v, _c: _("It counts only for a customer who is known."),
    "not_yours": lambda _v, _c: _("The code belongs to somebody else."),
    "customer_limit": lambda v, _c: (
        ngettext(
            "The customer has used this offer before; it is good %(times)s time.",
            "The customer has used this offer as often as it is good: %(times)s times.",
            v["times"],
        )
        % v
    ),
    "spend_more": lambda v, c: (
        _("%(missing)s more is needed: it counts from %(needed)s.")
        % {"missing": money(v["missing_minor"], c), "needed": money(v["needed_minor"], c)}
    ),
    "buy_more": lambda v, _c: (
        ngettext("%(units)s more piece is needed.", "%(units)s more pieces are needed.", v["units"]) % v
    ),
    "no_such_goods": lambda _v, _c: _("Nothing in the basket belongs to the offer."),
    "wrong_store": lambda v, _c: _("It is good only at: %(stores)s.") % {"stores": ", ".join(v["stores"])},
    "does_not_combine": lambda v, _c: _("It cannot be used together with %(code)s.") % v,
    "nothing_off": lambda _v, _c: _("There is nothing it could be taken off."),
}


class OfferRefusedError(RegularsError):
    """A code takes nothing off this basket; `reasons` says of each code why."""

    code: ClassVar[str] = "offer_refused"


def explain(reason: Reason, *, currency: str) -> str:
    """Return why a code takes nothing off, as a sentence."""
    return CODES[reason.code](dict(reason.values), currency)


def _at(values: Values) -> str:
    return moment(datetime.fromisoformat(values["at"]), values["zone"])
