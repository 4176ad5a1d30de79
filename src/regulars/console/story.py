"""A customer's story in words: what each kind of entry says, and where it leads."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from regulars.console import labels
from regulars.insights import formats
from regulars.kernel.days import day_of_date
from regulars.messaging.labels import reason_label
from regulars.messaging.models import Delivery
from regulars.planner.models import Action
from regulars.planner.rules import BY_CODE
from regulars.shop.models import Business, Consent, Merge
from regulars.shop.queries import StoryEntry
from regulars.shop.rules import NO_YEAR, label_of
from regulars.shop.story import kinds

Told = dict[str, Any]
# Common events of the E-commerce specification; others are told by their own names.
_EVENTS: dict[str, str | Promise] = {
    "Page Viewed": _("Looked at a page"),
    "Screen Viewed": _("Looked at a screen"),
    "Product Viewed": _("Looked at a product"),
    "Product List Viewed": _("Looked at a list of products"),
    "Products Searched": _("Searched"),
    "Product Added": _("Put into the cart"),
    "Product Removed": _("Took out of the cart"),
    "Product Added to Wishlist": _("Put on the wish list"),
    "Cart Viewed": _("Looked at the cart"),
    "Checkout Started": _("Began to pay"),
    "Order Completed": _("Placed an order"),
    "Order Updated": _("Changed an order"),
    "Order Cancelled": _("Cancelled an order"),
    "Order Refunded": _("Got money back"),
    "Ticket Opened": _("Asked the service"),
    "Survey Answered": _("Answered a survey"),
    "Coupon Redeemed": _("Used a coupon"),
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an entry says. Orders and refunds say it in their own templates."""

    title: str
    text: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Item:
    """An entry of a story as its page shows it."""

    entry: StoryEntry
    icon: str
    said: Said


def items(entries: list[StoryEntry], *, business: Business) -> list[Item]:
    """Return entries in words."""
    icons = {kind.key: kind.icon for kind in kinds()}
    return [
        Item(
            entry=entry,
            icon=icons[entry.kind],
            said=_WORDS[entry.kind](entry.told, business),
        )
        for entry in entries
    ]


def event_name(name: str) -> str:
    """Return what an event is called."""
    return str(_EVENTS.get(name, name))


def source_name(source: str) -> str:
    """Return who told something, in words: `import 12`, `staff`, `alias`, or the code of a source."""
    known = {
        "staff": gettext("a member of staff"),
        "rule": gettext("a rule"),
        "api": gettext("a program"),
        "preferences": gettext("the customer"),
        "questionnaire": gettext("the customer"),
        "preference page": gettext("the customer's own page"),
        "double opt-in": gettext("the mail that asks once more"),
        "unsubscribe link": gettext("the link to unsubscribe"),
        "unsubscribe undone": gettext("unsubscribing, taken back"),
        "privacy log": gettext("the log outside the database"),
    }
    if source.startswith("import "):
        return gettext("file %(number)s") % {"number": source.removeprefix("import ")}
    return known.get(source, source)


