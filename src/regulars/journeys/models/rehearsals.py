"""Dry runs that were asked for, with what they found."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from regulars.journeys.models.journeys import Journey


class Rehearsal(models.Model):
    """A dry run of a journey's draft over business days `[since_day, until_day)`: asked for, at work, over.

    `result` is a `journeys.dry_run.DryRun` as JSON. Of a journey at most one waits or is at work.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    AT_WORK = (State.QUEUED, State.RUNNING)

    journey = models.ForeignKey(Journey, on_delete=models.CASCADE, related_name="rehearsals")
    graph = models.JSONField()
    since_day = models.IntegerField()
    until_day = models.IntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    done = models.IntegerField(default=0)
    total = models.IntegerField(null=True)
    result = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True, default="")
    requested_at = models.DateTimeField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("journey",),
                condition=Q(state__in=("queued", "running")),
                name="journeys_rehearsal_one_at_work",
            ),
        )

    def __str__(self) -> str:
        return f"dry run {self.pk} of {self.journey_id}: {self.state}"
