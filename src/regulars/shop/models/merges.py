"""Customers who turned out to be one."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from regulars.shop.models.record import Customer


class Merge(models.Model):
    """One customer became part of another. `moved` and `copied` say what to take back when it is undone.

    `moved` is a list of row ids for each table. `copied` is what the kept customer was given a copy of, with the
    value it had before.
    """

    class Evidence(models.TextChoices):
        SAME_CALL = "same_call", _("Told together, and nothing speaks against it")
        ALIAS = "alias", _("The shop's own program says so")
        PERSON = "person", _("A member of staff says so")

    kept = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="merges_kept")
    absorbed = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="merges_absorbed")
    evidence = models.CharField(max_length=20, choices=Evidence)
    detail = models.CharField(max_length=400, blank=True)
    moved = models.JSONField(default=dict)
    copied = models.JSONField(default=dict)
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=~Q(kept=F("absorbed")), name="shop_merge_of_two"),
            models.UniqueConstraint(
                fields=("absorbed",), condition=Q(undone_at__isnull=True), name="shop_merge_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.absorbed_id} into {self.kept_id}"


class MergeSuggestion(models.Model):
    """Two customers who share an address, but of whom something says that they are two. For a person to decide.

    `first` has the lower id.
    """

    first = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    value = models.CharField(max_length=320)
    suggested_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("value",), name="shop_merge_suggestion_value"),)
        constraints = (
            models.UniqueConstraint(fields=("first", "second"), name="shop_merge_suggested_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="shop_merge_suggestion_order"),
        )

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"
