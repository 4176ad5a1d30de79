"""The template parts of the console. docs/developer/pages.md shows each of them."""

import functools
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import cast
from urllib.parse import urlencode

from django import forms, template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BoundField
from django.template.context import Context, RequestContext
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from regulars.console import labels
from regulars.console.assets import asset_url
from regulars.console.components import Chart, Chip, Entry, Figure, How, Pager, Words
from regulars.console.exports import menu
from regulars.insights import formats
from regulars.kernel.days import date_of_day, day_of_date
from regulars.kernel.money import minor_unit_exponent
from regulars.shop.wording import said

register = template.Library()
register.simple_tag(formats.colon)

_WIDGET_CLASSES: dict[type[forms.Widget], str] = {
    forms.CheckboxInput: "form-check-input",
    forms.Select: "form-select",
    forms.SelectMultiple: "form-select",
}


@register.simple_tag
def asset(name: str) -> str:
    """Write the address of a bundled file: `{% asset "console.js" %}`."""
    return asset_url(name)


@register.simple_tag
@functools.cache
def icon(name: str, classes: str = "") -> SafeString:
    """Draw an icon of frontend/icons.json. It says nothing to a screen reader: the words beside it do."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        classes,
        asset_url("icons.svg"),
        name,
    )


# Numbers


@register.simple_tag(takes_context=True)
def money(context: Context, amount_minor: int | None, currency: str = "") -> str:
    """Write an exact amount in the shop's currency: `{% money profile.monetary_minor %}`."""
    if amount_minor is None:
        return "–"
    return formats.money(amount_minor, currency or context["business"].currency)


@register.simple_tag(takes_context=True)
def unit_cost(context: Context, amount_minor: Decimal) -> str:
    """Write what one thing costs, with the fractions of a penny that it has: `{% unit_cost channel.cost_minor %}`."""
    return formats.unit_cost(amount_minor, context["business"].currency)


@register.simple_tag(takes_context=True)
def money_rounded(context: Context, amount_minor: int | None, currency: str = "") -> str:
    """Write an amount short, exact on hover."""
    if amount_minor is None:
        return "–"
    chosen = currency or context["business"].currency
    return format_html(
        '<data value="{}" title="{}">{}</data>',
        amount_minor,
        formats.money(amount_minor, chosen),
        formats.money_rounded(amount_minor, chosen),
    )


register.filter("said", said)


@register.filter
def spoken(code: str) -> str:
    """Write a language by its own name, where it is one of ours."""
    return dict(settings.LANGUAGES).get(code, code)


@register.filter
def count(value: int | None) -> str:
    """Write a whole number with its thousands apart."""
    return "–" if value is None else formats.count(value)


@register.filter
def count_rounded(value: int | None) -> str:
    """Write a large count short, exact on hover."""
    if value is None:
        return "–"
    return format_html(
        '<data value="{}" title="{}">{}</data>', value, formats.count(value), formats.count_rounded(value)
    )


@register.filter
def percent(share: float | None) -> str:
    """Write a share of one with one decimal: 65.6%."""
    return "–" if share is None else formats.percent(share)


@register.filter
def decimal(value: float | None, places: int = 1) -> str:
    """Write a number with a fixed number of decimals."""
    return "–" if value is None else formats.decimal(value, places)


@register.filter
def signed(value: float, places: int = 0) -> str:
    """Write a change with its sign: +12, −3."""
    return formats.signed(value, places)


@register.filter
def day(value: int | date | None) -> str:
    """Write a day, or its number, as a date."""
    if value is None:
        return "–"
    if isinstance(value, date):
        value = day_of_date(value)
    return format_html('<time datetime="{}">{}</time>', date_of_day(value).isoformat(), formats.day(value))


@register.simple_tag(takes_context=True)
def moment(context: Context, value: datetime | None) -> str:
    """Write an instant on the merchant's clock."""
    if value is None:
        return "–"
    zone = context["business"].time_zone
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formats.moment(value, zone))


@register.filter
def cell_of(row: Mapping[str, object], name: str) -> object:
    """Look up a cell of a row by its column's name."""
    return row.get(name) or ""


# Labels of a customer


@register.inclusion_tag("console/components/tier.html")
def tier_badge(tier: str) -> dict[str, object]:
    """Show a tier by colour, shape and word."""
    return {"tier": tier, "label": labels.tier(tier), "icon": f"tier-{tier}"}


