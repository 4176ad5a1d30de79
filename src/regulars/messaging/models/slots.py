"""Messages that wait on the shop's own site."""

from django.db import models

from regulars.messaging.models.deliveries import Delivery


class SlotMessage(models.Model):
    """What a customer reads on the shop's site, until they put it away; `shown_at` is when it first stood there."""

    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="slot", primary_key=True)
    title = models.CharField(max_length=300, blank=True)
    text = models.TextField()
    created_at = models.DateTimeField()
    shown_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title or self.text[:40]
