"""Experiments: what was to be found out, who was to get what, and what was decided."""

from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.segments.models import Segment
from regulars.shop.models import Customer


@pghistory.track()
class Experiment(models.Model):
    """A question that chance decides fairly: the same customers, drawn into arms, one of them the control.

    Only a draft changes. `running` has assigned every member of its segment, by `salt`, once; what they do counts for `days`
    days from `started_at`. `stopped` and `rolled_out` were ended by a person at `ended_at`; nothing counts after. An `imported` one
    took place elsewhere: `outcomes` has the moments of its arms, `fingerprint` what it was read from.

    `planned` is what was reckoned at the launch: metric, units, and the effect that it would probably see.
    """

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("experiment", "Draft")
        RUNNING = "running", pgettext_lazy("experiment", "Running")
        STOPPED = "stopped", pgettext_lazy("experiment", "Stopped")
        ROLLED_OUT = "rolled_out", pgettext_lazy("experiment", "Rolled out")
        IMPORTED = "imported", pgettext_lazy("experiment", "Imported")

    class Varies(models.TextChoices):
        MESSAGE = "message", pgettext_lazy("varies", "The message")
        OFFER = "offer", pgettext_lazy("varies", "The offer")
        CHANNEL = "channel", pgettext_lazy("varies", "The channel")
        TIMING = "timing", pgettext_lazy("varies", "The time")
        PLAYBOOK = "playbook", pgettext_lazy("varies", "A whole playbook")
        OTHER = "other", pgettext_lazy("varies", "Something else")

    name = models.CharField(_("name"), max_length=100)
    question = models.CharField(_("what is to be found out"), max_length=500, blank=True)
    varies = models.CharField(_("what differs"), max_length=20, choices=Varies, default=Varies.MESSAGE)
    segment = models.ForeignKey(
        Segment, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("among")
    )
    metric = models.CharField(_("decided by"), max_length=60)
    days = models.PositiveSmallIntegerField(_("days in which it counts"), default=28)
    salt = models.CharField(max_length=60, unique=True, db_collation="C")
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.DRAFT)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    winner = models.ForeignKey(
        "Arm", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("rolled out")
    )
    planned = models.JSONField(default=dict, blank=True)
    outcomes = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=64, null=True, blank=True, unique=True, db_collation="C")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="experiments_experiment_named"),
            models.CheckConstraint(
                condition=Q(state="draft", started_at=None, ended_at=None, winner=None, fingerprint=None)
                | Q(state="running", started_at__isnull=False, ended_at=None, winner=None, fingerprint=None)
                | Q(state="stopped", started_at__isnull=False, ended_at__gte=F("started_at"), winner=None)
                | Q(state="rolled_out", started_at__isnull=False, ended_at__gte=F("started_at"), winner__isnull=False)
                | Q(state="imported", fingerprint__isnull=False, segment=None, winner=None),
                name="experiments_experiment_state",
            ),
            models.CheckConstraint(condition=Q(days__gte=1, days__lte=365), name="experiments_experiment_days"),
        )  # fmt: skip
        triggers: Any = (
            pgtrigger.Trigger(
                name="only_drafts_change",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                IF NOT (OLD.state = NEW.state OR (OLD.state, NEW.state) IN
                        (('draft', 'running'), ('running', 'stopped'), ('running', 'rolled_out'))) THEN
                    RAISE EXCEPTION 'experiment %: no way from % to %', OLD.id, OLD.state, NEW.state
                        USING ERRCODE = 'check_violation';
                END IF;
                IF OLD.salt <> NEW.salt OR OLD.state <> 'draft' AND (OLD.name, OLD.question, OLD.varies, OLD.segment_id, OLD.metric,
                        OLD.days, OLD.started_at, OLD.planned, OLD.outcomes, OLD.fingerprint)
                    IS DISTINCT FROM (NEW.name, NEW.question, NEW.varies, NEW.segment_id, NEW.metric,
                        NEW.days, NEW.started_at, NEW.planned, NEW.outcomes, NEW.fingerprint) THEN
                    RAISE EXCEPTION 'experiment %: only a draft changes', OLD.id USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        )

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Arm(models.Model):
    """One of the things that are compared; `position` 0 is the control. `share_bp` of 10,000 customers are drawn into it.

    `source_kind` and `source_id` name what it does, such as a campaign of which the other arms' customers get nothing; empty where
    nothing is done, or where it is done elsewhere.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms", db_index=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(_("name"), max_length=60)
    share_bp = models.PositiveIntegerField(_("share"))
    source_kind = models.CharField(max_length=30, blank=True, db_collation="C")
    source_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("experiment_id", "position")
        constraints = (
            models.UniqueConstraint(fields=("experiment", "position"), name="experiments_arm_position"),
            models.UniqueConstraint(fields=("experiment", "name"), name="experiments_arm_name"),
            models.CheckConstraint(condition=Q(share_bp__gte=1, share_bp__lte=9_999), name="experiments_arm_share"),
            models.CheckConstraint(
                condition=Q(source_kind="", source_id=None) | ~Q(source_kind="") & Q(source_id__isnull=False),
                name="experiments_arm_source",
            ),
        )  # fmt: skip
        indexes = (
            models.Index(
                fields=("source_kind", "source_id"),
                condition=~Q(source_kind=""),
                name="experiments_arm_of_source",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Assignment(models.Model):
    """A customer was drawn into an arm. Never changed: whatever they got afterwards, they count for this arm."""

    pk = models.CompositePrimaryKey("experiment_id", "customer_id")
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="+", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    arm = models.ForeignKey(Arm, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        triggers: Any = (pgtrigger.ReadOnly(name="never_changed", fields=["arm", "at"]),)

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.arm_id}"