@register.inclusion_tag("console/components/stage.html")
def stage_badge(stage: str) -> dict[str, object]:
    """Show a stage of the life cycle."""
    return {"stage": stage, "label": labels.stage(stage), "steps": labels.stage_steps(stage)}


@register.inclusion_tag("console/components/cell.html")
def cell_badge(cell: str) -> dict[str, object]:
    """Show an RFM cell: its letters, and its name."""
    return {"cell": cell, "label": labels.cell(cell), "letters": [(c.upper(), c.isupper()) for c in cell]}


# Parts of a page


@register.inclusion_tag("console/components/exports.html", takes_context=True)
def list_exports(context: Context, name: str, query: str = "", **filters: int | str) -> dict[str, object]:
    """Offer a list of `console.exports` as a file, to whom may take it away: `{% list_exports "tags" %}`.

    Filters are the page's query, or named: `{% list_exports "arrivals" source=source.pk %}`.
    """
    told = menu(name, context["capabilities"], query or urlencode(filters))
    return {"exports": told, "key": f"export-{name}"}


@register.simple_block_tag(takes_context=True)
def page_header(  # noqa: PLR0913  one argument a part
    context: Context,
    content: str,
    title: Words,
    *,
    subtitle: Words = "",
    back_url: str = "",
    back_label: Words = "",
) -> str:
    """Head a page: title, one line beneath, actions on the right (the block's content)."""
    return _render(
        context,
        "console/components/page_header.html",
        {
            "title": title,
            "subtitle": subtitle,
            "back_url": back_url,
            "back_label": back_label,
            "actions": SafeString(content.strip()),
        },
    )


@register.simple_block_tag(takes_context=True)
def card(context: Context, content: str, title: Words = "", key: str = "") -> str:
    """Frame a part of a page under its title."""
    return _render(context, "console/components/card.html", {"title": title, "content": content, "key": key})


@register.inclusion_tag("console/components/figure.html")
def figure_card(figure: Figure) -> dict[str, object]:
    """Show one figure with its change and its definition."""
    return {"figure": figure}


@register.inclusion_tag("console/components/how.html")
def how(key: str, title: Words, how: How) -> dict[str, object]:
    """Offer the definition of a figure: a small button and what it opens. `key` is unique on the page."""
    return {"key": key, "title": title, "how": how}


@register.inclusion_tag("console/components/chart.html")
def chart(chart: Chart) -> dict[str, object]:
    """Show a chart with its title, definition, data as CSV and as a table."""
    spec = {
        "option": chart.option,
        "narrow": chart.narrow,
        "currency": chart.currency,
        "exponent": minor_unit_exponent(chart.currency) if chart.currency else 0,
        "summary": str(chart.summary),
    }
    # An attribute, because htmx takes script elements out of what it swaps in.
    return {
        "chart": chart,
        "spec": json.dumps(spec, cls=DjangoJSONEncoder, ensure_ascii=False),
        "spec_id": f"chart-{chart.key}",
    }


@register.inclusion_tag("console/components/timeline.html")
def timeline(entries: list[Entry]) -> dict[str, object]:
    """Tell what happened, newest first."""
    return {"entries": entries}


@register.simple_block_tag(takes_context=True)
def empty_state(context: Context, content: str, title: Words, icon: str = "empty", text: Words = "") -> str:
    """Say why a place is empty and teach the next step (the block's content: a button)."""
    return _render(
        context,
        "console/components/empty.html",
        {"title": title, "icon": icon, "text": text, "action": SafeString(content.strip())},
    )


@register.inclusion_tag("console/components/progress.html")
def progress(  # noqa: PLR0913  one argument a part
    *, key: str, title: Words, stage: Words = "", done: int = 0, total: int | None = None, poll_url: str = ""
) -> dict[str, object]:
    """Show how far long work has come; asks `poll_url` for itself every two seconds while that is given."""
    return {
        "key": key,
        "title": title,
        "stage": stage,
        "done": done,
        "total": total,
        "share": done / total if total else None,
        "poll_url": poll_url,
    }


