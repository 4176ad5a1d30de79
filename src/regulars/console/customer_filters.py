"""The filters of the customer list: read from an address, told as chips, written into an address."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from regulars.console import labels
from regulars.console.components import Chip
from regulars.insights import formats
from regulars.insights.models import Profile, Taste
from regulars.insights.queries import Alive, Churn, CustomerFilter, Due, Sort
from regulars.kernel.days import date_of_day, day_of_date
from regulars.kernel.money import to_minor
from regulars.segments.queries import member_ids, title_of
from regulars.shop.models import AttributeDefinition
from regulars.shop.queries import Choices

DUE: tuple[tuple[Due, str | Promise], ...] = (
    ("early", _("Not yet due")),
    ("due", _("Due now")),
    ("late", _("Late")),
    ("none", _("No cycle known")),
)
FIRST: tuple[tuple[str, str | Promise], ...] = (
    ("", _("Any time")),
    ("this_month", _("This month")),
    ("last_month", _("Last month")),
    ("30", _("Last 30 days")),
    ("90", _("Last 90 days")),
    ("365", _("Last 365 days")),
)
ALIVE: tuple[tuple[Alive, str | Promise], ...] = (
    ("likely", _("80% and more")),
    ("open", _("50% to 80%")),
    ("unlikely", _("20% to 50%")),
    ("gone", _("below 20%")),
)
CHURN: tuple[tuple[Churn, str | Promise], ...] = (
    ("high", _("50% and more")),
    ("middle", _("25% to 50%")),
    ("low", _("below 25%")),
)
WITHIN: tuple[tuple[str, str | Promise], ...] = (
    ("", _("Any time")),
    ("7", _("Within 7 days")),
    ("14", _("Within 14 days")),
    ("30", _("Within 30 days")),
)
SORTS: tuple[Sort, ...] = ("spent", "last", "orders", "name", "clv", "alive", "churn", "next")
DEFAULT_SORT = "-spent"


@dataclass(frozen=True)
class Column:
    """One column that a person may choose to see."""

    key: str
    label: str | Promise
    sort: str = ""
    is_number: bool = False
    is_badge: bool = False


COLUMNS = (
    Column("tier", _("Tier"), is_badge=True),
    Column("stage", _("Stage"), is_badge=True),
    Column("cell", _("RFM group"), is_badge=True),
    Column("scores", _("R F M")),
    Column("country", _("Country")),
    Column("orders", _("Orders"), sort="orders", is_number=True),
    Column("spent", _("Spent"), sort="spent", is_number=True),
    Column("average", _("Average order"), is_number=True),
    Column("first", _("First order"), is_number=True),
    Column("last", _("Last order"), sort="last", is_number=True),
    Column("cycle", _("Purchase cycle"), is_number=True),
    Column("due", _("Next order due"), is_number=True),
    Column("clv", _("Lifetime value"), sort="clv", is_number=True),
    Column("alive", _("P(alive)"), sort="alive", is_number=True),
    Column("churn", _("Churn alert"), sort="churn", is_number=True),
    Column("next", _("Next purchase"), sort="next", is_number=True),
    Column("expected", _("Expected orders, 90 days"), is_number=True),
)
DEFAULT_COLUMNS = ("tier", "stage", "cell", "orders", "spent", "last", "due")


TAGS = "tags"
OWN = "attribute."


def own_columns(attributes: Sequence[AttributeDefinition]) -> list[Column]:
    """Return the columns that only this merchant has: tags, and their own attributes."""
    return [
        Column(TAGS, _("Tags")),
        *(
            Column(f"{OWN}{row.name}", row.shown_label, is_number=row.type in ("number", "money"))
            for row in attributes
        ),
    ]


class CustomerFilterForm(forms.Form):
    """Every choice that the list knows, as it stands in the address."""

    q = forms.CharField(label=_("Name, customer id, e-mail or phone"), max_length=200, required=False)
    tier = forms.MultipleChoiceField(
        label=_("Tier"), choices=Profile.Tier.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    stage = forms.MultipleChoiceField(
        label=_("Stage"), choices=Profile.Stage.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    cell = forms.MultipleChoiceField(
        label=_("RFM group"),
        choices=Profile.Cell.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    due = forms.MultipleChoiceField(
        label=_("Next order"), choices=DUE, required=False, widget=forms.CheckboxSelectMultiple
    )
    country = forms.MultipleChoiceField(label=_("Country"), required=False)
    first = forms.ChoiceField(label=_("First order"), choices=FIRST, required=False)
    last_from = forms.DateField(
        label=_("Last order from"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    last_to = forms.DateField(
        label=_("Last order to"), required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )
    orders_min = forms.IntegerField(label=_("Orders, at least"), min_value=0, max_value=10**9, required=False)
    orders_max = forms.IntegerField(label=_("Orders, at most"), min_value=0, max_value=10**9, required=False)
    spent_min = forms.DecimalField(
        label=_("Spent, at least"), min_value=0, max_digits=15, decimal_places=3, required=False
    )
    spent_max = forms.DecimalField(
        label=_("Spent, at most"), min_value=0, max_digits=15, decimal_places=3, required=False
    )
    alive = forms.MultipleChoiceField(
        label=_("P(alive)"), choices=ALIVE, required=False, widget=forms.CheckboxSelectMultiple
    )
    churn = forms.MultipleChoiceField(
        label=_("Churn alert"), choices=CHURN, required=False, widget=forms.CheckboxSelectMultiple
    )
    need = forms.MultipleChoiceField(
        label=_("Need"), choices=Taste.Need.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    next = forms.ChoiceField(label=_("Next purchase"), choices=WITHIN, required=False)
    product_due = forms.ChoiceField(label=_("A product runs out"), choices=WITHIN, required=False)
    segment = forms.IntegerField(label=_("Segment"), min_value=1, max_value=2**63 - 1, required=False)
    category = forms.CharField(label=_("Preferred category"), max_length=200, required=False)
    tag = forms.MultipleChoiceField(label=_("Tag"), required=False, widget=forms.CheckboxSelectMultiple)
    clv_min = forms.DecimalField(
        label=_("Lifetime value, at least"), min_value=0, max_digits=15, decimal_places=3, required=False
    )
    r = forms.IntegerField(min_value=1, max_value=5, required=False, label=_("Recency score"))
    f = forms.IntegerField(min_value=1, max_value=5, required=False, label=_("Frequency score"))
    sort = forms.ChoiceField(
        choices=[(f"{sign}{sort}", sort) for sort in SORTS for sign in ("", "-")], required=False
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: QueryDict, *, choices: Choices, columns: Sequence[Column]) -> None:
        super().__init__(data, auto_id="filter-%s")
        shown = cast("forms.MultipleChoiceField", self.fields["columns"])
        shown.choices = [(column.key, column.label) for column in columns]
        self.tag_names = {str(tag_id): name for tag_id, name in choices.tags.items()}
        cast("forms.MultipleChoiceField", self.fields["tag"]).choices = list(self.tag_names.items())
        country = cast("forms.MultipleChoiceField", self.fields["country"])
        country.choices = [(name, name) for name in choices.countries]
        country.widget.attrs["size"] = "6"


class CustomerList:
    """One list: what was asked for, and how to ask for a little more or less.

    What an address says that has no meaning is left out, and named in `misunderstood`.
    """

    def __init__(self, data: QueryDict, *, choices: Choices, as_of_day: int, currency: str) -> None:
        self.all_columns = [*COLUMNS, *own_columns(choices.attributes)]
        self.form = CustomerFilterForm(data, choices=choices, columns=self.all_columns)
        self.form.is_valid()
        self.chosen: dict[str, Any] = {
            name: value for name, value in self.form.cleaned_data.items() if value not in (None, "", [])
        }
        self.misunderstood = [
            str(self.form.fields[name].label or name) for name in self.form.errors if name in self.form.fields
        ]
        self.as_of_day = as_of_day
        self.currency = currency

    @property
    def text(self) -> str:
        return str(self.chosen.get("q", ""))

    @property
    def sort(self) -> Sort:
        return cast("Sort", self._order.removeprefix("-"))

    @property
    def descending(self) -> bool:
        return self._order.startswith("-")

    @property
    def _order(self) -> str:
        return str(self.chosen.get("sort", DEFAULT_SORT))

    @property
    def columns(self) -> list[Column]:
        shown = self.chosen.get("columns", DEFAULT_COLUMNS)
        return [column for column in self.all_columns if column.key in shown]

    @property
    def is_filtered(self) -> bool:
        return bool(self.chosen.keys() - {"sort", "columns"})

    def filter(self) -> CustomerFilter:
        """Return the filter in the record's terms; the words searched for are part of it."""
        chosen = self.chosen
        first_from, first_until = self._first_days(chosen.get("first", ""))
        return CustomerFilter(
            text=self.text,
            tiers=tuple(chosen.get("tier", ())),
            stages=tuple(chosen.get("stage", ())),
            cells=tuple(chosen.get("cell", ())),
            countries=tuple(chosen.get("country", ())),
            due=tuple(chosen.get("due", ())),
            last_from_day=_day(chosen.get("last_from")),
            # A person's "to" includes that day.
            last_until_day=_day(chosen.get("last_to"), after=1),
            first_from_day=first_from,
            first_until_day=first_until,
            orders_min=chosen.get("orders_min"),
            orders_max=chosen.get("orders_max"),
            spent_min_minor=self._minor("spent_min"),
            spent_max_minor=self._minor("spent_max"),
            r=chosen.get("r"),
            f=chosen.get("f"),
            alive=tuple(chosen.get("alive", ())),
            churn=tuple(chosen.get("churn", ())),
            needs=tuple(chosen.get("need", ())),
            next_days=int(chosen["next"]) if "next" in chosen else None,
            product_days=int(chosen["product_due"]) if "product_due" in chosen else None,
            category=str(chosen.get("category", "")),
            among=member_ids(chosen["segment"]) if "segment" in chosen else None,
            tags=tuple(int(tag) for tag in chosen.get("tag", ())),
            clv_min_minor=self._minor("clv_min"),
        )

    def _minor(self, name: str) -> int | None:
        amount: Decimal | None = self.chosen.get(name)
        return None if amount is None else to_minor(amount, self.currency)

    def _first_days(self, chosen: str) -> tuple[int | None, int | None]:
        today = date_of_day(self.as_of_day)
        month = today.replace(day=1)
        if chosen == "this_month":
            return day_of_date(month), None
        if chosen == "last_month":
            return day_of_date((month - timedelta(days=1)).replace(day=1)), day_of_date(month)
        return (self.as_of_day - int(chosen) + 1, None) if chosen else (None, None)

    # Addresses

    def query(
        self, *, without: Iterable[str] = (), changed: Mapping[str, object] = MappingProxyType({})
    ) -> str:
        """Return the query string of this list, without some choices and with others."""
        query = QueryDict(mutable=True)
        left_out = set(without) | changed.keys()
        for name, value in self.chosen.items():
            if name not in left_out:
                query.setlist(name, _texts(value))
        for name, value in changed.items():
            if value not in (None, "", []):
                query.setlist(name, _texts(value))
        return query.urlencode()

    def chips(self) -> list[Chip]:
        """Return a chip for every filter in force."""
        found = []
        for name in self.form.fields:
            if name in self.chosen and name not in {"sort", "columns"}:
                value = self.chosen[name]
                for one in value if isinstance(value, list) else [value]:
                    rest = [other for other in value if other != one] if isinstance(value, list) else None
                    found.append(
                        Chip(label=self._words(name, one), remove_url=f"?{self.query(changed={name: rest})}")
                    )
        return found

    def _words(self, name: str, value: Any) -> str:  # noqa: ANN401  as many kinds as the form has fields
        if name == "tag":
            return gettext("Tag: %(name)s") % {"name": self.form.tag_names[value]}
        if name in _NAMED:
            return str(_NAMED[name](value))
        return _RANGES[name]() % {"value": self._number(name, value)}

    def _number(self, name: str, value: Any) -> str:  # noqa: ANN401  as many kinds as the form has fields
        if isinstance(value, date):
            return formats.day(day_of_date(value))
        if name.startswith(("spent", "clv")):
            return formats.money(to_minor(value, self.currency), self.currency)
        return formats.count(value)


