"""A campaign's figures as people read them: the funnel, attributed beside incremental, and one sentence of what it brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from regulars.console.components import Figure, How
from regulars.experiments.rules import LEAST_UNITS, Effect
from regulars.insights import formats
from regulars.insights.reasons import days as in_days
from regulars.journeys.figures import Figures
from regulars.journeys.models import Campaign


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the funnel: how many customers, their share of those who were sent it, and what is counted."""

    key: str
    label: str | Promise
    value: int
    share: float | None
    definition: str | Promise

    @property
    def how(self) -> How:
        """What the small "how" beside it opens."""
        return How(definition=self.definition)


def funnel_of(campaign: Campaign, told: Figures) -> list[Step]:
    """Return the funnel, from the segment to the complaints."""
    days = campaign.window_days
    sent = told.sent
    within = _("Of those it was sent to; within %(days)s after the message.") % {"days": in_days(days)}
    rows: Sequence[tuple[str, str | Promise, int | None, bool, str | Promise]] = (
        ("targeted", _("Targeted"), told.targeted, False, _("Members of the segment when it began.")),
        ("holdout", _("Hold-out"), told.holdout, False, _("Chosen by lot from those who could be reached; they get nothing.")),
        ("sent", _("Sent"), sent, True, _("The channel took the message on.")),
        ("delivered", _("Delivered"), told.delivered, True, _("The channel said that it arrived. Mail servers rarely say so.")),
        ("opened", _("Opened"), told.opened, True, _("The invisible picture was loaded. Many programs load it unasked.")),
        ("clicked", _("Clicked"), told.clicked, True, _("Followed a link of the message.")),
        ("visited", _("Came to look"), told.visited, True, within),
        ("bought", _("Bought"), told.attributed.buyers, True, within),
        ("unsubscribed", _("Unsubscribed"), told.unsubscribed, True, within),
        ("complained", _("Reported as spam"), told.complained, True, _("Told by the receiver's provider.")),
        ("passed_on", _("Passed on"), told.passed_on or None, False, _("Refused for good over one channel and written anew over the next, once consent for that one was looked at.")),
        ("failed", _("Failed"), told.failed, False, _("Refused, came back, or may not have arrived.")),
        ("under_way", _("Under way"), told.under_way, False, _("Not sent yet, or waiting for their time.")),
    )  # fmt: skip
    return [
        Step(
            key=key,
            label=label,
            value=value,
            share=value / sent if of_sent and sent else None,
            definition=definition,
        )
        for key, label, value, of_sent, definition in rows
        if value is not None
    ]


class Shown(TypedDict, total=False):
    """What a figure shows: an effect with its interval, or what is missing for one."""

    value: str
    interval: str
    too_little: str


def figures_of(campaign: Campaign, told: Figures, *, currency: str) -> list[Figure]:
    """Return attributed beside incremental, and what it cost."""
    attributed, brought = told.attributed, told.incremental
    after = {"days": in_days(campaign.window_days), "orders": formats.count(attributed.orders)}
    too_little: Shown = {"too_little": _too_little(campaign)}
    return [
        Figure(
            key="attributed", label=gettext("Sales after it (attributed)"),
            value=formats.money_rounded(attributed.net_minor, currency), exact=formats.money(attributed.net_minor, currency),
            how=How(
                definition=_("Net amount of the valid orders of customers who got the message, within the days after it."),
                filters=gettext("Orders within %(days)s: %(orders)s. Some of them would have come anyway; the hold-out tells how many.") % after,
            ),
        ),
        Figure(
            key="incremental", label=gettext("Sales because of it (incremental)"),
            how=_how_incremental(campaign, told),
            **(money_effect(brought.revenue_minor, currency) if brought else too_little),
        ),
        Figure(
            key="buyers", label=gettext("More buyers because of it"),
            how=_how_incremental(campaign, told), **(_count_effect(brought.buyers) if brought else too_little),
        ),
        Figure(
            key="cost", label=gettext("Cost of sending"), value=formats.money(round(told.cost_minor), currency),
            how=How(definition=_("What the channels charge for the messages that were accepted, as set up with each channel.")),
        ),
        *([] if campaign.offer_id is None else [Figure(
            key="offer", label=gettext("Cost of the offer"), value=formats.money(attributed.offer_minor, currency),
            how=How(
                definition=_("What the campaign's offer took off the attributed orders, and what gifts cost, in margin."),
                filters=ngettext("%(codes)s code was given.", "%(codes)s codes were given.", told.codes) % {"codes": formats.count(told.codes)},
            ),
        )]),
        Figure(
            key="profit", label=gettext("Profit after it (attributed)"),
            value=formats.money_rounded(told.profit_minor, currency), exact=formats.money(told.profit_minor, currency),
            how=How(
                definition=_("Contribution margin of the attributed orders, less the offer and the sending."),
                formula=_("(net amount + money off) × contribution margin − cost of the offer − cost of sending"),
                filters=gettext("A contribution margin of %(margin)s, from the settings.") % {"margin": formats.percent(told.margin_share)},
            ),
        ),
        Figure(
            key="brought", label=gettext("Profit because of it (incremental)"),
            how=_how_incremental(campaign, told),
            **(money_effect(brought.margin_minor, currency, less=float(told.cost_minor)) if brought else too_little),
        ),
    ]  # fmt: skip


