import zlib
from typing import TYPE_CHECKING

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


if TYPE_CHECKING:
    _Binary = models.BinaryField[bytes, bytes]
else:
    _Binary = models.BinaryField


class PackedField(_Binary):
    """Bytes that are packed by zlib where that pays. JSON never begins as packed bytes do, so both may stand side by side.

    PostgreSQL would pack them itself, at twice the cost and to twice the length.
    """

    def get_prep_value(self, value: bytes | None) -> bytes | None:
        """Pack."""
        return None if value is None else pack(value)

    def from_db_value(self, value: bytes | memoryview | None, *_: object) -> bytes | None:
        """Unpack."""
        return None if value is None else unpack(bytes(value))


def pack(body: bytes) -> bytes:
    """Return a JSON body as a `PackedField` keeps it."""
    return zlib.compress(body, 1) if len(body) > _WORTH_PACKING_BYTES else body


def unpack(kept: bytes) -> bytes:
    """Return the body that was packed, or that was not worth it."""
    return zlib.decompress(kept) if kept.startswith(_PACKED) else kept


_WORTH_PACKING_BYTES = 2_000
_PACKED = zlib.compress(b"", 1)[:2]


class Call(models.Model):
    """A call of the track API: kept as it came before it is answered, then worked through.

    `outcomes` has a letter for each event (see `track.working.Outcome`), `notes` a list of [event, reason, detail] for those of
    which there is something to say.
    """

    source = models.ForeignKey(EventSource, on_delete=models.PROTECT, related_name="calls", db_index=False)
    kind = models.CharField(max_length=10)
    body = PackedField()
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


@pghistory.track()
class Connection(models.Model):
    """A shop of the merchant's on some platform: it sends webhooks, and is read through its API.

    `key` is the last part of the address that its webhooks go to. One that was disconnected keeps the row, without secrets.
    """

    connector = models.CharField(max_length=40, db_collation="C")
    name = models.CharField(_("name"), max_length=60)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="connections")
    address = models.CharField(_("address"), max_length=300, db_collation="C")
    key = models.CharField(max_length=40, unique=True, db_collation="C")
    connected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    connected_at = models.DateTimeField()
    disconnected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=("connector", "address"), name="intake_connection_once"),
        )

    def __str__(self) -> str:
        return self.name


class Credential(models.Model):
    """A secret of a connection, sealed. What webhooks are signed with may be two at a time, while one replaces the other."""

    class Use(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook secret")
        ACCESS = "access", _("Access to the API")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="credentials")
    use = models.CharField(max_length=10, choices=Use)
    sealed = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("connection",), name="intake_credential_one_access", condition=models.Q(use="access")
            ),
        )

    def __str__(self) -> str:
        return f"{self.use} of {self.connection_id}"


class Delivery(models.Model):
    """A message of a shop: kept as it came before it is answered, then worked through. Known for ever by `key`.

    `key` is the first half of the SHA-256 of the platform's id and of the body: WooCommerce gives two messages of one second
    the same id. The body goes a week after it was understood. Objects that a back-fill could not bring in are kept here too.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("In the record")
        OLD = "old", _("Nothing new")
        IGNORED = "ignored", _("Nothing to do")
        PARKED = "parked", _("Not understood")

    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    key = models.UUIDField()
    topic = models.CharField(max_length=100)
    is_from_backfill = models.BooleanField(default=False, db_default=False)
    body = models.BinaryField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING, db_default="waiting")
    reason = models.CharField(max_length=60, blank=True, default="", db_default="")
    detail = models.CharField(max_length=300, blank=True, default="", db_default="")
    received_at = models.DateTimeField()
    worked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("connection", "key"), name="intake_delivery_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=("waiting", "done", "old", "ignored", "parked")),
                name="intake_delivery_state_known",
            ),
        )
        indexes = (
            models.Index(fields=("id",), name="intake_delivery_waiting", condition=models.Q(state="waiting")),
            models.Index(
                fields=("connection", "-id"),
                name="intake_delivery_parked",
                condition=models.Q(state="parked"),
            ),
            models.Index(fields=("connection", "-id"), name="intake_delivery_latest"),
            models.Index(
                fields=("received_at",), name="intake_delivery_bodies", condition=models.Q(body__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"


class ShopObject(models.Model):
    """What a shop last told of one of its things, as far as it must be known to place what comes later.

    `version_at`, `rank` and `digest` say which of two tellings is the later one. `told` holds no personal data: of an order
    its number, status and amount, of a refund its amounts.
    """

    class Kind(models.TextChoices):
        ORDER = "order"
        REFUND = "refund"
        CUSTOMER = "customer"
        PRODUCT = "product"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    code = models.CharField(max_length=200, db_collation="C")
    order_code = models.CharField(max_length=200, blank=True, default="", db_collation="C")
    version_at = models.DateTimeField(null=True)
    rank = models.SmallIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True, default="")
    is_deleted = models.BooleanField(default=False)
    is_restored = models.BooleanField(default=False)
    told = models.JSONField(default=dict)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("connection", "kind", "code"), name="intake_shop_object_once"),
        )
        indexes = (
            models.Index(
                fields=("connection", "order_code"),
                name="intake_shop_object_refunds",
                condition=models.Q(kind="refund"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"


class Backfill(models.Model):
    """A reading of a shop through its API: of everything, or of what changed since some time.

    A page of the API and the `cursor` behind it become part of the database together, so that it goes on where it stopped.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="backfills")
    since = models.DateTimeField(null=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    resource = models.CharField(max_length=40, blank=True)
    cursor = models.TextField(blank=True)
    read = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    changed = models.BigIntegerField(default=0)
    parked = models.BigIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("connection",),
                name="intake_backfill_one_at_a_time",
                condition=models.Q(state__in=("queued", "running")),
            ),
        )

    def __str__(self) -> str:
        return f"back-fill #{self.pk}"


class PrivacyRequest(models.Model):
    """What a customer asks for through a platform. The law gives a month; it is open until somebody has seen to it."""

    class Kind(models.TextChoices):
        EXPORT = "export", _("Wants to see what is kept of them")
        ERASE = "erase", _("Wants to be forgotten")
        ERASE_SHOP = "erase_shop", _("The shop's customers are to be forgotten: the app was removed")

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="privacy_requests")
    kind = models.CharField(max_length=20, choices=Kind)
    external = models.CharField(max_length=200, blank=True, db_collation="C")
    reference = models.CharField(max_length=64, blank=True, db_collation="C")
    orders = models.JSONField(default=list)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        ordering = ("due_at", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "kind", "external", "reference"), name="intake_privacy_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("due_at",), name="intake_privacy_open", condition=models.Q(done_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.external}"
