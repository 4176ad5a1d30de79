"""What pages and programs read of what Regulars understands: lists, one profile, counts, movements."""

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, F, Func, OrderBy, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Concat
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from regulars.analytics import backtest as analytics
from regulars.analytics.backtest import MODELS, ModelName, Verdict
from regulars.insights.leaving import Looked
from regulars.insights.models import (
    Backtest,
    BacktestRun,
    DueProduct,
    Policy,
    Profile,
    ProfileChange,
    Recommendation,
    RelatedProduct,
    Run,
    Taste,
)
from regulars.kernel.errors import RegularsError
from regulars.shop import queries as shop
from regulars.shop.models import Customer, Tagging
from regulars.shop.queries import Row

Due = Literal["early", "due", "late", "none"]
Sort = Literal["spent", "last", "orders", "name", "clv", "alive", "churn", "next"]
Alive = Literal["likely", "open", "unlikely", "gone"]
Churn = Literal["high", "middle", "low"]

# From which probability on: a band reaches to the next one.
ALIVE_FROM: dict[Alive, float] = {"likely": 0.8, "open": 0.5, "unlikely": 0.2, "gone": 0.0}
CHURN_FROM: dict[Churn, float] = {"high": 0.5, "middle": 0.25, "low": 0.0}

# How many customers are counted one by one. Beyond it a list says "10,000+" and pages along an index.
COUNT_LIMIT = 10_000
# How many customers of a sort are looked at for a page of hits before another way is taken.
_WALK = 10_000


class InvalidCursorError(RegularsError):
    """The text does not say where a page begins."""

    code: ClassVar[str] = "invalid_cursor"


def policy() -> Policy:
    """Return how customers are labelled, or the defaults before anybody has changed them."""
    return Policy.objects.filter(id=1).first() or Policy(id=1)


def latest_run() -> Run | None:
    """Return the last computation of the profiles that came to its end, or None before the first."""
    return Run.objects.filter(state=Run.State.DONE).order_by("-id").first()


def current_run() -> Run | None:
    """Return the computation that is under way, or None."""
    return Run.objects.filter(state=Run.State.RUNNING).order_by("-id").first()


# Lists of customers


