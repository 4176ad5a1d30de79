import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from regulars.intake.kinds import KINDS
from regulars.intake.kinds.kind import Label
from regulars.shop.models import ChangeSet, EventSource, Store


@pghistory.track()
class ColumnMap(models.Model):
    """A saved mapping from a file's columns to the record's fields, proposed again for the same header."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(max_length=20, default="orders")
    header = models.JSONField()
    mapping = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def kind_label(self) -> Label:
        """What pages call a file that the map is for."""
        return KINDS[self.kind].label


class Import(models.Model):
    """One file on its way into the record. read = accepted + refunds + rejected, in lines."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("Waiting for its columns to be matched")
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")

    kind = models.CharField(max_length=20, default="orders")
    store = models.ForeignKey(Store, on_delete=models.PROTECT)
    file_name = models.CharField(_("file"), max_length=300)
    file_path = models.CharField(max_length=1000)
    file_bytes = models.BigIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    header = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.UPLOADED)
    stage = models.CharField(max_length=40, blank=True)
    stage_done = models.BigIntegerField(default=0)
    stage_total = models.BigIntegerField(null=True)
    lines_read = models.BigIntegerField(default=0)
    lines_accepted = models.BigIntegerField(default=0)
    lines_rejected = models.BigIntegerField(default=0)
    refunds_matched = models.BigIntegerField(default=0)
    refunds_unmatched = models.BigIntegerField(default=0)
    orders_added = models.BigIntegerField(default=0)
    customers_added = models.BigIntegerField(default=0)
    products_added = models.BigIntegerField(default=0)
    rows_added = models.BigIntegerField(default=0, db_default=0)
    rows_changed = models.BigIntegerField(default=0, db_default=0)
    change_set = models.OneToOneField(
        ChangeSet, on_delete=models.SET_NULL, null=True, blank=True, related_name="imported"
    )
    undone_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(state__in=("done", "undoing", "undone"))
                | models.Q(
                    lines_read=models.F("lines_accepted")
                    + models.F("refunds_matched")
                    + models.F("refunds_unmatched")
                    + models.F("lines_rejected")
                ),
                name="intake_import_nothing_lost",
            ),
        )

    def __str__(self) -> str:
        return f"{self.file_name} #{self.pk}"

    @property
    def kind_label(self) -> Label:
        """What pages call such a file."""
        return KINDS[self.kind].label

    @property
    def refunds(self) -> int:
        """Refund lines, with and without an order."""
        return self.refunds_matched + self.refunds_unmatched


class Reject(models.Model):
    """A line that could not be understood: where it stood, what was wrong, and the line itself."""

    imported = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejects")
    line_number = models.BigIntegerField()
    column = models.CharField(max_length=200)
    value = models.TextField()
    reason = models.CharField(max_length=60)
    raw = models.JSONField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("imported", "line_number"), name="intake_reject_once"),
        )

    def __str__(self) -> str:
        return f"{self.imported_id}:{self.line_number} {self.reason}"


@pghistory.track()
class WriteKey(models.Model):
    """What a program or a page names when it sends events to a source.

    It is kept as it is: browsers show it to everybody who looks, and all it allows is to tell the shop something.
    `origins` are the sites whose pages may send with it, none for any; the rest is how the snippet behaves there.
    """

    source = models.ForeignKey(EventSource, on_delete=models.PROTECT, related_name="write_keys")
    key = models.CharField(max_length=40, unique=True, db_collation="C")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    origins = ArrayField(models.CharField(max_length=300), default=list, db_default=[], blank=True)
    asks_consent = models.BooleanField(_("waits for consent"), default=False, db_default=False)
    heeds_signals = models.BooleanField(_("heeds Do Not Track"), default=True, db_default=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.key[:6]}…"


class Call(models.Model):
    """A call of the track API: kept as it came before it is answered, then worked through.

    `outcomes` has a letter for each event (see `track.working.Outcome`), `notes` a list of [event, reason, detail] for those of
    which there is something to say.
    """

    source = models.ForeignKey(EventSource, on_delete=models.PROTECT, related_name="calls", db_index=False)
    kind = models.CharField(max_length=10)
    body = models.BinaryField()
    events = models.PositiveIntegerField()
    received_at = models.DateTimeField()
    worked_at = models.DateTimeField(null=True)
    outcomes = models.TextField(default="")
    notes = models.JSONField(default=list)

    class Meta:
        indexes = (
            models.Index(
                fields=("id",), name="intake_call_waiting", condition=models.Q(worked_at__isnull=True)
            ),
            models.Index(fields=("source", "-id"), name="intake_call_of_source"),
            models.Index(fields=("received_at",), name="intake_call_received"),
        )

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"