@register.simple_block_tag(takes_context=True)
def confirm(  # noqa: PLR0913  one argument a part
    context: Context,
    content: str,
    *,
    key: str,
    title: Words,
    action: str,
    button: Words,
    name: str = "",
    danger: bool = True,
) -> str:
    """Ask before an action. A button with data-dialog="<key>" opens it; `name` must be typed when given."""
    return _render(
        context,
        "console/components/confirm.html",
        {
            "key": key,
            "title": title,
            "action": action,
            "button": button,
            "name": name,
            "danger": danger,
            "content": content,
        },
    )


@register.inclusion_tag("console/components/field.html")
def field(bound: BoundField, unit: Words = "") -> dict[str, object]:
    """Show a form field with its label, help and errors."""
    widget = bound.field.widget
    kind = "input"
    if isinstance(widget, forms.HiddenInput):
        kind = "hidden"
    elif isinstance(widget, forms.CheckboxSelectMultiple | forms.RadioSelect):
        kind = "choices"
    elif isinstance(widget, forms.CheckboxInput):
        kind = "checkbox"
    attrs: dict[str, str | bool] = {"class": _WIDGET_CLASSES.get(type(widget), "form-control")}
    if kind == "hidden":
        attrs = {}
    elif kind == "choices":
        return {"field": bound, "kind": kind, "choices": _choices(bound)}
    # Labels stand above fields; a placeholder that repeats one only looks like a filled field.
    widget.attrs.pop("placeholder", None)
    if bound.errors:
        attrs["aria-describedby"] = f"{bound.auto_id}_error"
    return {"field": bound, "unit": unit, "kind": kind, "widget": bound.as_widget(attrs=attrs)}


def _choices(bound: BoundField) -> SafeString:
    """Write the boxes of a field. Django has three templates for each of them, and a list's filters forty."""
    widget = cast("forms.CheckboxSelectMultiple | forms.RadioSelect", bound.field.widget)
    chosen = (
        {str(value) for value in bound.value() or ()}
        if widget.allow_multiple_selected
        else {str(bound.value())}
    )
    return format_html_join(
        "",
        '<label class="choice" for="{0}_{1}">'
        '<input class="form-check-input" type="{2}" name="{3}" value="{4}" id="{0}_{1}"{5}><span>{6}</span></label>',
        (
            (
                bound.auto_id,
                number,
                widget.input_type,
                bound.html_name,
                value,
                _CHECKED if str(value) in chosen else "",
                label,
            )
            for number, (value, label) in enumerate(widget.choices)
        ),
    )


_CHECKED = SafeString(" checked")


@register.inclusion_tag("console/components/form_errors.html")
def form_errors(form: object) -> dict[str, object]:
    """Show what is wrong with a form as a whole."""
    return {"form": form}


# Lists


@register.inclusion_tag("console/components/sort_header.html", takes_context=True)
def sort_header(
    context: RequestContext,
    key: str,
    label: Words,
    *,
    numeric: bool = False,
    default: str = "",
) -> dict[str, object]:
    """Head a sortable column. The address carries ?sort=key or ?sort=-key; `default` is the list's own order."""
    request = context.request
    current = request.GET.get("sort", default)
    # Numbers are wanted largest first, words from A to Z.
    first, second = (f"-{key}", key) if numeric else (key, f"-{key}")
    target = second if current == first else first
    query = request.GET.copy()
    query["sort"] = target
    for cursor in ("after", "before"):
        query.pop(cursor, None)
    state = {key: "ascending", f"-{key}": "descending"}.get(current, "")
    return {"label": label, "numeric": numeric, "state": state, "url": f"?{query.urlencode()}"}


@register.inclusion_tag("console/components/chips.html")
def chips(chips: list[Chip], clear_url: str = "") -> dict[str, object]:
    """Show the filters in force, each with a cross."""
    return {"chips": chips, "clear_url": clear_url}


@register.inclusion_tag("console/components/pager.html")
def pager(pager: Pager) -> dict[str, object]:
    """Go on to the next page of a list, or back."""
    return {"pager": pager}


# The frame


@register.inclusion_tag("console/components/as_of.html")
def as_of_banner() -> dict[str, object]:
    """Say that figures are as of a chosen day rather than today."""
    return {"day": labels.fixed_as_of_day()}


def _render(context: Context, name: str, values: Mapping[str, object]) -> str:
    return render_to_string(name, {**_plain(context), **values})


def _plain(context: Context) -> dict[str, object]:
    return {str(key): value for key, value in context.flatten().items()}
