"""The review as a document of sections and tables, in the reader's language: what the page, the PDF and the workbook are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from regulars.insights.formats import (
    count,
    day,
    decimal,
    money,
    money_rounded,
    month,
    percent,
    signed,
)
from regulars.insights.models import Profile
from regulars.kernel.days import date_of_day, day_of_date
from regulars.kernel.money import from_minor
from regulars.reports.advice import advice
from regulars.reports.definitions import DEFINITIONS
from regulars.reports.review import MonthFigures, Review, Tried
from regulars.shop.queries import business

Kind = Literal["text", "count", "money", "share", "number"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell: as it is read, and the number behind it for spreadsheets. `shade` from 0 to 1 colours it."""

    text: str
    value: float | Decimal | None = None
    kind: Kind = "text"
    shade: float | None = None

    @property
    def heat(self) -> int | None:
        """Its place on a scale of six colours."""
        return None if self.shade is None else min(5, int(self.shade * 6))


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: the first column names the row. `widths` are shares of the page, `small` writes it smaller."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[float]
    small: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section: its title, what is said before its table, the table, and what is said after it in small print."""

    key: str
    title: str
    paragraphs: Sequence[str] = ()
    points: Sequence[str] = ()
    grid: Grid | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Document:
    """The whole review. `headline` says the month in a sentence."""

    title: str
    subtitle: str
    headline: str
    sections: Sequence[Section]


def document(found: Review) -> Document:
    """Return a month's review in the language that is in force."""
    name = month(found.start_day)
    known = (
        ""
        if found.is_complete
        else _("The month is not over: figures up to %(day)s.") % {"day": day(found.known_until_day)}
    )
    return Document(
        title=_("Review of %(month)s") % {"month": name},
        subtitle=" · ".join(part for part in (business().name, known) if part),
        headline=_headline(found),
        sections=[
            Section(key="advice", title=_("What to change"), points=advice(found)),
            _figures(found),
            _tried(found),
            *(
                _moves(found, label, title)
                for label, title in (
                    ("tier", _("Who moved between tiers")),
                    ("stage", _("Who moved between stages of life")),
                )
                if label in found.moves
            ),
            _cohorts(found),
        ],
    )  # fmt: skip


def _headline(found: Review) -> str:
    now = found.now
    said = {
        "customers": ngettext("%(count)s customer", "%(count)s customers", now.customers)
        % {"count": count(now.customers)},
        "orders": ngettext("%(count)s order", "%(count)s orders", now.orders) % {"count": count(now.orders)},
        "revenue": money_rounded(now.revenue_minor, found.currency),
    }
    text = _("%(customers)s placed %(orders)s worth %(revenue)s") % said
    if found.before is None or not found.before.revenue_minor:
        return _("%(text)s.") % {"text": text}
    moved = now.revenue_minor / found.before.revenue_minor - 1
    return _("%(text)s, %(change)s%% against the month before.") % {
        "text": text,
        "change": signed(moved * 100),
    }


def _figures(found: Review) -> Section:
    keys = (
        "customers", "new_customers", "orders", "revenue_minor", "average_order_minor", "repurchase_rate", "repeat_revenue_share",
    )  # fmt: skip
    rows, notes = [], []
    for key in keys:
        definition = DEFINITIONS[key]
        value, former = _value(found.now, key), None if found.before is None else _value(found.before, key)
        cells = [
            Cell(text=str(definition.name)),
            *(_figure(one, key, found.currency) for one in (value, former)),
        ]
        rows.append(
            [
                *cells,
                _moved(value, former, is_share=definition.unit == "share"),
                Cell(text=_interval(found, key)),
            ]
        )
        notes.append(f"{definition.name}: {definition.meaning}")
    if found.repurchase_change is not None:
        moved = found.repurchase_change
        notes.append(
            _("The repurchase rate moved by %(low)s to %(high)s points, with 95%%.")
            % {"low": signed(moved.low * 100), "high": signed(moved.high * 100)}
        )
    return Section(
        key="figures",
        title=_("The month in figures"),
        grid=Grid(
            head=[_("Figure"), month(found.start_day), _("The month before"), _("Moved by"), _("95-percent interval")],
            rows=rows,
            widths=[0.30, 0.18, 0.18, 0.16, 0.18],
        ),
        notes=notes,
    )  # fmt: skip


def _value(figures: MonthFigures, key: str) -> float | int | None:
    if key == "repurchase_rate":
        return figures.repurchase.value
    value: float | int | None = getattr(figures, key)
    return value


def _figure(value: float | None, key: str, currency: str) -> Cell:
    unit = DEFINITIONS[key].unit
    if value is None:
        return Cell(text="–")
    if unit == "money":
        return _money(round(value), currency)
    if unit == "share":
        return Cell(text=percent(value), value=value, kind="share")
    return Cell(text=count(int(value)), value=int(value), kind="count")


def _money(minor: int, currency: str) -> Cell:
    return Cell(text=money(minor, currency), value=from_minor(minor, currency), kind="money")


def _moved(value: float | None, former: float | None, *, is_share: bool) -> Cell:
    if value is None or not former:
        return Cell(text="–")
    if is_share:
        points = (value - former) * 100
        return Cell(text=_("%(number)s points") % {"number": signed(points)}, value=points, kind="number")
    moved = value / former - 1
    return Cell(text=f"{signed(moved * 100)}%", value=moved, kind="share")


def _interval(found: Review, key: str) -> str:
    told = found.now.repurchase
    if key != "repurchase_rate" or told.low is None or told.high is None:
        return ""
    return _("%(low)s to %(high)s") % {"low": percent(told.low), "high": percent(told.high)}


