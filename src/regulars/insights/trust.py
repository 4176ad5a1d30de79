"""Back-tests put into words: what was asked, what to use, what the figures mean, in the reader's language.

The results themselves are numbers and codes (`analytics.backtest`); this is the one place that turns them into
sentences, for the page, the command and whoever else tells them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from babel.numbers import format_decimal, format_percent
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from regulars.analytics.backtest import Data, Listed, ModelName, Reason, Result
from regulars.insights.reasons import locale_name


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure of a back-test: its name, what it means, and how it is written."""

    name: Promise
    meaning: Promise
    write: Callable[[float], str]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model as a merchant knows it.

    Attributes:
        name: What it forecasts.
        question: What is asked of it.
        promised: What the forecast is, on the axis of a chart.
        came: What came of it, on the other.
        metrics: Those worth showing, the one that decides first.
    """

    name: Promise
    question: Promise
    promised: Promise
    came: Promise
    metrics: Mapping[str, Metric]


def number(value: float, places: int = 2) -> str:
    """Write a number with so many decimals at most."""
    return format_decimal(value, locale=locale_name(), format=f"#,##0.{'#' * places}" if places else "#,##0")


def share(value: float) -> str:
    """Write a share of one as a percentage."""
    return format_percent(value, locale=locale_name(), format="#,##0.0%")


def _signed_share(value: float) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{share(abs(value))}"


def _signed_days(value: float) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{number(abs(value), 1)}"


SUBJECTS: dict[ModelName, Subject] = {
    "clv": Subject(
        name=gettext_lazy("Expected orders"),
        question=gettext_lazy("How often will each customer buy?"),
        promised=gettext_lazy("orders expected"),
        came=gettext_lazy("orders placed"),
        metrics={
            "mae": Metric(
                name=gettext_lazy("Error per customer (orders)"),
                meaning=gettext_lazy(
                    "By how many orders the forecast for a customer was off, in the mean. Lower is better; this decides."
                ),
                write=lambda value: number(value, 3),
            ),
            "bias": Metric(
                name=gettext_lazy("Total"),
                meaning=gettext_lazy(
                    "By how much all forecasts together were too high or too low. A forecast of nothing at all would have a small error, so the total must hold too: within 25%."
                ),
                write=_signed_share,
            ),
        },
    ),
    "cycles": Subject(
        name=gettext_lazy("Next purchase"),
        question=gettext_lazy("When will each customer come again?"),
        promised=gettext_lazy("days until due"),
        came=gettext_lazy("days until they came"),
        metrics={
            "mae": Metric(
                name=gettext_lazy("Error (days)"),
                meaning=gettext_lazy(
                    "By how many days the forecast was off, in the mean. Who did not come in the days looked at counts as coming the day after them. Lower is better; this decides."
                ),
                write=lambda value: number(value, 1),
            ),
            "bias": Metric(
                name=gettext_lazy("Too early (−) or too late (+), days"),
                meaning=gettext_lazy("Customers who do not come at all make every forecast look too early."),
                write=_signed_days,
            ),
            "late_auc": Metric(
                name=gettext_lazy("Later ones stay away"),
                meaning=gettext_lazy(
                    "Of two customers, one who stayed away and one who came: how often the one who stayed away was the later one against what was expected. A coin gets 50%."
                ),
                write=share,
            ),
        },
    ),
    "churn": Subject(
        name=gettext_lazy("May not come back"),
        question=gettext_lazy("Which active customers will stop buying?"),
        promised=gettext_lazy("probability of staying away"),
        came=gettext_lazy("share that stayed away"),
        metrics={
            "auc": Metric(
                name=gettext_lazy("Right order"),
                meaning=gettext_lazy(
                    "Of two customers, one who stayed away and one who came: how often the one who stayed away ranked higher (AUC). A coin gets 50%. Higher is better; this decides."
                ),
                write=share,
            ),
            "average_precision": Metric(
                name=gettext_lazy("Precision down the list"),
                meaning=gettext_lazy(
                    "Going down the list from the top: the mean share of right entries at each right one."
                ),
                write=share,
            ),
            "precision_top_tenth": Metric(
                name=gettext_lazy("Right in the top tenth"),
                meaning=gettext_lazy("Share of the tenth of customers ranked highest who stayed away."),
                write=share,
            ),
        },
    ),
    "next_basket": Subject(
        name=gettext_lazy("Next basket"),
        question=gettext_lazy("Which products will be in each customer's next basket?"),
        promised=gettext_lazy("place in the list"),
        came=gettext_lazy("share bought"),
        metrics={
            "recall": Metric(
                name=gettext_lazy("Found"),
                meaning=gettext_lazy(
                    "Share of the products in the next basket that were among those suggested. Higher is better; this decides."
                ),
                write=share,
            ),
            "ndcg": Metric(
                name=gettext_lazy("Found high up"),
                meaning=gettext_lazy(
                    "The same, with more weight on the first places (NDCG); the best possible list gets 100%."
                ),
                write=share,
            ),
            "hit_rate": Metric(
                name=gettext_lazy("At least one right"),
                meaning=gettext_lazy("Share of customers who bought at least one suggested product."),
                write=share,
            ),
        },
    ),
}

CANDIDATES: dict[str, Promise | str] = {
    "model": gettext_lazy("The model"),
    "last_period": gettext_lazy("As many as in the days before"),
    "plain_rate": gettext_lazy("As often as so far"),
    "fixed_days": gettext_lazy("30 days for everybody"),
    "store_cycle": gettext_lazy("The store's cycle for everybody"),
    "recency": gettext_lazy("Longest silence first"),
    "recency_by_gap": gettext_lazy("Longest silence beside the own rhythm first"),
    "popular": gettext_lazy("What most customers buy"),
    "personal_top": gettext_lazy("Own favourites"),
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "mbg_cnbd_k": "MBG/CNBD-k",
}
"""Names of models and rules; those of the field stay as they are."""


def verdict(result: Result) -> str:
    """Return what to use, in a short sentence."""
    if result.reason is Reason.NOT_ENOUGH_DATA:
        return _("Not enough data to tell yet: the rule “%(rule)s” is used.") % {"rule": _rule(result)}
    if result.verdict == "model":
        return _("The model is used: it beats the rules.")
    return _("The rule “%(rule)s” is used: the model is no better.") % {"rule": _rule(result)}


def reason(result: Result) -> str:
    """Return why, with the figures that decided."""
    compared = result.compared
    if compared is None:
        return lacking(result)
    metric = SUBJECTS[result.model].metrics[compared.metric]
    values = {
        "rule": str(CANDIDATES[compared.rule_name]),
        "metric": str(metric.name),
        "model_value": metric.write(compared.model),
        "rule_value": metric.write(compared.rule),
        "gain": _gain(result, compared.gain),
        "low": _gain(result, compared.low),
        "high": _gain(result, compared.high),
        "better": compared.better_at,
        "origins": len(result.origins),
    }
    figures = _(
        "%(metric)s: %(model_value)s, the best rule, “%(rule)s”, %(rule_value)s. In the model's favour: %(gain)s (%(low)s to %(high)s), on %(better)s of %(origins)s days looked back from."
    )
    return f"{_WHY[result.reason]} {figures % values}"


_WHY: dict[Reason, Promise] = {
    Reason.BETTER: gettext_lazy("It is better by more than chance explains."),
    Reason.NO_BETTER: gettext_lazy(
        "It is not better by more than chance explains, and of equals the simpler is used."
    ),
    Reason.NOT_ALWAYS_BETTER: gettext_lazy(
        "It is better on the whole, but not on most of the days looked back from."
    ),
    Reason.TOTAL_OFF: gettext_lazy("Its total was off by more than a quarter; that of a rule was not."),
    Reason.RULES_TOTAL_OFF: gettext_lazy(
        "The total of every rule was off by more than a quarter; its own was not."
    ),
}


def lists(result: Result) -> str:
    """Return what a list that staff can work would have held; empty where nothing was tested."""
    if result.listed is None:
        return ""
    return str(_LISTS[result.model]) % _listed(result.listed)


_LISTS: dict[ModelName, Promise] = {
    "clv": gettext_lazy(
        "The %(flagged)s customers of whom it expected most bought %(found)s times in %(days)s days; those of the rule bought %(rule)s times, as many drawn blindly %(chance)s times."
    ),
    "cycles": gettext_lazy(
        "Of %(flagged)s customers expected next, %(found)s came within %(days)s days; the rule finds %(rule)s, blind drawing %(chance)s."
    ),
    "churn": gettext_lazy(
        "Of %(flagged)s customers flagged, %(found)s did not return; the rule finds %(rule)s, blind drawing %(chance)s."
    ),
    "next_basket": gettext_lazy(
        "Of %(flagged)s products suggested, %(found)s were in the next basket; the rule finds %(rule)s, blind drawing %(chance)s."
    ),
}


def _listed(listed: Listed) -> dict[str, object]:
    return {
        "flagged": number(listed.flagged, 0),
        "found": number(listed.found, 0),
        "rule": number(listed.rule_found, 0),
        "chance": number(listed.chance_found, 0),
        "days": listed.days,
    }


def data(found: Data) -> tuple[str, str]:
    """Return what the model learns from, and how much there is of what is needed."""
    has = number(found.has, 0)
    if not found.needs:
        return str(_DATA[found.name]), has if found.has else _("not looked at yet; they would help")
    if found.lacks:
        words = {"has": has, "lacks": number(found.lacks, 0)}
        return str(_DATA[found.name]), _("%(has)s, needs %(lacks)s more") % words
    return str(_DATA[found.name]), _("%(has)s, enough") % {"has": has}


_DATA: dict[str, Promise] = {
    "days": gettext_lazy("Days of history"),
    "customers": gettext_lazy("Customers who came back"),
    "intervals": gettext_lazy("Intervals between purchases"),
    "left": gettext_lazy("Active customers seen leaving"),
    "stayed": gettext_lazy("Active customers seen staying"),
    "lines": gettext_lazy("Order lines with products"),
    "events": gettext_lazy("Browsing"),
    "tickets": gettext_lazy("Complaints and returns"),
}


def lacking(result: Result) -> str:
    """Return what is missing, in a sentence; empty where nothing is."""
    parts = [_LACKS[found.name](found.lacks) for found in result.lacking]
    return _("It needs %(what)s.") % {"what": _(", ").join(parts)} if parts else ""


_LACKS: dict[str, Callable[[int], str]] = {
    "days": lambda n: (
        ngettext("one more day of orders", "%(n)s more days of orders", n) % {"n": number(n, 0)}
    ),
    "customers": lambda n: (
        ngettext("one more customer who comes back", "%(n)s more customers who come back", n)
        % {"n": number(n, 0)}
    ),
    "intervals": lambda n: (
        ngettext("one more interval between purchases", "%(n)s more intervals between purchases", n)
        % {"n": number(n, 0)}
    ),
    "left": lambda n: (
        ngettext("one more active customer seen leaving", "%(n)s more active customers seen leaving", n)
        % {"n": number(n, 0)}
    ),
    "stayed": lambda n: (
        ngettext("one more active customer seen staying", "%(n)s more active customers seen staying", n)
        % {"n": number(n, 0)}
    ),
    "lines": lambda _n: _("orders with their products"),
}


def _rule(result: Result) -> str:
    return str(CANDIDATES[result.rule])


def _gain(result: Result, value: float) -> str:
    """Return a difference with its sign, in the unit of the metric that decides."""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    if result.compared is not None and result.compared.metric in ("recall", "auc"):
        return _("%(points)s points") % {"points": f"{sign}{number(abs(value) * 100, 1)}"}
    return f"{sign}{number(abs(value), 3 if result.model == 'clv' else 2)}"


def is_share(result: Result) -> bool:
    """Return whether what came is a share of customers."""
    return result.model in ("churn", "next_basket")
