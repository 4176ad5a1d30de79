"""What is predicted of a customer, as their page shows it: each figure with its definition, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from regulars.analytics.backtest import MODELS, ModelName
from regulars.console.components import How
from regulars.console.templatetags.customers import days_long
from regulars.insights import formats, trust
from regulars.insights import queries as insights
from regulars.insights.models import DueProduct, Profile, Recommendation, RelatedProduct, Run, Taste
from regulars.insights.reasons import explain
from regulars.reports.definitions import DEFINITIONS

DUE_STATES: dict[str, str | Promise] = {
    "early": _("Not yet due"),
    "soon": _("Soon"),
    "due": _("Due now"),
    "late": _("Late"),
}
RECOMMENDED: dict[str, str | Promise] = {
    "bought_before": _("Bought before, about due again"),
    "bought_by_similar": _("Bought by customers with similar baskets"),
    "popular": _("Bought by most customers"),
}


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """One predicted figure."""

    key: str
    name: str | Promise
    value: str
    note: str
    how: How


@dataclass(frozen=True, kw_only=True)
class Forecasts:
    """All predicted figures of a customer, and why they may leave."""

    figures: list[Forecast]
    reasons: list[str]
    scored: str
    rules: list[str]


def forecasts_of(profile: Profile, *, run: Run, currency: str) -> Forecasts | None:
    """Return what is predicted of a customer, or None of somebody who never bought."""
    if profile.p_alive is None:
        return None
    figures = [
        _figure("p_alive", formats.percent(profile.p_alive), ""),
        _figure("expected_orders", formats.decimal(profile.expected_orders or 0.0), ""),
        _figure(
            "clv_minor",
            "–" if profile.clv_minor is None else formats.money(profile.clv_minor, currency),
            gettext("Nobody came back yet: there is nothing to tell it by.")
            if profile.clv_minor is None
            else "",
        ),
        _figure("next_purchase", *_next_purchase(profile, as_of_day=run.as_of_day)),
        _figure(
            "churn_probability",
            "–" if profile.churn_probability is None else formats.percent(profile.churn_probability),
            _alert(profile, run=run),
        ),
    ]
    return Forecasts(
        figures=figures,
        reasons=reasons_of(profile, run=run),
        scored="" if profile.scored_day is None else formats.day(profile.scored_day),
        rules=rules_used(run),
    )


def rules_used(run: Run) -> list[str]:
    """Return in sentences where a simple rule takes the place of a model, because that did no better in this shop."""
    tested: Mapping[ModelName, str] = run.thresholds.get("rules") or {}
    told = [
        gettext("%(subject)s: the rule “%(rule)s” is used, because the model did no better in this shop.")
        % {"subject": trust.SUBJECTS[model].name, "rule": trust.CANDIDATES[tested[model]]}
        for model in MODELS
        if model in tested
    ]
    if "clv" not in tested and run.thresholds.get("model") == "plain_rate":
        told.insert(
            0,
            gettext(
                "In this shop the plain rate of past orders forecast better than every model, so it is used for orders and value."
            ),
        )
    return told


def reasons_of(profile: Profile, *, run: Run) -> list[str]:
    """Return why a customer may leave, in sentences, what weighs most first."""
    alert: Mapping[str, Any] = run.thresholds.get("alert") or {}
    return [
        explain("churn", {**reason, **alert, "currency": run.currency})
        for reason in profile.churn_reasons or ()
    ]


def _figure(key: str, value: str, note: str) -> Forecast:
    definition = DEFINITIONS[key]
    return Forecast(
        key=key,
        name=definition.name,
        value=value,
        note=note,
        how=How(definition=definition.meaning, formula=definition.formula),
    )


def _next_purchase(profile: Profile, *, as_of_day: int) -> tuple[str, str]:
    if profile.next_day is None or profile.next_from_day is None or profile.next_until_day is None:
        return "–", gettext("Silent for longer than nearly all who ever came back, or no cycle is known yet.")
    if profile.next_day <= as_of_day:
        return gettext("any day now"), gettext("four in five by %(until)s") % {
            "until": formats.day(profile.next_until_day)
        }
    return formats.day(profile.next_day), gettext("four in five from %(from)s to %(until)s, if they come") % {
        "from": formats.day(profile.next_from_day),
        "until": formats.day(profile.next_until_day),
    }


def _alert(profile: Profile, *, run: Run) -> str:
    alert = run.thresholds.get("alert")
    if "churn" in (run.thresholds.get("rules") or {}):
        return gettext("A silence says as much in this shop: no probability is told.")
    if not alert:
        return gettext("Too few customers were seen leaving to learn from.")
    if profile.churn_probability is None:
        return gettext("Not watched: no steady habit lately.")
    return gettext("no order within %(horizon)s, from %(lead)s on") % {
        "horizon": days_long(alert["horizon_days"]),
        "lead": days_long(alert["lead_days"]),
    }


# What they will need and want


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a customer needs again, may want, and looks at when buying."""

    due: list[tuple[DueProduct, str, str | Promise]]
    recommended: list[tuple[Recommendation, str | Promise]]
    related: list[RelatedProduct]
    needs: list[tuple[str | Promise, str, str]]
    preferences: list[tuple[str | Promise, str, str]]

    @property
    def is_empty(self) -> bool:
        return not (self.due or self.recommended or self.related or self.needs or self.preferences)


