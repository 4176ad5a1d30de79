"""Labels put into words: each with the numbers it rests on, in the language of whoever reads.

A reason is a code and numbers; `explain` is the one place that turns it into a sentence. Amounts and days are numbers
in it, so that programs can read reasons too.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from babel.numbers import format_currency
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from regulars.kernel.money import from_minor

Reason: TypeAlias = dict[str, Any]

# English as the world writes it: 10 Dec 2011, and US$ beside other dollars.
_LOCALES = {"en": "en_001", "zh-hans": "zh_Hans_CN"}
_RECENCY, _FREQUENCY, _MONETARY = range(3)


class Understood(Protocol):
    """What a profile says of a customer; see `insights.models.Profile`."""

    orders: int
    frequency: int
    monetary_minor: int
    cell: str
    tier: str
    stage: str
    last_day: int | None
    cycle_days: float | None
    rhythm_days: float | None
    late_day: int | None


def reasons_of(
    *, profile: Understood, as_of_day: int, thresholds: Mapping[str, Any], currency: str
) -> dict[str, Reason]:
    """Return why a customer has each of their labels: label to reason, without labels that they do not have.

    Args:
        profile: The customer's numbers and labels.
        as_of_day: The day of the run that gave them.
        thresholds: That run's thresholds.
        currency: What amounts are counted in.
    """
    if profile.last_day is None:
        return {"stage": {"code": "prospect"}}
    recency_days = as_of_day - profile.last_day
    shared = {"recency_days": recency_days, "orders": profile.orders, "currency": currency}
    found: dict[str, Reason] = {
        "stage": {
            **shared,
            "code": profile.stage,
            "cycle_days": profile.cycle_days,
            "rhythm_days": profile.rhythm_days,
            "stages": thresholds["stages"],
        }
    }
    if profile.cell:
        measured = {"frequency": profile.frequency, "monetary_minor": profile.monetary_minor}
        found["cell"] = {
            **shared,
            **measured,
            "code": profile.cell,
            "window_days": thresholds["window_days"],
            "limits": {
                name: _limit(thresholds, name) for name in ("recency_days", "frequency", "monetary_minor")
            },
        }
        found["tier"] = {
            **shared,
            **measured,
            "code": profile.tier,
            **_late(profile, thresholds),
            "high_frequency": thresholds["tiers"]["frequency"],
            "high_monetary_minor": thresholds["tiers"]["monetary_minor"],
        }
    return found


def _late(profile: Understood, thresholds: Mapping[str, Any]) -> dict[str, Any]:
    """Return after how many days the customer is at risk, and whether four in five return by then or it is a limit."""
    is_chosen = thresholds["tiers_chosen"]["late_days"] is not None
    if is_chosen or profile.late_day is None or profile.last_day is None:
        return {"late_days": thresholds["tiers"]["late_days"], "late_by": "limit"}
    return {"late_days": profile.late_day - profile.last_day, "late_by": "cycle"}


def _limit(thresholds: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what a letter was compared with: the merchant's own number, or the mean of all customers."""
    chosen = thresholds["cuts"].get(f"high_{name}")
    if chosen is not None:
        return {"kind": "chosen", "value": chosen}
    return {"kind": "mean", "value": thresholds["rfm"][f"mean_{name}"]}


def explain(label: str, reason: Mapping[str, Any]) -> str:
    """Return the sentence that says why, in the active language.

    Args:
        label: `stage`, `tier`, `cell`, `churn` with the days of the run's alert, or `action` for an entry of the action list.
        reason: What `reasons_of` gave for the label, or the action's own.

    Raises:
        KeyError: There is no such label.
    """
    return _SENTENCES[label](reason)


def money(amount_minor: float, currency: str) -> str:
    """Return an exact amount as people of the active language write it: £1,204.00."""
    return format_currency(from_minor(round(amount_minor), currency), currency, locale=locale_name())


def locale_name() -> str:
    """Return the CLDR locale of the language that is active."""
    return _LOCALES.get(get_language() or "en", "en_001")


def days(count: float) -> str:
    """Return a number of days in words."""
    whole = round(count)
    return ngettext("%(count)s day", "%(count)s days", whole) % {"count": f"{whole:,}"}