class _OneOf(Func):
    """Whether a value is in an array: a search finds thousands of ids, which as a list of operands take longer to read than to look up."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field: ClassVar[Any] = BooleanField()


@dataclass(frozen=True, kw_only=True)
class CustomerFilter:
    """Which customers a list holds. Several values of one field mean any of them; fields are joined by and.

    Days are half-open, `[from, until)`. Amounts are minor units of the base currency, over the policy's
    window, as in `Profile.monetary_minor`; both ends are included. `due` is the position of the profile's day
    inside the purchase cycle. `ids` names candidates, as when a search was done before, and `among` is a query of their ids. `alive` and `churn` are bands of
    the probabilities, `next_days` and `product_days` so many days from the profile's day on: of the next purchase, and of
    a product that runs out.
    """

    text: str = ""
    ids: tuple[int, ...] | None = None
    among: "QuerySet[Any, Any] | None" = None
    tiers: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    due: tuple[Due, ...] = ()
    last_from_day: int | None = None
    last_until_day: int | None = None
    first_from_day: int | None = None
    first_until_day: int | None = None
    orders_min: int | None = None
    orders_max: int | None = None
    spent_min_minor: int | None = None
    spent_max_minor: int | None = None
    r: int | None = None
    f: int | None = None
    alive: tuple[Alive, ...] = ()
    churn: tuple[Churn, ...] = ()
    clv_min_minor: int | None = None
    next_days: int | None = None
    product_days: int | None = None
    needs: tuple[str, ...] = ()
    category: str = ""
    tags: tuple[int, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the filter lets everybody through."""
        return self == CustomerFilter()

    def one_label(self, sort: Sort) -> Q | None:
        """Return the condition on Profile by which an index holds the hits in this order, or None."""
        if sort == "orders":
            return Q(tier=self.tiers[0]) if len(self.tiers) == 1 else None
        if sort != "spent":
            return None
        for name, chosen in (("tier", self.tiers), ("stage", self.stages), ("cell", self.cells)):
            if len(chosen) == 1:
                return Q((name, chosen[0]))
        return None if self.r is None or self.f is None else Q(r=self.r, f=self.f)

    @property
    def is_of_days(self) -> bool:
        """Whether the filter asks for nothing but the last order and the position in the cycle."""
        return replace(self, due=(), last_from_day=None, last_until_day=None).is_open

    def matching(self, *, as_of_day: int, base: "type[Profile | Customer]" = Profile) -> Q:
        """Return the condition that this filter stands for, on Profile or on Customer."""
        profile, customer = ("", "customer__") if base is Profile else ("profile__", "")
        condition = Q() if base is Profile else Q(profile__isnull=False)
        if self.text.strip():
            condition &= Q((f"{customer}id__in", shop.customers_matching(self.text)))
        if self.ids is not None:
            condition &= Q(_OneOf(F(f"{customer}id"), Value(list(self.ids), ArrayField(BigIntegerField()))))
        if self.among is not None:
            condition &= Q((f"{customer}id__in", self.among))
        for path, chosen in (
            (f"{profile}tier", self.tiers),
            (f"{profile}stage", self.stages),
            (f"{profile}cell", self.cells),
            (f"{customer}country", self.countries),
        ):
            if len(chosen) == 1:
                condition &= Q((path, chosen[0]))
            elif chosen:
                condition &= Q((f"{path}__in", chosen))
        for lookup, bound in (
            (f"{profile}first_day__gte", self.first_from_day),
            (f"{profile}first_day__lt", self.first_until_day),
            (f"{profile}orders__gte", self.orders_min),
            (f"{profile}orders__lte", self.orders_max),
            (f"{profile}monetary_minor__gte", self.spent_min_minor),
            (f"{profile}monetary_minor__lte", self.spent_max_minor),
            (f"{profile}r", self.r),
            (f"{profile}f", self.f),
        ):
            if bound is not None:
                condition &= Q((lookup, bound))
        any_of = Q()
        for position in self.due:
            any_of |= _position(position, as_of_day=as_of_day, profile=profile)
        predicted = self._predicted(profile, as_of_day=as_of_day)
        return condition & any_of & self._last_day(profile) & predicted & self._wanted(customer, as_of_day)

    def _predicted(self, profile: str, *, as_of_day: int) -> Q:
        """Return the conditions on forecasts, asked as their indexes hold them."""
        condition = Q()
        for column, chosen, bands in (
            ("p_alive", [ALIVE_FROM[band] for band in self.alive], ALIVE_FROM.values()),
            ("churn_probability", [CHURN_FROM[band] for band in self.churn], CHURN_FROM.values()),
        ):
            any_of = Q()
            value = Coalesce(F(f"{profile}{column}"), -1.0)
            for least in chosen:
                above = [other for other in bands if other > least]
                inside = Q(GreaterThanOrEqual(value, least))
                any_of |= inside & Q(LessThan(value, min(above))) if above else inside
            condition &= any_of
        if self.clv_min_minor is not None:
            condition &= Q(GreaterThanOrEqual(Coalesce(F(f"{profile}clv_minor"), -1), self.clv_min_minor))
        if self.next_days is not None:
            day = Coalesce(F(f"{profile}next_day"), -1)
            condition &= Q(GreaterThanOrEqual(day, as_of_day)) & Q(LessThan(day, as_of_day + self.next_days))
        return condition

    def _wanted(self, customer: str, as_of_day: int) -> Q:
        """Return the conditions on what is said of purchases."""
        condition = Q()
        if self.needs:
            condition &= Q((f"{customer}taste__need__in", self.needs))
        if self.category:
            condition &= Q((f"{customer}taste__category", self.category))
        if self.tags:
            tagged = Tagging.objects.filter(tag__in=self.tags).values("customer_id")
            condition &= Q((f"{customer}id__in", tagged))
        if self.product_days is not None:
            due = DueProduct.objects.filter(
                due_day__gte=as_of_day, due_day__lt=as_of_day + self.product_days
            ).values("customer_id")
            condition &= Q((f"{customer}id__in", due))
        return condition

    def _last_day(self, profile: str) -> Q:
        # Asked as the index holds it; who never ordered stands at -1 and in no range.
        last_day = Coalesce(F(f"{profile}last_day"), -1)
        condition = Q()
        if self.last_from_day is not None or self.last_until_day is not None:
            condition &= Q(GreaterThanOrEqual(last_day, max(self.last_from_day or 0, 0)))
        if self.last_until_day is not None:
            condition &= Q(LessThan(last_day, self.last_until_day))
        return condition