def wanted_of(customer_id: int, *, product_codes: list[str], as_of_day: int) -> Wanted:
    """Return what a customer will need and want.

    Args:
        customer_id: The customer.
        product_codes: What they buy; for those without a list of their own, what goes with it is shown.
        as_of_day: The run's day.
    """
    taste = insights.taste(customer_id)
    due = insights.due_products(customer_id, as_of_day=as_of_day)
    recommended = insights.recommendations(customer_id)
    with_a_day = {row.product_id for row in due}
    return Wanted(
        due=[(row, row.state_on(as_of_day), DUE_STATES[row.state_on(as_of_day)]) for row in due],
        recommended=[
            (row, RECOMMENDED.get(row.reason, row.reason))
            for row in recommended
            if row.product_id not in with_a_day
        ],
        related=[] if recommended else insights.related_products(product_codes),
        needs=_needs(taste) if taste else [],
        preferences=_preferences(taste) if taste else [],
    )


def _needs(taste: Taste) -> list[tuple[str | Promise, str, str]]:
    found: list[tuple[str | Promise, str, str]] = []
    for need, score, evidence in (
        (
            Taste.Need.PRICE,
            taste.price,
            gettext("%(part)s of %(all)s purchases were discounted")
            % {"part": formats.count(taste.discounted), "all": formats.count(taste.price_purchases)},
        ),
        (
            Taste.Need.QUALITY,
            taste.quality,
            gettext("where %(all)s purchases stand between the cheapest and the dearest of their category")
            % {"all": formats.count(taste.quality_purchases)},
        ),
        (
            Taste.Need.BRAND,
            taste.brand,
            gettext("stayed with the brand %(part)s of %(all)s times")
            % {"part": formats.count(taste.stayed), "all": formats.count(taste.brand_choices)},
        ),
    ):
        if score is not None:
            found.append((need.label, formats.percent(score), evidence))
    return found


def _preferences(taste: Taste) -> list[tuple[str | Promise, str, str]]:
    found: list[tuple[str | Promise, str, str]] = []
    for name, value, share in (
        (_("Category"), taste.category, taste.category_share),
        (_("Brand"), taste.favourite_brand, taste.brand_share),
    ):
        if value and share is not None:
            found.append((name, value, gettext("%(share)s of purchases") % {"share": formats.percent(share)}))
    if taste.variety is not None:
        found.append(
            (_("Variety"), formats.percent(taste.variety), gettext("0% buys one product again and again"))
        )
    return found
