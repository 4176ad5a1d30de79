from django.db import models

from regulars.staff.models import ApiKey


class RateWindow(models.Model):
    """How often a key has called in its present window of a minute. The table is unlogged: a crash forgives."""

    api_key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="+")
    started_at = models.DateTimeField()
    calls = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.api_key_id}: {self.calls}"


class Reply(models.Model):
    """What a POST with an `Idempotency-Key` was answered, to be said again when the program asks again.

    Written in the transaction of the change itself: either both are there or neither.
    """

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    idempotency_key = models.CharField(max_length=255, db_collation="C")
    request_sha256 = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    body = models.TextField(blank=True)
    location = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("api_key", "idempotency_key"), name="api_reply_once"),)

    def __str__(self) -> str:
        return f"{self.idempotency_key}: {self.status}"
