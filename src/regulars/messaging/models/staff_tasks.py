"""Messages that a person brings: a call, a card, a gift."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from regulars.messaging.models.deliveries import Delivery
from regulars.shop.models import Interaction


class StaffTask(models.Model):
    """Something that one of the staff does for a customer by `due_at`, and what came of it.

    The reason that the customer gave is kept with `shop.models.Interaction`.
    """

    WITHIN = timedelta(days=3)

    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="task")
    title = models.CharField(max_length=300)
    text = models.TextField(blank=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(db_default=models.functions.Now())
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    outcome = models.CharField(max_length=20, choices=Interaction.Outcome, blank=True)
    note = models.CharField(max_length=1_000, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(closed_at=None), name="messaging_task_open"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(closed_at=None, outcome="") | (Q(closed_at__isnull=False) & ~Q(outcome="")),
                name="messaging_task_closed_with_outcome",
            ),
        )

    def __str__(self) -> str:
        return self.title
