"""Campaigns: what is said once, to whom, over what, and how much of it is held back to measure against."""

from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.messaging.models import Channel, Send, Template, TemplateVersion
from regulars.offers.models import Offer
from regulars.segments.models import Segment
from regulars.shop.models.consents import Purpose


@pghistory.track(exclude=["trouble"])
class Campaign(models.Model):
    """A message to a segment, sent once.

    Only a draft changes. `scheduled` waits for `starts_at`, or, as `trouble` says (kept by `shop.wording`), for something that
    holds it back; once it has begun, how it stands is told by its `send`. Of the customers that can be reached at the start,
    `holdout_bp` of 10,000 get nothing. Orders count for it within `window_days` of a message; no message begins later than
    `lasts_days` after the start.

    `timing` is `now`, `at` (`at`) or `local` (`on_day` and `clock`, by each customer's own clock).
    """

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("campaign", "Draft")
        SCHEDULED = "scheduled", pgettext_lazy("campaign", "Scheduled")
        BEGUN = "begun", pgettext_lazy("campaign", "Begun")

    class Timing(models.TextChoices):
        NOW = "now", _("As soon as it is confirmed")
        AT = "at", _("At a time")
        LOCAL = "local", _("At a time of each customer's own clock")

    name = models.CharField(_("name"), max_length=100)
    segment = models.ForeignKey(
        Segment, on_delete=models.PROTECT, related_name="+", verbose_name=_("sent to")
    )
    excluded = ArrayField(models.BigIntegerField(), verbose_name=_("but not to"), default=list, blank=True)
    purpose = models.CharField(
        _("what customers allowed"), max_length=20, choices=Purpose, default=Purpose.MARKETING
    )
    tag = models.CharField(_("tag"), max_length=60, blank=True, db_collation="C")
    priority = models.SmallIntegerField(_("priority"), default=50)
    offer = models.ForeignKey(
        Offer, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("offer")
    )
    timing = models.CharField(_("when"), max_length=10, choices=Timing, default=Timing.NOW)
    at = models.DateTimeField(_("time"), null=True, blank=True)
    on_day = models.DateField(_("day"), null=True, blank=True)
    clock = models.TimeField(_("clock"), null=True, blank=True)
    holdout_bp = models.PositiveIntegerField(_("hold-out"), default=1_000)
    window_days = models.PositiveSmallIntegerField(_("days in which orders count"), default=7)
    lasts_days = models.PositiveSmallIntegerField(_("days in which messages may begin"), default=3)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    send = models.OneToOneField(
        Send, verbose_name=_("number of its send"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )  # fmt: skip
    trouble = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="journeys_campaign_named"),
            models.CheckConstraint(
                condition=Q(state="draft", starts_at=None, started_at=None, send=None)
                | Q(state="scheduled", starts_at__isnull=False, started_at=None, send=None)
                | Q(state="begun", starts_at__isnull=False, started_at__isnull=False, send__isnull=False),
                name="journeys_campaign_state",
            ),
            models.CheckConstraint(
                condition=Q(timing="now", at=None, on_day=None, clock=None)
                | Q(timing="at", at__isnull=False, on_day=None, clock=None)
                | Q(timing="local", at=None, on_day__isnull=False, clock__isnull=False),
                name="journeys_campaign_timing",
            ),
            models.CheckConstraint(
                condition=Q(
                    holdout_bp__lte=5_000,
                    priority__gte=0,
                    priority__lte=100,
                    window_days__gte=1,
                    window_days__lte=90,
                    lasts_days__gte=1,
                    lasts_days__lte=30,
                    purpose__in=Purpose.values,
                ),
                name="journeys_campaign_ranges",
            ),
            models.CheckConstraint(
                condition=Q(archived_at=None) | ~Q(state="scheduled"), name="journeys_campaign_archived"
            ),
        )
        indexes = (
            models.Index(
                fields=("starts_at",), condition=Q(state="scheduled"), name="journeys_campaign_starts"
            ),
        )
        triggers: Any = (
            pgtrigger.Trigger(
                name="only_drafts_change",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                IF NOT (OLD.state = NEW.state OR (OLD.state, NEW.state) IN
                        (('draft', 'scheduled'), ('scheduled', 'draft'), ('scheduled', 'begun'))) THEN
                    RAISE EXCEPTION 'campaign %: no way from % to %', OLD.id, OLD.state, NEW.state
                        USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.state <> 'draft' AND (OLD.name, OLD.segment_id, OLD.excluded, OLD.purpose, OLD.tag, OLD.priority,
                        OLD.offer_id, OLD.timing, OLD.at, OLD.on_day, OLD.clock, OLD.holdout_bp, OLD.window_days, OLD.lasts_days)
                    IS DISTINCT FROM (NEW.name, NEW.segment_id, NEW.excluded, NEW.purpose, NEW.tag, NEW.priority,
                        NEW.offer_id, NEW.timing, NEW.at, NEW.on_day, NEW.clock, NEW.holdout_bp, NEW.window_days, NEW.lasts_days)
                THEN
                    RAISE EXCEPTION 'campaign %: only a draft changes', OLD.id USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.state = 'begun' AND (OLD.send_id, OLD.started_at) IS DISTINCT FROM (NEW.send_id, NEW.started_at) THEN
                    RAISE EXCEPTION 'campaign %: it has begun once', OLD.id USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        )

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class CampaignChannel(models.Model):
    """A channel of a campaign and what is said over it. A customer gets the first, by `position`, that can reach them.

    `version` is what was confirmed: what is published later is not sent.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="channels", db_index=False)
    position = models.PositiveSmallIntegerField()
    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    template = models.ForeignKey(
        Template, on_delete=models.PROTECT, related_name="+", verbose_name=_("template")
    )
    version = models.ForeignKey(
        TemplateVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("campaign", "position"), name="journeys_channel_position"),
            models.UniqueConstraint(fields=("campaign", "channel"), name="journeys_channel_once"),
        )

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.position}"
