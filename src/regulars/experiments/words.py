"""What an experiment says, in a merchant's words."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from regulars.experiments.measures import Measure
from regulars.experiments.reading import Reading, Side
from regulars.experiments.rules import Effect, Verdict
from regulars.insights.formats import count, decimal, money, percent, signed

LEVELS = {
    "blocked": "error",
    "too_few": "warning",
    "nothing_yet": "busy",
    "better": "success",
    "worse": "error",
    "unclear": "busy",
    "unclear_to_the_end": "warning",
    "no_difference": "",
}
"""How each verdict is marked."""


def value(number: float, measure: Measure, *, currency: str) -> str:
    """Return a measure's value: 4.2%, £1.20, 0.31."""
    if measure.unit == "share":
        return percent(number)
    if measure.unit == "money":
        return money(round(number), currency)
    return decimal(number, 2 if abs(number) >= 1 else 4)


def difference(number: float, measure: Measure, *, currency: str, with_unit: bool = True) -> str:
    """Return a difference with its sign: +3.1 points, −£0.40, +0.02."""
    if measure.unit == "share":
        text = signed(number * 100, 2 if abs(number) < 0.01 else 1)  # noqa: PLR2004  a point
        return _("%(number)s points") % {"number": text} if with_unit else text
    if measure.unit == "money":
        text = money(abs(round(number)), currency)
        return text if not round(number) else f"{'+' if number > 0 else '−'}{text}"
    return signed(number, 2 if abs(number) >= 1 else 4)


def interval(effect: Effect, measure: Measure, *, currency: str) -> str:
    """Return between what an effect lies: −0.8 to +3.1 points."""
    return _("%(low)s to %(high)s") % {
        "low": difference(effect.low, measure, currency=currency, with_unit=False),
        "high": difference(effect.high, measure, currency=currency),
    }


def verdict(side: Side, reading: Reading, *, currency: str) -> str:
    """Return what may be said of an arm, in one or two sentences."""
    told = side.verdict
    if told is None:
        return ""
    effect = side.effects.get(reading.metric)
    said = {
        "arm": side.label,
        "control": reading.control.label,
        "measure": str(reading.deciding.label),
        "least": reading.least_units,
    }
    if effect is not None:
        said |= {
            "effect": difference(effect.effect, reading.deciding, currency=currency),
            "interval": interval(effect, reading.deciding, currency=currency),
        }
    text = _sentence(told, said)
    broken = harmed(told, reading)
    return f"{text} {broken}" if broken else text


def _sentence(told: Verdict, said: dict[str, object]) -> str:
    if told.days_left is not None:
        days = ngettext("about %(days)s more day", "about %(days)s more days", told.days_left) % {
            "days": count(told.days_left)
        }
        return _("%(arm)s: cannot tell yet: 95%% interval %(interval)s; %(days)s.") % {**said, "days": days}
    texts = {
        "blocked": _("Do not believe this comparison: the arms do not have as many customers as planned. Find out first who was left out, and why."),
        "too_few": _("%(arm)s: too few customers to tell anything; it takes %(least)s in each arm."),
        "nothing_yet": _("%(arm)s: nothing has happened yet that could be compared."),
        "better": _("%(arm)s does better than %(control)s: %(measure)s %(effect)s (95%% interval %(interval)s)."),
        "worse": _("%(arm)s does worse than %(control)s: %(measure)s %(effect)s (95%% interval %(interval)s)."),
        "unclear_to_the_end": _("%(arm)s: cannot tell yet: 95%% interval %(interval)s. If it goes on like this, it will still be open at the end."),
        "no_difference": _("%(arm)s: no difference to %(control)s was seen; if there is one, it lies between %(interval)s."),
    }  # fmt: skip
    return texts[told.kind if told.kind != "no_difference" or "interval" in said else "nothing_yet"] % said


def harmed(told: Verdict, reading: Reading) -> str:
    """Return which guard-rails an arm broke; "" for none."""
    if not told.harmed:
        return ""
    names = _list([str(reading.measures[key].label) for key in told.harmed])
    return _("Mind what it does to: %(names)s.") % {"names": names}


def headline(reading: Reading, *, currency: str) -> str:
    """Return what an experiment says, arm by arm; once, where nothing may be said of any."""
    told: list[str] = []
    for side in reading.treated:
        text = verdict(side, reading, currency=currency)
        if text not in told:
            told.append(text)
    return " ".join(told)


def _list(names: Sequence[str]) -> str:
    return _(", ").join(names)
