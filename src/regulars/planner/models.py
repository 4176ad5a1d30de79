import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from regulars.shop.models import Customer


@pghistory.track()
class Capacity(models.Model):
    """How many customers the staff can call, and the shop can write to, in a day: one row, changed in the settings."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    calls_per_day = models.PositiveIntegerField(_("Calls a day"), default=20)
    messages_per_day = models.PositiveIntegerField(_("Messages a day"), default=200)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="planner_capacity_one_row"),)

    def __str__(self) -> str:
        return "capacity"


# What people do is history; that numbers grow older every night is not.
@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(condition=pghistory.AnyChange("state", "assignee", "note")),
)
class Action(models.Model):
    """One customer to contact: why, with which playbook, by whom, and what came of it.

    A customer has at most one open action. `reason` holds a code and its numbers as of the latest refresh, put into
    words by `insights.reasons`; `value_minor` is what is at stake, by which the list is ordered; `as_of_day` is the
    day the action was opened for.
    """

    class State(models.TextChoices):
        OPEN = "open", _("To do")
        DONE = "done", _("Done")
        DISMISSED = "dismissed", _("Dismissed")
        EXPIRED = "expired", _("No longer needed")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="actions")
    playbook = models.CharField(max_length=60)
    reason = models.JSONField()
    value_minor = models.BigIntegerField()
    as_of_day = models.IntegerField()
    state = models.CharField(max_length=20, choices=State, default=State.OPEN)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="actions"
    )
    note = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("customer",), condition=Q(state="open"), name="planner_one_open_action"
            ),
        )
        indexes = (
            models.Index(fields=("state", "value_minor", "id"), name="planner_action_open"),
            # Counts by playbook read this index alone; a list of one playbook walks it.
            models.Index(fields=("state", "playbook", "value_minor", "id"), name="planner_action_playbook"),
            models.Index(fields=("customer", "-as_of_day"), name="planner_action_customer"),
            # What was closed today, and who rests because of it.
            models.Index(
                fields=("closed_at",),
                condition=Q(state__in=("done", "dismissed")),
                name="planner_action_closed",
            ),
        )

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.playbook}"
