"""Launches that somebody else has to agree to."""

from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.journeys.models.campaigns import Campaign
from regulars.journeys.models.journeys import Journey


@pghistory.track()
class ApprovalRule(models.Model):
    """Whose launches wait for a manager or the owner: one row at most; without it nobody's do.

    Who may not approve asks for it: for each journey, and for a campaign to a segment of more than `above` customers.
    """

    above = models.PositiveIntegerField(_("campaigns to more customers than"), default=0)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="journeys_approvalrule_one"),)

    def __str__(self) -> str:
        return f"> {self.above}"


@pghistory.track()
class Approval(models.Model):
    """A launch of a campaign or a journey that was asked for, and what was decided.

    What is approved is what was there when it was asked for: `fingerprint` is of that. Of each thing one at most is waiting.
    """

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("approval", "Waits for an answer")
        APPROVED = "approved", pgettext_lazy("approval", "Approved")
        DECLINED = "declined", pgettext_lazy("approval", "Declined")
        WITHDRAWN = "withdrawn", pgettext_lazy("approval", "Taken back")

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, null=True, blank=True, related_name="approvals"
    )
    journey = models.ForeignKey(
        Journey, on_delete=models.CASCADE, null=True, blank=True, related_name="approvals"
    )
    customers = models.PositiveIntegerField(pgettext_lazy("how many", "customers"), null=True, blank=True)
    moves = models.BooleanField(default=False)
    fingerprint = models.CharField(max_length=64, db_collation="C")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    asked_at = models.DateTimeField(_("asked"))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answer = models.CharField(pgettext_lazy("to a request", "answer"), max_length=500, blank=True, default="")

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(campaign=None, journey__isnull=False) | Q(campaign__isnull=False, journey=None),
                name="journeys_approval_of_one",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at=None, decided_by=None)
                | ~Q(state="waiting") & Q(decided_at__isnull=False, decided_by__isnull=False),
                name="journeys_approval_decided",
            ),
            models.UniqueConstraint(
                fields=("campaign",), condition=Q(state="waiting"), name="journeys_approval_campaign_once"
            ),
            models.UniqueConstraint(
                fields=("journey",), condition=Q(state="waiting"), name="journeys_approval_journey_once"
            ),
        )
        triggers: Any = (
            pgtrigger.Protect(
                name="decided_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__state__in=("approved", "declined", "withdrawn"))
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return str(self.campaign or self.journey)
