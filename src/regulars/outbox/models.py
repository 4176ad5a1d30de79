from django.db import models


class OutboxEvent(models.Model):
    """A published domain event. Written in the transaction that made it true, never changed."""

    name = models.CharField(max_length=100)
    payload = models.JSONField()
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"


class Delivery(models.Model):
    """One receiver has handled one event."""

    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="deliveries")
    receiver = models.CharField(max_length=200)
    delivered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("event", "receiver"), name="outbox_delivery_once"),)

    def __str__(self) -> str:
        return f"{self.event_id} to {self.receiver}"