_NAMED: dict[str, Callable[[str], str | Promise]] = {
    "q": lambda text: gettext("“%(text)s”") % {"text": text},
    "tier": labels.tier,
    "stage": labels.stage,
    "cell": lambda cell: f"{cell} · {labels.cell(cell)}",
    "due": lambda position: dict(DUE)[cast("Due", position)],
    "country": str,
    "alive": lambda band: gettext("P(alive): %(band)s") % {"band": dict(ALIVE)[cast("Alive", band)]},
    "churn": lambda band: gettext("Churn alert: %(band)s") % {"band": dict(CHURN)[cast("Churn", band)]},
    "need": lambda need: Taste.Need(need).label,
    "next": lambda when: gettext("Next purchase: %(when)s") % {"when": dict(WITHIN)[when]},
    "product_due": lambda when: gettext("A product runs out: %(when)s") % {"when": dict(WITHIN)[when]},
    "segment": lambda pk: gettext("Segment: %(name)s") % {"name": title_of(int(pk))},
    "category": lambda name: gettext("Prefers %(category)s") % {"category": name},
    "first": lambda when: gettext("First order: %(when)s") % {"when": str(dict(FIRST)[when])},
}
_RANGES: dict[str, Callable[[], str]] = {
    "last_from": lambda: gettext("Last order from %(value)s"),
    "last_to": lambda: gettext("Last order to %(value)s"),
    "orders_min": lambda: gettext("Orders: at least %(value)s"),
    "orders_max": lambda: gettext("Orders: at most %(value)s"),
    "spent_min": lambda: gettext("Spent at least %(value)s"),
    "spent_max": lambda: gettext("Spent at most %(value)s"),
    "clv_min": lambda: gettext("Lifetime value of at least %(value)s"),
    "r": lambda: gettext("Recency score %(value)s"),
    "f": lambda: gettext("Frequency score %(value)s"),
}


def _day(value: date | None, *, after: int = 0) -> int | None:
    return None if value is None else day_of_date(value) + after


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return [value.isoformat() if isinstance(value, date) else str(value)]


def same_list(one: str, other: str) -> bool:
    """Return whether two query strings stand for the same list."""
    return _parts(one) == _parts(other)


def _parts(query: str) -> dict[str, list[str]]:
    return {name: sorted(values) for name, values in QueryDict(query).lists() if any(values)}
