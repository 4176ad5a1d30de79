"""What an import added to the record and changed in it, so that it can be taken back."""

from django.db import models


class ChangeSet(models.Model):
    """What one import did. Rows it added are ranges of ids, because nobody else writes those tables meanwhile.

    `added` is the first and last id by table, and every id of `shop_account` and `shop_contact`, which others write; `is_overtaken` says that data which came another way than by an
    import has since spoken of the same rows.
    """

    made_at = models.DateTimeField()
    added = models.JSONField(default=dict)
    is_overtaken = models.BooleanField(default=False, db_default=False)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"changes #{self.pk}"


class ChangedRow(models.Model):
    """A row that was there before: as the change set found it, and as it left it. Written by a trigger."""

    change_set = models.ForeignKey(ChangeSet, on_delete=models.CASCADE, related_name="rows", db_index=False)
    table = models.CharField(max_length=63)
    row_id = models.BigIntegerField()
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("change_set", "table", "row_id"), name="shop_changed_row_once"),
        )

    def __str__(self) -> str:
        return f"{self.table} {self.row_id}"


class Overlap(models.Model):
    """A later change set that spoke of rows which an earlier one had added or changed."""

    earlier = models.ForeignKey(ChangeSet, on_delete=models.CASCADE, related_name="overlaps", db_index=False)
    later = models.ForeignKey(ChangeSet, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("earlier", "later"), name="shop_overlap_once"),)

    def __str__(self) -> str:
        return f"{self.later_id} over {self.earlier_id}"