def sentence_of(told: Figures, *, currency: str) -> tuple[str, str] | None:
    """Return what the campaign brought in one sentence, and how sure that is (`success`, `warning`, `error`)."""
    found = told.incremental
    if found is None:
        return None
    effect = found.revenue_minor
    if _is_of_nobody(effect):
        return gettext(
            "Nobody has bought since, with or without it: what it brings shows with the first orders."
        ), "warning"
    said = {
        "money": formats.money(abs(round(effect.total)), currency),
        "low": formats.money(round(effect.total_low), currency),
        "high": formats.money(round(effect.total_high), currency),
    }
    if found.split.suspicious:
        return gettext(
            "The sides do not have as many customers as planned: do not believe this comparison."
        ), "error"
    if not effect.is_clear:
        return (
            gettext("What it brought cannot be told from nothing yet: between %(low)s and %(high)s of sales, 95 times of 100.") % said,
            "warning",
        )  # fmt: skip
    if effect.total > 0:
        return gettext(
            "It brought %(money)s of sales that would not have come without it (%(low)s to %(high)s)."
        ) % said, "success"
    return gettext(
        "It cost %(money)s of sales: those who got nothing bought more (%(low)s to %(high)s)."
    ) % said, "error"


def _too_little(campaign: Campaign) -> str:
    if not campaign.holdout_bp:
        return gettext("without a hold-out nobody can tell")
    return gettext("not enough customers: needs %(least)s on each side") % {"least": LEAST_UNITS}


def _how_incremental(campaign: Campaign, told: Figures) -> How:
    definition = _(
        "Those who were to get the message against the hold-out: the difference of their means, times those who were to get it. Everybody who could be reached when it began is on one side, whatever became of their message."
    )
    found = told.incremental
    if found is None:
        return How(definition=definition)
    return How(
        definition=definition,
        formula=_(
            "(mean of the treated − mean of the hold-out) × treated customers, less what they spent the year before explains; the 95-percent interval holds however often you look"
        ),
        filters=gettext(
            "%(treated)s treated, %(held)s held out; orders until %(days)s days after the last message."
        )
        % {
            "treated": formats.count(found.units),
            "held": formats.count(found.holdout_units),
            "days": campaign.window_days,
        },
    )


def _money(minor: float, currency: str) -> str:
    return formats.money_rounded(round(minor), currency)


def _between(low: str, high: str) -> str:
    return gettext("between %(low)s and %(high)s") % {"low": low, "high": high}


def _is_of_nobody(effect: Effect) -> bool:
    """Tell whether neither side has anything yet: an effect of nothing, known for certain, would be no figure."""
    return effect.standard_error == 0


def money_effect(effect: Effect, currency: str, *, less: float = 0) -> Shown:
    """Return an effect in money, all customers together, with its interval; `less` is taken off."""
    if _is_of_nobody(effect):
        return {"too_little": gettext("nobody has bought yet")}
    return {
        "value": _money(effect.total - less, currency),
        "interval": _between(
            _money(effect.total_low - less, currency), _money(effect.total_high - less, currency)
        ),
    }


def _count_effect(effect: Effect) -> Shown:
    if _is_of_nobody(effect):
        return {"too_little": gettext("nobody has bought yet")}
    return {
        "value": formats.signed(effect.total, 0),
        "interval": _between(formats.signed(effect.total_low, 0), formats.signed(effect.total_high, 0)),
    }
