"""An experiment's figures as pages show them: effects with intervals, a chart of these, what a plan would see."""

from typing import Any

from django.utils.translation import gettext

from regulars.console.components import Chart, How, Table
from regulars.experiments import words
from regulars.experiments.measures import MEASURES, Measure
from regulars.experiments.models import Experiment
from regulars.experiments.planning import Plan
from regulars.experiments.reading import Reading, Side
from regulars.insights import formats


def metric_of(row: Experiment) -> str:
    """Return what an experiment is decided by, in words."""
    return str(MEASURES[row.metric].label) if row.metric in MEASURES else row.metric


def reading_of(found: Reading, *, currency: str, key: str) -> dict[str, Any]:
    """Return what the page of a reading shows."""
    return {
        "found": found,
        "headline": words.headline(found, currency=currency),
        "headline_level": level_of(found),
        "chart": _chart(found, currency=currency, key=key) if any(side.effects for side in found.treated) else None,
        "sides": [_side(side, found, currency=currency) for side in found.sides],
        "confidence": formats.percent(found.confidence),
        "split": None if found.split is None else formats.decimal(found.split.p_value, 3),
    }  # fmt: skip


def plan_of(told: Plan, *, days: int, currency: str) -> dict[str, Any]:
    """Return what the part about the power of a plan shows."""
    measure = MEASURES[told.metric]
    rows = [
        {
            "days": one.days,
            "is_asked": one.days == days,
            "mean": words.value(one.mean, measure, currency=currency),
            "effect": None
            if one.effect is None
            else words.difference(one.effect, measure, currency=currency),
            "relative": None if one.relative is None else formats.percent(one.relative),
        }
        for one in told.over
    ]
    return {
        "plan": told,
        "last_day": told.until_day - 1,
        "rows": rows,
        "measure": measure,
        "asked": next(one for one in rows if one["is_asked"]),
    }


def level_of(found: Reading) -> str:
    """Return how a reading is marked."""
    levels = [words.LEVELS[side.verdict.kind] for side in found.treated if side.verdict]
    return next((level for level in ("error", "success", "warning", "busy") if level in levels), "")


def _side(side: Side, found: Reading, *, currency: str) -> dict[str, Any]:
    rows = []
    for key, effect in side.effects.items():
        measure = found.measures[key]
        total = measure.unit == "money"
        rows.append(
            {
                "key": f"{side.key}-{key}",
                "label": measure.label,
                "how": How(definition=measure.meaning),
                "decides": key == found.metric,
                "is_clear": effect.is_clear,
                "is_good": (effect.effect > 0) == measure.higher_is_better,
                "value": words.value(effect.value, measure, currency=currency),
                "control": words.value(effect.control, measure, currency=currency),
                "effect": words.difference(effect.effect, measure, currency=currency),
                "interval": words.interval(effect, measure, currency=currency),
                "total": formats.money_rounded(round(effect.total), currency) if total else "",
            }
        )
    return {
        "label": side.label,
        "units": side.units,
        "key": side.key,
        "verdict": words.verdict(side, found, currency=currency),
        "level": words.LEVELS[side.verdict.kind] if side.verdict else "",
        "attributed": side.attributed,
        "rows": rows,
    }


def _chart(found: Reading, *, currency: str, key: str) -> Chart:
    """Return the intervals of the deciding measure, an arm a line, around the zero of no difference."""
    measure, shown = found.deciding, [side for side in found.treated if found.metric in side.effects]
    names = [side.label for side in shown]
    scale = 100 if measure.unit == "share" else 1
    series: list[dict[str, Any]] = []
    for side in shown:
        effect = side.effects[found.metric]
        series.append(
            {
                "type": "line",
                "symbol": "none",
                "lineStyle": {"width": 6, "color": "--rg-mark-accent", "opacity": 0.35},
                "data": [[effect.low * scale, side.label], [effect.high * scale, side.label]],
                "silent": True,
            }
        )
        series.append(
            {
                "type": "scatter",
                "symbolSize": 14,
                "itemStyle": {"color": "--rg-mark-accent"},
                "data": [[effect.effect * scale, side.label]],
            }
        )
    series.append(
        {
            "type": "line", "symbol": "none", "silent": True, "data": [],
            "markLine": {
                "symbol": "none", "silent": True, "label": {"show": False},
                "lineStyle": {"color": "--rg-muted", "type": "dashed"}, "data": [{"xAxis": 0}],
            },
        }
    )  # fmt: skip
    return Chart(
        key=key,
        title=gettext("%(measure)s: the difference to %(control)s") % {"measure": measure.label, "control": found.control.label},
        unit=_unit(measure),
        summary=words.headline(found, currency=currency),
        size="s",
        currency=currency,
        how=How(
            definition=gettext(
                "The dot is the difference that was seen, the bar the interval in which the true one lies in 95 of 100 experiments, for all arms together. A bar that touches the dashed line may be no difference at all."
            )
        ),
        option={
            "animation": False,
            "grid": {"left": 8, "right": 24, "top": 16, "bottom": 24, "containLabel": True},
            "tooltip": {"trigger": "item"},
            "xAxis": {"type": "value", "axisLabel": {"formatter": "money" if measure.unit == "money" else "exact"}},
            "yAxis": {"type": "category", "data": names, "inverse": True},
            "series": series,
        },
        table=Table(
            head=[gettext("Arm"), gettext("Difference"), gettext("95-percent interval")],
            rows=[
                [
                    side.label,
                    words.difference(side.effects[found.metric].effect, measure, currency=currency),
                    words.interval(side.effects[found.metric], measure, currency=currency),
                ]
                for side in shown
            ],
        ),
    )  # fmt: skip


def _unit(measure: Measure) -> str:
    if measure.unit == "share":
        return gettext("percentage points")
    return gettext("a customer")