def orders(count: float) -> str:
    """Return a number of orders in words; a mean keeps one decimal."""
    text = f"{count:,}" if isinstance(count, int) else f"{count:,.1f}"
    return ngettext("%(count)s order", "%(count)s orders", count if isinstance(count, int) else 2) % {
        "count": text
    }


def _times(count: int) -> str:
    return ngettext("%(count)s time", "%(count)s times", count) % {"count": f"{count:,}"}


def _ago(recency_days: int) -> str:
    if recency_days == 0:
        return _("today")
    return _("%(days)s ago") % {"days": days(recency_days)}


def _stage(reason: Mapping[str, Any]) -> str:
    code = reason["code"]
    if code == "prospect":
        return _("Has not bought anything yet.")
    rhythm, stages = reason["rhythm_days"], reason["stages"]
    if code == "mature" and rhythm is None:
        code = "growing"
    if code == "declining" and reason["recency_days"] <= stages["slowing_percent"] / 100 * rhythm:
        code = "declined"
    cycles = stages["long_cycles" if code == "lapsed_long" else "short_cycles"]
    sentences = {
        "new": _("Bought once, %(ago)s; the next order is expected after about %(cycle)s."),
        "growing": _("Came back %(times)s, last %(ago)s; expected about every %(cycle)s."),
        "mature": _("Came back %(times)s, every %(rhythm)s on average, last %(ago)s."),
        "declining": _("Used to buy every %(rhythm)s on average, last bought %(ago)s."),
        "declined": _(
            "Used to buy every %(rhythm)s on average, took far longer the last time, and last bought %(ago)s."
        ),
    }
    lapsed = ngettext(
        "Expected about every %(cycle)s, last bought %(ago)s: more than %(cycles)s cycle without an order.",
        "Expected about every %(cycle)s, last bought %(ago)s: more than %(cycles)s cycles without an order.",
        cycles,
    )
    return sentences.get(code, lapsed) % {
        "ago": _ago(reason["recency_days"]),
        "times": _times(reason["orders"] - 1),
        "cycle": days(reason["cycle_days"]),
        "rhythm": days(rhythm or 0),
        "cycles": cycles,
    }


def _tier(reason: Mapping[str, Any]) -> str:
    currency = reason["currency"]
    words = {
        "ago": _ago(reason["recency_days"]),
        "late": days(reason["late_days"]),
        "orders": orders(reason["frequency"]),
        "high_orders": orders(reason["high_frequency"]),
        "money": money(reason["monetary_minor"], currency),
        "high_money": money(reason["high_monetary_minor"], currency),
    }
    if reason["code"] == "at_risk" and reason["late_by"] == "cycle":
        return _("Last bought %(ago)s; four in five such customers come again within %(late)s.") % words
    if reason["code"] == "at_risk":
        return _("Last bought %(ago)s; the limit is %(late)s.") % words
    if reason["code"] == "VIP":
        return (
            _(
                "Buys often (%(orders)s, from %(high_orders)s is often) and spends much (%(money)s, from %(high_money)s is much)."
            )
            % words
        )
    if reason["code"] == "general":
        return (
            _(
                "Neither buys often (%(orders)s, from %(high_orders)s is often) nor spends much (%(money)s, from %(high_money)s is much)."
            )
            % words
        )
    if reason["monetary_minor"] >= reason["high_monetary_minor"]:
        return (
            _(
                "Spends much (%(money)s, from %(high_money)s is much) but seldom buys (%(orders)s, from %(high_orders)s is often)."
            )
            % words
        )
    return (
        _(
            "Buys often (%(orders)s, from %(high_orders)s is often) but spends little (%(money)s, from %(high_money)s is much)."
        )
        % words
    )


