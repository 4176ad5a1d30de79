"""What marks those who left, put into words in the reader's language."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from regulars.analytics.churn import Characteristic
from regulars.insights import formats
from regulars.insights.leaving import Looked
from regulars.insights.models import Profile


def name(one: Characteristic) -> str:
    """Return what those who have a characteristic have in common."""
    return _NAMES[one.kind](one.level)


def _ticket(kind: str) -> str:
    return _("Opened a ticket: %(kind)s") % {"kind": kind} if kind else _("Opened a ticket")


_NAMES: dict[str, Callable[[str], str]] = {
    "category": lambda level: _("Bought “%(category)s”") % {"category": level},
    "stage": lambda level: _("Stage: %(stage)s") % {"stage": Profile.Stage(level).label},
    "ticket": _ticket,
    "price": lambda level: (
        _("What they used to buy became dearer")
        if level == "rose"
        else _("What they used to buy became cheaper")
    ),
}


def effect(one: Characteristic) -> str:
    """Return how many more of those with a characteristic left, in points of a hundred."""
    return _("%(points)s points") % {"points": formats.signed(one.difference * 100)}


def interval(one: Characteristic) -> str:
    """Return between what the true effect lies."""
    return _("%(low)s to %(high)s") % {
        "low": formats.signed(one.low * 100),
        "high": formats.signed(one.high * 100),
    }


def headline(looked: Looked) -> str:
    """Return what was found, or why nothing was."""
    if not looked.as_of_days:
        return _("Nothing can be said yet: it takes %(days)s days of orders.") % {"days": looked.needs_days}
    if not looked.count:
        return _("Nothing can be said yet: too few active customers, or none of them left.")
    if not looked.marks:
        return _("Nothing that was looked at sets those who left apart by more than chance explains.")
    most = max(looked.marks, key=lambda one: one.difference)
    least = min(looked.marks, key=lambda one: one.difference)
    said = [
        _("%(marks)s of %(count)s characteristics set those who left apart by more than chance explains.")
        % {"marks": len(looked.marks), "count": looked.count}
    ]
    if most.difference > 0:
        said.append(
            _("Most of all goes with leaving: %(what)s (%(effect)s).")
            % {"what": name(most), "effect": effect(most)}
        )
    if least.difference < 0:
        said.append(
            _("Most of all goes with staying: %(what)s (%(effect)s).")
            % {"what": name(least), "effect": effect(least)}
        )
    return " ".join(said)