def _position(position: Due, *, as_of_day: int, profile: str) -> Q:
    if position == "none":
        return Q((f"{profile}due_day__isnull", True))
    if position == "early":
        return Q((f"{profile}due_day__gt", as_of_day))
    if position == "late":
        return is_late(as_of_day, profile=profile)
    # Not `~is_late(...)`: without a late day nobody is late, and SQL would not know.
    not_late = Q((f"{profile}late_day__isnull", True)) | Q((f"{profile}late_day__gte", as_of_day))
    return Q((f"{profile}due_day__lte", as_of_day)) & not_late


def is_late(as_of_day: int, *, profile: str = "") -> Q:
    """Return the condition of being late: after the late day.

    By the end of that day four in five such customers have come again; where everybody comes every 30 days it is the
    day they are due. `analytics.cycles` and `analytics.tiers` draw the same line.
    """
    return Q((f"{profile}late_day__lt", as_of_day))


def position_of(*, due_day: int | None, late_day: int | None, as_of_day: int) -> Due:
    """Return where a day lies inside a purchase cycle: early, due, late, or none without a cycle."""
    if due_day is None:
        return "none"
    if late_day is not None and as_of_day > late_day:
        return "late"
    return "due" if as_of_day >= due_day else "early"


@dataclass(frozen=True)
class Cursor:
    """Where a page of customers begins or ends: the value sorted by, and the customer that has it."""

    value: float | str
    customer_id: int

    def encoded(self) -> str:
        """Return the cursor as text for a URL."""
        content = json.dumps([self.value, self.customer_id], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    @classmethod
    def decoded(cls, text: str, *, sort: Sort) -> "Cursor":
        """Return the cursor that `encoded` wrote for a list sorted by `sort`.

        Raises:
            InvalidCursorError: `text` is not such a cursor.
        """
        try:
            value, customer_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValueError, TypeError, binascii.Error) as error:
            message = f"cursor {text!r} is not one that a page of this list gave out"
            raise InvalidCursorError(message, cursor=text) from error
        kinds = {"name": (str,), "alive": (int, float), "churn": (int, float)}.get(sort, (int,))
        if type(value) not in kinds or type(customer_id) is not int:
            message = f"cursor {text!r} belongs to a list that is sorted in another way than by {sort}"
            raise InvalidCursorError(message, cursor=text, sort=sort)
        return cls(value, customer_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """One customer of a list. Fields of the profile are None while no run has seen the customer yet."""

    customer_id: int
    code: str
    name: str
    country: str
    sort_name: str
    orders: int | None
    frequency: int | None
    monetary_minor: int | None
    r: int | None
    f: int | None
    m: int | None
    cell: str | None
    tier: str | None
    stage: str | None
    first_day: int | None
    last_day: int | None
    cycle_days: float | None
    due_day: int | None
    late_day: int | None
    p_alive: float | None
    expected_orders: float | None
    clv_minor: int | None
    next_from_day: int | None
    next_day: int | None
    next_until_day: int | None
    churn_probability: float | None


@dataclass(frozen=True, kw_only=True)
class CustomerPage:
    """A page of a list. `after` begins the next page, `before` ends the previous; None where there is none."""

    rows: list[CustomerRow]
    before: Cursor | None
    after: Cursor | None


@dataclass(frozen=True)
class Counted:
    """How many there are: exactly `value`, or more than `value`."""

    value: int
    is_exact: bool


_FIELDS = (
    "id", "code", "name", "country", "sort_name", "profile__orders",
    "profile__frequency", "profile__monetary_minor", "profile__r", "profile__f", "profile__m", "profile__cell",
    "profile__tier", "profile__stage", "profile__first_day", "profile__last_day", "profile__cycle_days",
    "profile__due_day", "profile__late_day", "profile__p_alive", "profile__expected_orders", "profile__clv_minor",
    "profile__next_from_day", "profile__next_day", "profile__next_until_day", "profile__churn_probability",
)  # fmt: skip


def _row(values: Sequence[Any]) -> CustomerRow:
    names = (field.removeprefix("profile__") for field in _FIELDS[1:])
    return CustomerRow(customer_id=values[0], **dict(zip(names, values[1:], strict=True)))


@dataclass(frozen=True)
class _Order:
    """One way to sort a list: the model whose index holds the keys, and the keys as the index holds them."""

    sort: Sort
    falling: bool

    @property
    def base(self) -> "type[Profile | Customer]":
        return Customer if self.sort == "name" else Profile

    @property
    def keys(self) -> tuple[Any, Any]:
        if self.sort == "name":
            return F("sort_name"), F("id")
        column = {
            "spent": F("monetary_minor"),
            "orders": F("orders"),
            "last": Coalesce(F("last_day"), -1),
            "clv": Coalesce(F("clv_minor"), -1),
            "alive": Coalesce(F("p_alive"), -1.0),
            "churn": Coalesce(F("churn_probability"), -1.0),
            "next": Coalesce(F("next_day"), -1),
        }[self.sort]
        return column, F("customer_id")

    def arrange(self, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        return rows.order_by(*(OrderBy(key, descending=self.falling) for key in self.keys))

    def after(self, place: Cursor) -> Q:
        comparison = LessThan if self.falling else GreaterThan
        return Q(comparison(Row(*self.keys), Row(Value(place.value), Value(place.customer_id))))

    def until(self, place: Cursor) -> Q:
        comparison = GreaterThanOrEqual if self.falling else LessThanOrEqual
        return Q(comparison(Row(*self.keys), Row(Value(place.value), Value(place.customer_id))))

    # For rows gathered from Profile: an expression that no index holds, so that they are found by their filter.

    @property
    def gathered_keys(self) -> tuple[Any, Any]:
        if self.sort == "name":
            return Concat("customer__sort_name", Value("")), F("customer_id")
        first, second = self.keys
        return first + 0, second

    def arrange_gathered(self, rows: "QuerySet[Any]") -> "QuerySet[Any]":
        return rows.order_by(*(OrderBy(key, descending=self.falling) for key in self.gathered_keys))

    def gathered_after(self, place: Cursor) -> Q:
        comparison = LessThan if self.falling else GreaterThan
        return Q(comparison(Row(*self.gathered_keys), Row(Value(place.value), Value(place.customer_id))))


def _cursor(row: CustomerRow, sort: Sort) -> Cursor:
    value: float | str | None = {
        "name": row.sort_name,
        "spent": row.monetary_minor,
        "orders": row.orders,
        "last": -1 if row.last_day is None else row.last_day,
        "clv": -1 if row.clv_minor is None else row.clv_minor,
        "alive": -1.0 if row.p_alive is None else row.p_alive,
        "churn": -1.0 if row.churn_probability is None else row.churn_probability,
        "next": -1 if row.next_day is None else row.next_day,
    }[sort]
    if value is None:
        message = f"customer {row.customer_id} stands in a list without having a profile"
        raise AssertionError(message)
    return Cursor(value, row.customer_id)


def count_customers(which: CustomerFilter, *, as_of_day: int, limit: int = COUNT_LIMIT) -> Counted:
    """Return how many customers a filter holds, counting no further than `limit`.

    Cost: stops after `limit` + 1 hits, so broad filters are cheap; a rare one that no index serves reads every
    profile once.
    """
    found = Profile.objects.filter(which.matching(as_of_day=as_of_day))[: limit + 1].count()
    return Counted(min(found, limit), found <= limit)


def customers(  # noqa: PLR0913  one argument a choice of the person
    which: CustomerFilter,
    *,
    as_of_day: int,
    sort: Sort = "spent",
    descending: bool = True,
    after: Cursor | None = None,
    before: Cursor | None = None,
    few: bool = False,
    limit: int = 50,
) -> CustomerPage:
    """Return a page of customers who have a profile, by key and never by offset; two to four queries.

    Cost: walks the sort's index for `_WALK` customers in the hope of meeting a page of hits; a filter that runs
    against the sort (the VIPs with the fewest orders) or holds few is answered by gathering all hits and sorting.

    Args:
        which: The filter.
        as_of_day: The day against which `due` is judged, normally the last run's.
        sort: `spent` in the window, `last` order day (those without one count as oldest), `orders`, or `name`
            (the code of those without a name), `clv`, `alive`, `churn`, `next` purchase (null is least). Customers who are equal stand in the order of their ids.
        descending: Most, latest, Z first.
        after: Begin after this place.
        before: End before this place; used when `after` is None.
        few: The filter holds few customers (`count_customers` was exact): do not walk.
        limit: Rows a page, at least 1.
    """
    backwards = after is None and before is not None
    order = _Order(sort, descending != backwards)
    place = after or before
    ids: list[int] = []
    if not few:
        ids, walked_all = _walk(which, order, place, as_of_day=as_of_day, limit=limit + 1)
    if few or (len(ids) <= limit and not walked_all):
        ids = _gather(which, order, place, as_of_day=as_of_day, limit=limit + 1)
    more = len(ids) > limit
    ids = ids[:limit]
    if backwards:
        ids.reverse()
    rows = customers_by_id(ids)
    has_next = backwards or more
    has_previous = more if backwards else after is not None
    return CustomerPage(
        rows=rows,
        before=_cursor(rows[0], sort) if rows and has_previous else None,
        after=_cursor(rows[-1], sort) if rows and has_next else None,
    )


def _gather(
    which: CustomerFilter, order: _Order, place: Cursor | None, *, as_of_day: int, limit: int
) -> list[int]:
    rows = Profile.objects.filter(which.matching(as_of_day=as_of_day))
    if place is not None:
        rows = rows.filter(order.gathered_after(place))
    return list(order.arrange_gathered(rows).values_list("pk", flat=True)[:limit])


def _walk(
    which: CustomerFilter, order: _Order, place: Cursor | None, *, as_of_day: int, limit: int
) -> tuple[list[int], bool]:
    """Return the hits among the next `_WALK` customers of an order, and whether these were all there are.

    Of one label, in an order that an index holds by label, only those with the label are walked.
    """
    everybody = order.base.objects.all()
    label = which.one_label(order.sort)
    if label is not None:
        everybody = everybody.filter(label)
    if place is not None:
        everybody = everybody.filter(order.after(place))
    everybody = order.arrange(everybody)
    rows = everybody.filter(which.matching(as_of_day=as_of_day, base=order.base))
    end = None
    # The index of last orders holds the days that such a filter asks for: its end is nearer than a sort.
    if not (which.is_open or (order.sort == "last" and which.is_of_days)):
        end = everybody.values_list(order.keys[0], "pk")[_WALK : _WALK + 1].first()
        if end is not None:
            rows = rows.filter(order.until(Cursor(*end)))
    return list(rows.values_list("pk", flat=True)[:limit]), end is None


def customers_by_id(customer_ids: Sequence[int]) -> list[CustomerRow]:
    """Return these customers in this order, also those without a profile; unknown ids are left out."""
    rows = {
        values[0]: _row(values)
        for values in Customer.objects.filter(id__in=customer_ids).values_list(*_FIELDS)
    }
    return [rows[customer_id] for customer_id in customer_ids if customer_id in rows]


def every_customer(
    which: CustomerFilter, *, as_of_day: int, sort: Sort = "spent", descending: bool = True
) -> Iterator[CustomerRow]:
    """Yield all customers of a filter in a list's order, through a server-side cursor, a few thousand at a time."""
    key: Any = {
        "name": F("sort_name"),
        "spent": F("profile__monetary_minor"),
        "orders": F("profile__orders"),
        "last": Coalesce(F("profile__last_day"), -1),
        "clv": Coalesce(F("profile__clv_minor"), -1),
        "alive": Coalesce(F("profile__p_alive"), -1.0),
        "churn": Coalesce(F("profile__churn_probability"), -1.0),
        "next": Coalesce(F("profile__next_day"), -1),
    }[sort]
    rows = (
        Customer.objects.filter(which.matching(as_of_day=as_of_day, base=Customer))
        .order_by(OrderBy(key, descending=descending), OrderBy(F("id"), descending=descending))
        .values_list(*_FIELDS)
    )
    for values in rows.iterator(chunk_size=5_000):
        yield _row(values)


# One customer


def profile(customer_id: int) -> Profile | None:
    """Return what is understood of a customer, with the customer, or None while no run has seen them."""
    return Profile.objects.select_related("customer").filter(customer_id=customer_id).first()


def taste(customer_id: int) -> Taste | None:
    """Return what a customer's purchases say of their needs and preferences, or None."""
    return Taste.objects.filter(customer_id=customer_id).first()


def due_products(customer_id: int, *, as_of_day: int) -> list[DueProduct]:
    """Return the products that a customer buys again and again and has not given up, the next to run out first."""
    found = DueProduct.objects.filter(customer_id=customer_id).select_related("product").order_by("due_day")
    return [row for row in found if row.state_on(as_of_day) != "given_up"]


def recommendations(customer_id: int) -> list[Recommendation]:
    """Return the products that a customer will most likely buy next, best first; empty where no list was worked out."""
    rows = Recommendation.objects.filter(customer_id=customer_id)
    return list(rows.select_related("product").order_by("rank"))


def related_products(product_codes: Sequence[str], *, limit: int = 5) -> list[RelatedProduct]:
    """Return what goes with some products and is none of them, the surest first, each once."""
    rows = (
        RelatedProduct.objects.filter(product__code__in=product_codes)
        .exclude(other__code__in=product_codes)
        .select_related("product", "other")
        .order_by("-score", "product_id", "rank")
    )
    first = {row.other_id: row for row in reversed(rows)}
    return sorted(first.values(), key=lambda row: (-row.score, row.pk))[:limit]


def label_history(customer_id: int, *, limit: int = 50) -> list[ProfileChange]:
    """Return a customer's latest moves from label to label, newest first."""
    return list(ProfileChange.objects.filter(customer_id=customer_id).order_by("-as_of_day", "-id")[:limit])


# Which models to believe


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the latest back-test of a model says.

    Attributes:
        verdict: What to use.
        rule: The rule to use where it is not the model.
        as_of_day: The last day that was looked at.
    """

    verdict: Verdict
    rule: str
    as_of_day: int


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """The latest back-test of a model, with the run that made it."""

    result: analytics.Result
    run: BacktestRun


def verdicts() -> dict[ModelName, Judged]:
    """Return for each model that has been tested whether to use it or which rule; one small query.

    A model that is missing was never tested: use what needs the least proof, for CLV `clv.choose`, which tests by itself.
    With too little data the verdict is the rule.
    """
    rows = {row.model: row for row in Backtest.objects.select_related("run").defer("result")}
    return {
        model: Judged(
            verdict="model" if row.verdict == "model" else "rule",
            rule=row.rule,
            as_of_day=row.run.as_of_day or 0,
        )
        for model in MODELS
        if (row := rows.get(model)) is not None
    }


def trusted_rules() -> dict[ModelName, str]:
    """Return the rule to use for each model whose back-test it was that did no worse; see `verdicts`.

    A test that had too little data decides nothing: what forecasts with too little data is shrunken and says so itself.
    """
    rows = Backtest.objects.filter(verdict="rule").exclude(reason=analytics.Reason.NOT_ENOUGH_DATA.value)
    found = dict(rows.values_list("model", "rule"))
    return {model: found[model] for model in MODELS if model in found}


def backtests() -> list[Trusted]:
    """Return the latest back-test of each model that has been tested, in the order of `MODELS`."""
    rows = {row.model: row for row in Backtest.objects.select_related("run")}
    return [
        Trusted(result=analytics.load(rows[model].result), run=rows[model].run)
        for model in MODELS
        if model in rows
    ]


def leaving() -> Looked | None:
    """Return what marks those who left, as it was found when the shop was learnt last; None before that."""
    run = Run.objects.filter(state=Run.State.DONE).select_related("learning").order_by("-id").first()
    if run is None or run.learning is None or "leaving" not in run.learning.content:
        return None
    return Looked.read(run.learning.content["leaving"])


def latest_backtest() -> BacktestRun | None:
    """Return the back-test that was asked for last, in whatever state it is, or None."""
    return BacktestRun.objects.first()
