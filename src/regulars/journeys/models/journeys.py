"""Journeys: a graph of steps in versions, who is on the way, and every step that was passed."""

import uuid
from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.shop.models import Customer


def new_salt() -> str:
    """Return what the buckets of a new journey are drawn with."""
    return f"journey:{uuid.uuid4().hex}"


@pghistory.track(exclude=["revision"])
class Journey(models.Model):
    """A way that customers go by themselves. What people draw is `graph`; what runs is the `current` version.

    `revision` counts what was saved of the graph, so that two people do not write over each other. By buckets of `salt` it is
    settled for ever who is in the hold-out and which way of a split each customer goes.
    """

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("journey", "Draft")
        RUNNING = "running", pgettext_lazy("journey", "Running")
        PAUSED = "paused", pgettext_lazy("journey", "Paused")
        ENDED = "ended", pgettext_lazy("journey", "Ended")

    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    graph = models.JSONField(_("graph"), default=dict)
    revision = models.IntegerField(default=1)
    current = models.ForeignKey(
        "JourneyVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    salt = models.CharField(max_length=60, default=new_salt, editable=False, db_collation="C")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="journeys_journey_named"),
            models.CheckConstraint(
                condition=Q(state="draft", current=None, started_at=None, ended_at=None)
                | Q(
                    state__in=("running", "paused"),
                    current__isnull=False,
                    started_at__isnull=False,
                    ended_at=None,
                )
                | Q(state="ended", current__isnull=False, started_at__isnull=False, ended_at__isnull=False),
                name="journeys_journey_state",
            ),
            models.CheckConstraint(
                condition=Q(archived_at=None) | Q(state__in=("draft", "ended")),
                name="journeys_journey_archived",
            ),
        )

    def __str__(self) -> str:
        return self.name


class JourneyVersion(models.Model):
    """A graph that was published. It never changes; who entered by it finishes by it, unless they are moved.

    `listens_to` names the behaviour at which something is to be done within a second.
    """

    journey = models.ForeignKey(Journey, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.IntegerField(_("version"))
    graph = models.JSONField()
    listens_to = ArrayField(models.CharField(max_length=200), default=list)
    published_at = models.DateTimeField(_("published"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("journey", "number"), name="journeys_version_once"),)
        triggers: Any = (pgtrigger.Protect(name="frozen", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.journey_id} v{self.number}"


class Gate(models.Model):
    """The door of a journey: who lets customers in holds its row, so that re-entry rules and caps are kept.

    `admitted` were let in on the business day `day`. Entries that come by the clock were looked at up to `looked_at`.
    """

    journey = models.OneToOneField(Journey, on_delete=models.CASCADE, primary_key=True, related_name="gate")
    day = models.IntegerField(default=0)
    admitted = models.IntegerField(default=0)
    looked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.journey_id}: {self.admitted} on {self.day}"


class Enrollment(models.Model):
    """A customer on a journey. `key` says what brought them: the same reason brings nobody twice.

    They stand at `step` since `arrived_at`, having passed `passed` steps; at `next_at` somebody looks at them. With `listens` they
    are looked at as soon as something happens to the customer. It is the customer's `ordinal`-th time on this journey.
    """

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("enrollment", "Waits to be let in")
        ACTIVE = "active", pgettext_lazy("enrollment", "On the way")
        PARKED = "parked", pgettext_lazy("enrollment", "Parked")
        FINISHED = "finished", pgettext_lazy("enrollment", "Came to the end")
        GOAL = "goal", pgettext_lazy("enrollment", "Reached the goal")
        EXITED = "exited", pgettext_lazy("enrollment", "Left by the exit rule")
        REMOVED = "removed", pgettext_lazy("enrollment", "Taken off")
        HELD_OUT = "held_out", pgettext_lazy("enrollment", "In the hold-out")

    OPEN = (State.QUEUED, State.ACTIVE, State.PARKED)

    journey = models.ForeignKey(Journey, on_delete=models.PROTECT, related_name="enrollments", db_index=False)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="enrollments", db_constraint=False, db_index=False
    )
    key = models.CharField(max_length=100, db_collation="C")
    version = models.ForeignKey(
        JourneyVersion, on_delete=models.PROTECT, related_name="enrollments", db_index=False
    )
    ordinal = models.IntegerField()
    state = models.CharField(max_length=10, choices=State)
    step = models.CharField(max_length=40, blank=True, default="", db_collation="C")
    passed = models.IntegerField(default=0)
    enrolled_at = models.DateTimeField()
    entered_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    listens = models.BooleanField(default=False)
    left_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("journey", "customer", "key"), name="journeys_enrollment_once"),
            models.UniqueConstraint(
                fields=("journey", "customer", "ordinal"), name="journeys_enrollment_ordinal"
            ),
            models.CheckConstraint(
                condition=Q(state="queued", entered_at=None, left_at=None, next_at=None)
                | Q(
                    state="active",
                    entered_at__isnull=False,
                    arrived_at__isnull=False,
                    next_at__isnull=False,
                    left_at=None,
                )
                | (Q(state="parked", entered_at__isnull=False, next_at=None, left_at=None) & ~Q(reason=""))
                | Q(
                    state__in=("finished", "goal", "exited", "removed", "held_out"),
                    next_at=None,
                    left_at__isnull=False,
                ),
                name="journeys_enrollment_state",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("active", "parked")) | ~Q(step=""), name="journeys_enrollment_step"
            ),
        )
        indexes = (
            models.Index(
                fields=("version", "next_at"), condition=Q(state="active"), name="journeys_enrollment_due"
            ),
            models.Index(
                fields=("journey", "id"), condition=Q(state="queued"), name="journeys_enrollment_queue"
            ),
            models.Index(
                fields=("customer",),
                condition=Q(state="active", listens=True),
                name="journeys_enrollment_listens",
            ),
            models.Index(fields=("customer", "-enrolled_at"), name="journeys_enrollment_customer"),
            models.Index(fields=("journey", "-id"), name="journeys_enrollment_latest"),
            models.Index(fields=("version", "step", "state"), name="journeys_enrollment_where"),
            # What happened lately, over all journeys.
            models.Index(
                fields=("entered_at",),
                condition=Q(entered_at__isnull=False),
                name="journeys_enrollment_entered",
            ),
            models.Index(
                fields=("left_at",), condition=Q(left_at__isnull=False), name="journeys_enrollment_left"
            ),
            models.Index(fields=("journey",), condition=Q(state="parked"), name="journeys_enrollment_parked"),
        )

    def __str__(self) -> str:
        return f"{self.customer_id} on {self.journey_id} ({self.key})"


class Passage(models.Model):
    """One step that an enrollment passed, by which way out; never changed. The `number`-th step is passed once."""

    pk = models.CompositePrimaryKey("enrollment_id", "number")
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="passages", db_constraint=False, db_index=False
    )
    number = models.IntegerField()
    version = models.ForeignKey(
        JourneyVersion, on_delete=models.CASCADE, related_name="passages", db_constraint=False, db_index=False
    )
    step = models.CharField(max_length=40, db_collation="C")
    out = models.CharField(max_length=40, db_collation="C")
    at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes = (models.Index(fields=("version", "step", "out"), name="journeys_passage_counts"),)
        triggers: Any = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update),)

    def __str__(self) -> str:
        return f"{self.enrollment_id} #{self.number}: {self.step} by {self.out}"
