"""The parts of pages about customers: one cell of the list, what an address keeps, how a due day reads."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

from django import template
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from regulars.console import story as stories
from regulars.console.actions import ActionList
from regulars.console.customer_filters import COLUMNS, DUE, Column, CustomerList
from regulars.console.templatetags.console import cell_badge, stage_badge, tier_badge
from regulars.insights import formats
from regulars.insights.queries import CustomerRow, position_of
from regulars.planner.models import Action
from regulars.shop.models import Order

register = template.Library()
register.filter("told_by", stories.source_name)


@register.simple_tag
def kept_choices(chosen: CustomerList, *changed: str) -> SafeString:
    """Write hidden fields for every choice of the list but those that this form changes."""
    fields = [
        (name, text)
        for name, value in chosen.chosen.items()
        if name not in changed
        for text in (value if isinstance(value, list) else [value])
    ]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', fields)


@register.simple_tag(takes_context=True)
def customer_cells(context: Context, row: CustomerRow, columns: Sequence[Column]) -> SafeString:
    """Write a customer's cells: in Python, because a page has four hundred of them."""
    as_of_day, currency, language = context["as_of_day"], context["business"].currency, get_language() or ""
    own: Mapping[tuple[int, str], str] = context["own"]
    cells = [
        f"{_opening(column.key, language)}{conditional_escape(_CELLS[column.key](row, as_of_day, currency))}</td>"
        if column.key in _CELLS
        else format_html(
            '<td data-label="{}"{}>{}</td>',
            column.label,
            SafeString(' class="number"' if column.is_number else ""),
            own.get((row.customer_id, column.key), _NONE),
        )
        for column in columns
    ]
    return SafeString("".join(cells))


@lru_cache(maxsize=64)
def _opening(key: str, _language: str) -> SafeString:
    column = next(column for column in COLUMNS if column.key == key)
    kind = "number" if column.is_number else "badge-cell" if column.is_badge else ""
    return format_html('<td data-label="{}"{}>', column.label, SafeString(f' class="{kind}"' if kind else ""))


def _tier(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return _badge("tier", row.tier or "", get_language() or "")


def _stage(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return _badge("stage", row.stage or "", get_language() or "")


def _cell(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return _badge("cell", row.cell or "", get_language() or "")


@lru_cache(maxsize=256)
def _badge(kind: str, value: str, _language: str) -> SafeString:
    """Return a badge, rendered once: a page of a list has fifty times three of them."""
    shown = {"tier": tier_badge, "stage": stage_badge, "cell": cell_badge}[kind](value)
    return SafeString(render_to_string(f"console/components/{kind}.html", shown).strip())


def _scores(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    if row.r is None:
        return _NONE
    parts = ((letter, value) for letter, value in zip("RFM", (row.r, row.f, row.m), strict=True))
    return format_html(
        '<span class="scores">{}</span>', format_html_join("", "<span>{}<b>{}</b></span>", parts)
    )


def _country(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return row.country or _NONE


def _orders(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return _NONE if row.orders is None else formats.count(row.orders)


def _spent(row: CustomerRow, _as_of_day: int, currency: str) -> str:
    return _NONE if row.monetary_minor is None else formats.money(row.monetary_minor, currency)


def _average(row: CustomerRow, _as_of_day: int, currency: str) -> str:
    if not row.frequency or row.monetary_minor is None:
        return _NONE
    return formats.money(round(row.monetary_minor / row.frequency), currency)


def _first(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return _NONE if row.first_day is None else formats.day(row.first_day)


def _last(row: CustomerRow, as_of_day: int, _currency: str) -> str:
    if row.last_day is None:
        return _NONE
    return _two_lines(formats.day(row.last_day), days_ago(as_of_day - row.last_day))


def _cycle(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return days_long(row.cycle_days)


def _due(row: CustomerRow, as_of_day: int, _currency: str) -> str:
    position = position_of(due_day=row.due_day, late_day=row.late_day, as_of_day=as_of_day)
    if row.due_day is None:
        return _NONE
    return _two_lines(formats.day(row.due_day), str(_POSITIONS[position]), position)


_POSITIONS = dict(DUE)


def _two_lines(first: str, second: str, state: str = "") -> SafeString:
    return format_html('{}<span class="beneath {}">{}</span>', first, state, second)


def _clv(row: CustomerRow, _as_of_day: int, currency: str) -> str:
    return _NONE if row.clv_minor is None else formats.money(row.clv_minor, currency)


def _alive(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return _NONE if row.p_alive is None else formats.percent(row.p_alive)


def _churn(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return _NONE if row.churn_probability is None else formats.percent(row.churn_probability)


def _next(row: CustomerRow, as_of_day: int, _currency: str) -> str:
    if row.next_day is None or row.next_from_day is None or row.next_until_day is None:
        return _NONE
    first = gettext("any day now") if row.next_day <= as_of_day else formats.day(row.next_day)
    return _two_lines(first, f"{formats.day(row.next_from_day)} – {formats.day(row.next_until_day)}")


def _expected(row: CustomerRow, _as_of_day: int, _currency: str) -> str:
    return _NONE if row.expected_orders is None else formats.decimal(row.expected_orders)


_NONE = SafeString('<span class="muted">–</span>')
_CELLS: dict[str, Callable[[CustomerRow, int, str], str]] = {
    "tier": _tier,
    "stage": _stage,
    "cell": _cell,
    "scores": _scores,
    "country": _country,
    "orders": _orders,
    "spent": _spent,
    "average": _average,
    "first": _first,
    "last": _last,
    "cycle": _cycle,
    "due": _due,
    "clv": _clv,
    "alive": _alive,
    "churn": _churn,
    "next": _next,
    "expected": _expected,
}


@register.simple_tag
def label_badge(kind: str, value: str | None) -> str:
    """Show a tier, stage or cell as its badge, rendered once for all lists; nothing for no label."""
    return _badge(kind, value, get_language() or "") if value else ""


@register.inclusion_tag("console/today/state_link.html")
def action_link(chosen: ActionList, label: str, *, state: str, current: str) -> dict[str, object]:
    """Link to the action list in another state."""
    # To do is what the list shows anyhow.
    asked = None if state == Action.State.OPEN else state
    return {"label": label, "query": chosen.query(state=asked), "is_current": state == current}


@register.filter
def days_ago(days: int | None) -> str:
    """Write how long ago: today, 1 day ago, 47 days ago."""
    if days is None:
        return ""
    if days == 0:
        return gettext("today")
    return ngettext("%(count)s day ago", "%(count)s days ago", days) % {"count": formats.count(days)}


@register.filter
def days_long(days: float | None) -> str:
    """Write a length of time: 21 days."""
    if days is None:
        return "–"
    whole = round(days)
    return ngettext("%(count)s day", "%(count)s days", whole) % {"count": formats.count(whole)}


@register.filter
def order_status(status: str) -> str:
    """Write the status of an order."""
    return str(Order.Status(status).label)


@register.filter
def plain_number(value: Decimal) -> str:
    """Write a quantity: 12, or 0.75 where it is not whole."""
    return formats.count(int(value)) if value == value.to_integral_value() else f"{value:f}"


@register.filter
def as_percent(share: float) -> str:
    """Write a share of one as a width in percent, for drawing."""
    return f"{share * 100:.1f}"