def value_words(value: object, *, kind: str, currency: str) -> str:
    """Write a value of a typed attribute."""
    if isinstance(value, list):
        return gettext(", ").join(str(one) for one in value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if kind in ("money", "number"):
        number = Decimal(str(value))
        return formats.money(int(number), currency) if kind == "money" else f"{number.normalize():f}"
    if kind in ("date", "yearly"):
        return _day_words(value if isinstance(value, date) else date.fromisoformat(str(value)))
    return str(value)


def _day_words(day: date) -> str:
    if day.year == NO_YEAR:
        return date_format(day, gettext("j F"))
    return formats.day(day_of_date(day))


def _order(told: Told, _business: Business) -> Said:
    url = reverse("console:company", args=[told["account_id"]]) if told.get("account_id") else ""
    return Said(title="", text=told.get("account") or "", url=url)


def _refund(_told: Told, _business: Business) -> Said:
    return Said(title="")


def _behaviour(told: Told, _business: Business) -> Said:
    properties = told.get("properties") or {}
    about = (
        told.get("product")
        or properties.get("title")
        or properties.get("name")
        or properties.get("query")
        or told.get("order_code")
        or ""
    )
    where = told.get("url") or ""
    return Said(
        title=formats.labelled(event_name(told["name"]), about) if about else event_name(told["name"]),
        text=" · ".join(part for part in (where, told.get("source") or "") if part),
    )


def _service(told: Told, _business: Business) -> Said:
    properties = told.get("properties") or {}
    parts = (
        properties.get("type"),
        properties.get("status"),
        told.get("order_code"),
        properties.get("ticket_id"),
    )
    subject = properties.get("subject") or ""
    title = gettext("Asked the service")
    return Said(
        title=formats.labelled(title, subject) if subject else title,
        text=" · ".join(str(part) for part in parts if part),
    )


def _answer(told: Told, _business: Business) -> Said:
    properties = told.get("properties") or {}
    parts = (properties.get("question"), properties.get("answer") or properties.get("comment"))
    score = properties.get("score")
    title = gettext("Answered a survey")
    return Said(
        title=formats.labelled(title, score) if score is not None else title,
        text=" · ".join(str(part) for part in parts if part),
    )


def _coupon(told: Told, business: Business) -> Said:
    if "what" in told:
        return _offered(told, business)
    properties = told.get("properties") or {}
    code = properties.get("coupon") or properties.get("coupon_code") or properties.get("code") or ""
    title = gettext("Used a coupon")
    return Said(title=formats.labelled(title, code) if code else title, text=told.get("order_code") or "")


def _offered(told: Told, business: Business) -> Said:
    titles = {
        "given": gettext("Was given the code %(code)s"),
        "reserved": gettext("Typed in the code %(code)s"),
        "redeemed": gettext("Used the code %(code)s"),
        "beyond": gettext("Used the code %(code)s beyond its limits"),
        "released": gettext("Gave the code %(code)s back"),
    }
    off = formats.money(told["off_minor"], business.currency) if told.get("off_minor") else ""
    parts = (told["offer"], told.get("order_code"), off)
    return Said(
        title=titles[told["what"]] % told,
        text=" · ".join(part for part in parts if part),
        url=reverse("console:offer", args=[told["offer_id"]]),
    )


def _consent(told: Told, _business: Business) -> Said:
    state = Consent.State(told["state"]).label
    parts = (told.get("address"), source_name(told.get("source") or ""), told.get("wording"))
    return Said(
        title=gettext("%(channel)s, %(purpose)s: %(state)s")
        % {
            "channel": Consent.Channel(told["channel"]).label,
            "purpose": Consent.Purpose(told["purpose"]).label,
            "state": state,
        },
        text=" · ".join(part for part in parts if part),
    )


def _tag(told: Told, _business: Business) -> Said:
    words = gettext("Tagged “%(tag)s”") if told["is_put"] else gettext("Tag “%(tag)s” taken off")
    return Said(
        title=words % {"tag": told["name"]}, text=told.get("by") or source_name(told.get("source") or "")
    )


def _attribute(told: Told, business: Business) -> Said:
    label = label_of(told["label"], told.get("label_zh") or "")
    value = value_words(told["value"], kind=told["type"], currency=business.currency)
    return Said(title=formats.labelled(label, value), text=source_name(told.get("source") or ""))


def _account(told: Told, _business: Business) -> Said:
    return Said(
        title=gettext("Acts for %(account)s") % {"account": told["account"]},
        text=told.get("role") or "",
        url=reverse("console:company", args=[told["account_id"]]),
    )


def _merge(told: Told, _business: Business) -> Said:
    words = gettext("%(absorbed)s became part of %(kept)s")
    if told.get("undone_at"):
        words = gettext("%(absorbed)s was part of %(kept)s for a while; taken apart again")
    parts = (str(Merge.Evidence(told["evidence"]).label), told.get("detail"), told.get("by"))
    return Said(
        title=words % {"absorbed": told["absorbed"], "kept": told["kept"]},
        text=" · ".join(part for part in parts if part),
    )


def _label(told: Told, _business: Business) -> Said:
    words = {"tier": labels.tier, "stage": labels.stage, "cell": labels.cell}[told["label"]]
    none = gettext("no label")
    return Said(
        title=gettext("%(before)s → %(after)s")
        % {"before": words(told["before"]) or none, "after": words(told["after"]) or none},
        text={"tier": gettext("Tier"), "stage": gettext("Stage"), "cell": gettext("RFM cell")}[told["label"]],
    )


def _action(told: Told, _business: Business) -> Said:
    playbook = BY_CODE.get(told["playbook"])
    name = str(playbook.name) if playbook else told["playbook"]
    parts = (
        str(Action.State(told["state"]).label),
        *labels.interaction(told.get("came_of_it"), told.get("reason")),
        told.get("by"),
        told.get("note"),
    )
    return Said(title=name, text=" · ".join(part for part in parts if part))


def _import(told: Told, _business: Business) -> Said:
    return Said(
        title=gettext("Came into the record with a file"),
        text=told["file"],
        url=reverse("console:data-import", args=[told["import_id"]]),
    )


def _message(told: Told, business: Business) -> Said:
    state = str(dict(Delivery.State.choices)[told["state"]])
    parts = [told["channel"], state]
    if told["reason"] and told["state"] not in Delivery.REACHED:
        parts.append(reason_label(told["reason"]))
    due_at = parse_datetime(told["due_at"] or "")
    if due_at is not None and due_at > timezone.now():
        until = gettext("until %(moment)s") if told["reason"] else gettext("goes at %(moment)s")
        parts.append(until % {"moment": formats.moment(due_at, business.time_zone)})
    if told["was_uncertain"]:
        parts.append(gettext("may be there twice"))
    if told["instead_of"]:
        parts.append(gettext("because %(channel)s was refused") % {"channel": told["instead_of"]})
    return Said(
        title=told["send"], text=" · ".join(parts), url=reverse("console:send", args=[told["send_id"]])
    )


_WORDS: dict[str, Callable[[Told, Business], Said]] = {
    "order": _order,
    "refund": _refund,
    "behaviour": _behaviour,
    "service": _service,
    "answer": _answer,
    "coupon": _coupon,
    "consent": _consent,
    "tag": _tag,
    "attribute": _attribute,
    "account": _account,
    "merge": _merge,
    "label": _label,
    "action": _action,
    "import": _import,
    "message": _message,
}
