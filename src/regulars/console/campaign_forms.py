"""The form of a campaign, read into what `journeys.operations` takes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.console.offer_forms import MomentField
from regulars.journeys.models import Campaign
from regulars.journeys.operations.campaigns import MOST_CHANNELS, CampaignTold, InvalidCampaignError, Over
from regulars.journeys.rules import Start
from regulars.messaging import queries as messaging
from regulars.messaging.queries.templates import TemplateFilter, templates
from regulars.offers.models import Offer
from regulars.segments.models import Segment
from regulars.shop.models.consents import Purpose

_PERCENT_BP = 100
# Which field shows what an operation refuses.
_FIELDS = {"over": "channel_1", "holdout_bp": "holdout"}


class CampaignForm(forms.Form):
    """Everything about a campaign. Channels are rows of two fields, in the order in which they are tried."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("For your own people: “Spring tea, VIPs”.")
    )
    segment = forms.ChoiceField(label=_("To"))
    excluded = forms.MultipleChoiceField(
        label=_("But not to who is in"), required=False, widget=forms.CheckboxSelectMultiple
    )
    offer = forms.ChoiceField(
        label=_("Offer"),
        required=False,
        help_text=_(
            "Everybody who gets the message gets a code of it. The template shows it with the block “Coupon”."
        ),
    )
    purpose = forms.ChoiceField(
        label=_("Sent to whoever allowed"), choices=Purpose.choices, initial=Purpose.MARKETING
    )
    tag = forms.CharField(
        label=_("Tag"), required=False, max_length=60, help_text=_("Caps can count messages of one tag.")
    )
    priority = forms.IntegerField(
        label=_("Priority"), min_value=0, max_value=100, help_text=_("0 to 100; higher goes first.")
    )
    timing = forms.ChoiceField(label=_("When"), choices=Campaign.Timing.choices, widget=forms.RadioSelect)
    at = MomentField(label=_("At"), required=False)
    on_day = forms.DateField(
        label=pgettext_lazy("day", "On"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    clock = forms.TimeField(
        label=_("At, by each customer's own clock"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    holdout = forms.DecimalField(
        label=_("Hold-out"),
        min_value=0,
        max_value=50,
        decimal_places=2,
        help_text=_(
            "So many of those who could be reached get nothing, chosen by lot. What they buy anyway is what the campaign did not bring. Without them nobody can tell."
        ),
    )
    window_days = forms.IntegerField(
        label=_("Orders count for"),
        min_value=1,
        max_value=90,
        help_text=_("Counted from the message. Longer for what is bought rarely."),
    )
    lasts_days = forms.IntegerField(
        label=_("Messages that must wait are dropped after"),
        min_value=1,
        max_value=30,
        help_text=_("Caps and quiet hours put messages off; what comes too late is not sent."),
    )

    def __init__(self, data: QueryDict | None = None, *, initial: Mapping[str, Any]) -> None:
        super().__init__(data, initial=dict(initial))
        rows = [
            (str(row.pk), row.title)
            for row in Segment.objects.filter(archived_at=None).order_by("code", "name")
        ]
        channels = [(str(row.pk), row.name) for row in messaging.channels()]
        letters = [(str(row.pk), row.name) for row in templates(TemplateFilter())]
        offers = Offer.objects.exclude(state=Offer.State.ENDED).order_by("name")
        self.has_channels, self.has_templates = bool(channels), bool(letters)
        self._choose("segment", [("", "–"), *rows])
        self._choose("excluded", rows)
        self._choose("offer", [("", "–"), *((str(row.pk), row.name) for row in offers)])
        for number in range(1, MOST_CHANNELS + 1):
            is_first = number == 1
            self.fields[f"channel_{number}"] = forms.ChoiceField(
                label=_("Channel") if is_first else _("Otherwise over"),
                choices=[("", "–"), *channels],
                required=is_first,
            )
            self.fields[f"template_{number}"] = forms.ChoiceField(
                label=_("Template"), choices=[("", "–"), *letters], required=is_first
            )

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  of this very form
        field.choices = choices

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The channels with their templates."""
        return [
            (self[f"channel_{number}"], self[f"template_{number}"]) for number in range(1, MOST_CHANNELS + 1)
        ]

    def told(self) -> CampaignTold:
        """Return what the valid form says."""
        said = self.cleaned_data
        timing = said["timing"]
        over = [
            Over(channel_id=int(said[f"channel_{number}"]), template_id=int(said[f"template_{number}"] or 0))
            for number in range(1, MOST_CHANNELS + 1)
            if said.get(f"channel_{number}")
        ]
        return CampaignTold(
            name=said["name"],
            segment_id=int(said["segment"]),
            over=over,
            excluded=[int(one) for one in said["excluded"]],
            purpose=said["purpose"],
            tag=said["tag"],
            priority=said["priority"],
            offer_id=int(said["offer"]) if said["offer"] else None,
            start=Start(
                at=said["at"] if timing == Campaign.Timing.AT else None,
                on_day=said["on_day"] if timing == Campaign.Timing.LOCAL else None,
                clock=said["clock"] if timing == Campaign.Timing.LOCAL else None,
            ),
            holdout_bp=int(said["holdout"] * _PERCENT_BP),
            window_days=said["window_days"],
            lasts_days=said["lasts_days"],
        )

    def clean(self) -> dict[str, Any]:
        """Ask for the time that the chosen kind of time needs."""
        said = super().clean() or self.cleaned_data
        needed = {"at": ("at",), "local": ("on_day", "clock")}.get(said.get("timing", ""), ())
        for name in needed:
            if not said.get(name) and name not in self.errors:
                self.add_error(name, _("Say when."))
        return said

    def refuse(self, error: InvalidCampaignError) -> None:
        """Show what an operation refused beside the field that it is about."""
        field = _FIELDS.get(error.field, error.field)
        self.add_error(field if field in self.fields else None, str(error))


def blank() -> dict[str, Any]:
    """Return what a new campaign begins with."""
    plain = Campaign()
    return {
        "purpose": plain.purpose,
        "priority": plain.priority,
        "timing": plain.timing,
        "holdout": Decimal(plain.holdout_bp) / _PERCENT_BP,
        "window_days": plain.window_days,
        "lasts_days": plain.lasts_days,
    }


def filled(campaign: Campaign) -> dict[str, Any]:
    """Return a campaign as the form shows it."""
    said: dict[str, Any] = {
        "name": campaign.name,
        "segment": str(campaign.segment_id),
        "excluded": [str(one) for one in campaign.excluded],
        "offer": str(campaign.offer_id or ""),
        "purpose": campaign.purpose,
        "tag": campaign.tag,
        "priority": campaign.priority,
        "timing": campaign.timing,
        "at": campaign.at,
        "on_day": campaign.on_day,
        "clock": campaign.clock,
        "holdout": Decimal(campaign.holdout_bp) / _PERCENT_BP,
        "window_days": campaign.window_days,
        "lasts_days": campaign.lasts_days,
    }
    for number, row in enumerate(campaign.channels.all(), start=1):
        said[f"channel_{number}"], said[f"template_{number}"] = str(row.channel_id), str(row.template_id)
    return said
