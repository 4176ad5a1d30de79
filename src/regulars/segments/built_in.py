"""The segments that come with Regulars."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from regulars.insights.models import Profile, Taste


@dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """A segment that is there from the start: its name and what it is good for, and its rule as stored."""

    name: str | Promise
    description: str | Promise
    rule: dict[str, Any]


def _rule(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "rule": {"all": list(parts)}}


def _is(key: str, value: str) -> dict[str, Any]:
    return {"attribute": key, "is": "any_of", "value": [value]}


# Translators: a label and what it is, as in "Tier: VIP".
_SAID = _("{}: {}")

BUILT_IN: dict[str, BuiltIn] = {
    **{
        f"tier-{tier.value}": BuiltIn(
            name=format_lazy(_SAID, _("Tier"), tier.label),
            description=_("Everybody of this tier as of the last computation."),
            rule=_rule(_is("tier", tier.value)),
        )
        for tier in Profile.Tier
    },
    **{
        f"cell-{cell.value}": BuiltIn(
            name=format_lazy(_SAID, cell.value, cell.label),
            description=_("One of the eight RFM groups."),
            rule=_rule(_is("cell", cell.value)),
        )
        for cell in Profile.Cell
    },
    **{
        f"stage-{stage.value}": BuiltIn(
            name=format_lazy(_SAID, _("Stage"), stage.label),
            description=_("Where these customers are in the life of a buyer."),
            rule=_rule(_is("stage", stage.value)),
        )
        for stage in Profile.Stage
    },
    **{
        f"need-{need.value}": BuiltIn(
            name=format_lazy(_SAID, _("Need"), need.label),
            description=_("What stands out most in these customers' purchases."),
            rule=_rule(_is("need", need.value)),
        )
        for need in Taste.Need
    },
    "due-this-week": BuiltIn(
        name=_("Due this week"),
        description=_("Their purchase cycle ends within the next seven days."),
        rule=_rule({"attribute": "due", "is": "in_next", "value": 7}),
    ),
    "late": BuiltIn(
        name=_("Late, and not yet gone"),
        description=_(
            "Past the day by which four in five such customers have come again, for at most 90 days."
        ),
        rule=_rule(
            {"attribute": "late", "is": "longer_ago", "value": 1},
            {"not": {"attribute": "late", "is": "longer_ago", "value": 91}},
        ),
    ),
    "churn-alert": BuiltIn(
        name=_("May not come back"),
        description=_("Active customers who are at least as likely to leave as to stay."),
        rule=_rule({"attribute": "churn", "is": "at_least", "value": 0.5}),
    ),
    "viewed-not-bought": BuiltIn(
        name=_("Viewed often, not bought"),
        description=_("Viewed one product three times or more in seven days and did not buy it."),
        rule=_rule(
            {
                "did": "Product Viewed",
                "at_least": 3,
                "period": {"last_days": 7},
                "per_product": True,
                "unbought": True,
            }
        ),
    ),
}
"""By code, in the order in which they are listed."""