def _cell(reason: Mapping[str, Any]) -> str:
    currency, limits, code = reason["currency"], reason["limits"], reason["code"]
    parts = [
        _compared(
            _("bought more recently (%(own)s, %(limit)s)")
            if code[_RECENCY] == "R"
            else _("bought longer ago (%(own)s, %(limit)s)"),
            own=_ago(reason["recency_days"]),
            limit=limits["recency_days"],
            write=days,
        ),
        _compared(
            _("buys more often (%(own)s, %(limit)s)")
            if code[_FREQUENCY] == "F"
            else _("buys less often (%(own)s, %(limit)s)"),
            own=orders(reason["frequency"]),
            limit=limits["frequency"],
            write=orders,
        ),
        _compared(
            _("spends more (%(own)s, %(limit)s)")
            if code[_MONETARY] == "M"
            else _("spends less (%(own)s, %(limit)s)"),
            own=money(reason["monetary_minor"], currency),
            limit=limits["monetary_minor"],
            write=lambda amount: money(amount, currency),
        ),
    ]
    words = {"first": parts[0], "second": parts[1], "third": parts[2]}
    sentence = _("%(first)s, %(second)s and %(third)s.") % words
    return sentence[0].upper() + sentence[1:]


def _compared(sentence: str, *, own: str, limit: Mapping[str, Any], write: Callable[[float], str]) -> str:
    said = _("mean %(value)s") if limit["kind"] == "mean" else _("limit %(value)s")
    return sentence % {"own": own, "limit": said % {"value": write(limit["value"])}}


def _action(reason: Mapping[str, Any]) -> str:
    words = {
        "ago": _ago(reason["recency_days"]),
        "orders": orders(reason["orders"]),
        "cycle": days(reason["cycle_days"] or 0),
        "year": money(reason["year_minor"], reason["currency"]),
    }
    if reason["code"] == "churn_alert":
        alert = reason["alert"]
        said = _("No order within %(horizon)s, from %(lead)s on, is %(percent)s%% likely.") % {
            "horizon": days(alert["horizon_days"]),
            "lead": days(alert["lead_days"]),
            "percent": round(100 * reason["churn_probability"]),
        }
        why = [_churn({**one, **alert, "currency": reason["currency"]}) for one in reason["churn"] or ()]
        return " ".join([said, *why[:1]])
    if reason["orders"] == 1:
        return _("Bought once, %(ago)s, for %(year)s; others come again after about %(cycle)s.") % words
    return (
        _(
            "Expected about every %(cycle)s, last bought %(ago)s; %(orders)s so far, %(year)s in their latest year."
        )
        % words
    )


def _churn(reason: Mapping[str, Any]) -> str:
    """Return why a customer may leave: what is seen, and what it is compared with."""
    from regulars.analytics import churn  # noqa: PLC0415 - models import this file; programs without alerts need no SciPy

    code, value, typical = reason["code"], reason["value"], reason["typical"]
    if code in ("low_spend", "less_spend"):
        seen, usual = money(value, reason["currency"]), money(typical, reason["currency"])
    elif code in ("silence", "long_gaps"):
        seen, usual = days(value), days(typical)
    else:
        seen, usual = f"{value:,}", f"{typical:,}"
    words = {
        "seen": seen,
        "usual": usual,
        "horizon": days(reason["horizon_days"]),
        "recent": days(reason["recent_days"]),
        "period": days(churn.period_days(reason["horizon_days"])),
        "periods": churn.PERIODS,
    }
    sentences = {
        "silence": _("Silent for %(seen)s; their usual gap is %(usual)s."),
        "fewer_visits": _("Days with an order in the last %(horizon)s: %(seen)s; their habit is %(usual)s."),
        "few_visits": _(
            "Bought in %(seen)s of the last %(periods)s periods of %(period)s; active customers usually in %(usual)s."
        ),
        "long_gaps": _("Once stayed away for %(seen)s; active customers at most %(usual)s, usually."),
        "less_spend": _("Spent %(seen)s in the last %(horizon)s; their habit is %(usual)s."),
        "low_spend": _("Usually spends %(seen)s in %(horizon)s; active customers usually %(usual)s."),
        "small_baskets": _("Products in a basket lately: %(seen)s; active customers usually buy %(usual)s."),
        "less_browsing": _("Visits in the last %(horizon)s: %(seen)s; their habit is %(usual)s."),
        "tickets": _("Complaints in the last %(recent)s: %(seen)s; active customers usually %(usual)s."),
    }
    return sentences[code] % words


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "stage": _stage,
    "tier": _tier,
    "cell": _cell,
    "action": _action,
    "churn": _churn,
}