def _tried(found: Review) -> Section:
    title = _("What was tried, what it cost and what it earned")
    if not found.tried:
        return Section(
            key="tried", title=title,
            paragraphs=[_("Nothing ran in this month that kept a hold-out, so nothing can be said of what it earned.")],
        )  # fmt: skip
    head = [
        _("What ran"),
        _("Customers"),
        _("Sales after a message"),
        _("Sales because of it"),
        _("Margin because of it"),
        _("Cost of sending"),
        _("Earned"),
    ]
    rows = [_row(one, found.currency) for one in found.tried]
    return Section(
        key="tried",
        title=title,
        grid=Grid(head=head, rows=rows, widths=[0.24, 0.10, 0.12, 0.16, 0.16, 0.09, 0.13], small=True),
        notes=[
            _("Against those who were held out, for all customers who were to get it, with the interval in which the truth lies in 95 of 100 cases; offers are taken off the margin. Orders after a message that would have come anyway are not in it; “sales after a message” counts them too."),
            _("Of journeys the month is told, of all advertising the quarter, of campaigns and experiments all of it up to now."),
        ],
    )  # fmt: skip


def _row(one: Tried, currency: str) -> list[Cell]:
    cost = one.cost_minor
    earned = Cell(text="–")
    if one.margin_minor is not None and one.is_split_as_planned:
        less = cost or 0
        earned = Cell(
            text=_range(one.margin_minor.total_low - less, one.margin_minor.total_high - less, currency),
            value=from_minor(round(one.margin_minor.total - less), currency),
            kind="money",
        )
    effects = [
        Cell(text=_("not enough customers"))
        if effect is None or not one.is_split_as_planned
        else Cell(
            text=_range(effect.total_low, effect.total_high, currency),
            value=from_minor(round(effect.total), currency),
            kind="money",
        )
        for effect in (one.revenue_minor, one.margin_minor)
    ]
    return [
        Cell(text=f"{one.name} ({one.kind})"),
        Cell(text=count(one.units), value=one.units, kind="count"),
        Cell(text="–") if one.attributed_minor is None else _money(one.attributed_minor, currency),
        *effects,
        Cell(text="–") if cost is None else _money(cost, currency),
        earned,
    ]


def _range(low: float, high: float, currency: str) -> str:
    return _("%(low)s to %(high)s") % {
        "low": money_rounded(round(low), currency),
        "high": money_rounded(round(high), currency),
    }


def _moves(found: Review, label: str, title: str) -> Section:
    table = found.moves[label]
    # Who had no label yet, a tier before the first order say, is new.
    names = [name for name in _ORDER[label] if name in {*table["before"], *table["after"]}]
    counted = {(before, after): many for before, after, many in table.iter_rows()}
    from_new = sum(many for (before, _after), many in counted.items() if before == "")
    befores = [*([""] if from_new else []), *names]
    rows = []
    for before in befores:
        total = sum(many for (of, after), many in counted.items() if of == before and after)
        if not total:
            continue
        cells = [Cell(text=_("Not a customer yet") if before == "" else _label(label, before))]
        for after in names:
            many = counted.get((before, after), 0)
            cells.append(Cell(text=count(many), value=many, kind="count", shade=many / total))
        rows.append(cells)
    stayed = sum(many for (before, after), many in counted.items() if before == after and before)
    moved = sum(many for (before, after), many in counted.items() if before != after and before and after)
    return Section(
        key=label,
        title=title,
        paragraphs=[
            ngettext(
                "%(stayed)s customer stayed where they were, %(moved)s moved.",
                "%(stayed)s customers stayed where they were, %(moved)s moved.",
                stayed,
            )
            % {"stayed": count(stayed), "moved": count(moved)}
        ],
        grid=Grid(
            head=[_("From (down), to (across)"), *(_label(label, name) for name in names)],
            rows=rows,
            widths=[0.24, *([0.76 / max(len(names), 1)] * len(names))],
            small=len(names) > 5,  # noqa: PLR2004  the columns of a page
        ),
    )  # fmt: skip


_ORDER = {
    "tier": ("VIP", "potential", "general", "at_risk"),
    "stage": ("prospect", "new", "growing", "mature", "declining", "lapsed_short", "lapsed_long"),
}


def _label(label: str, value: str) -> str:
    names = Profile.Tier if label == "tier" else Profile.Stage
    return str(names(value).label)


def _cohorts(found: Review) -> Section:
    rows, most = [], 0
    for cohort in found.cohorts["cohort"].unique().sort():
        some = found.cohorts.filter(found.cohorts["cohort"] == cohort).sort("months_since")
        first = date_of_day(0).replace(year=cohort // 100, month=cohort % 100, day=1)
        size = int(some["customers"][0])
        cells = [Cell(text=month(day_of_date(first))), Cell(text=count(size), value=size, kind="count")]
        for since, kept, complete in some.select("months_since", "retention", "complete").iter_rows():
            if since == 0:
                continue
            text = decimal(kept * 100, 0) if complete else f"{decimal(kept * 100, 0)}*"
            cells.append(Cell(text=text, value=kept, kind="share", shade=min(1.0, kept * 2)))
        most = max(most, len(cells))
        rows.append(cells)
    padded = [[*cells, *([Cell(text="")] * (most - len(cells)))] for cells in rows]
    later = max(most - 2, 0)
    return Section(
        key="cohorts",
        title=_("Who comes back, by the month of the first order"),
        grid=Grid(
            head=[_("Month of the first order"), _("Customers"), *(f"+{number}" for number in range(1, later + 1))],
            rows=padded,
            widths=[0.16, 0.12, *([0.72 / max(later, 1)] * later)],
            small=True,
        ),
        notes=[
            _("Percent of the customers of a month who bought again so many months later. A month with * is not over."),
        ],
    )  # fmt: skip
