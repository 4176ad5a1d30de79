"""What people ask of their own data, what was done, and by what an erased person is known again."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from regulars.shop.models.record import Customer


@pghistory.track()
class PrivacyRequest(models.Model):
    """Somebody asked for their data, or to be erased. Staff decide once it is open.

    Asked by a public link it waits until the address on file confirms it. `customer` is null where nobody is known by
    what was asked with: such a request is done at once.
    """

    class Kind(models.TextChoices):
        ACCESS = "access", _("A copy of the data")
        ERASURE = "erasure", _("Erasure")

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("Waiting for confirmation")
        OPEN = "open", _("To decide")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Turned down")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="privacy_requests"
    )
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.OPEN)
    source = models.CharField(_("source"), max_length=60)
    asked_at = models.DateTimeField(_("asked"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answer = models.CharField(_("what was answered"), max_length=500, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=("access", "erasure")), name="shop_request_kind"),
            models.CheckConstraint(
                condition=Q(state__in=("unconfirmed", "open", "done", "refused")), name="shop_request_state"
            ),
            models.UniqueConstraint(
                fields=("customer", "kind"),
                condition=Q(state__in=("unconfirmed", "open")),
                name="shop_request_one_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


@pghistory.track(pghistory.InsertEvent())
class PrivacyAct(models.Model):
    """A person's data was taken out or erased: who did it, when and why. The row of the audit log for it."""

    class Kind(models.TextChoices):
        EXPORT = "export", _("Data exported")
        ERASURE = "erasure", _("Erased")

    class Reason(models.TextChoices):
        ASKED = "asked", _("The person asked")
        PLATFORM = "platform", _("A shop platform passed it on")
        DUTY = "duty", _("The law or a contract asks for it")
        RESTORED = "restored", _("An older backup had brought them back")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="privacy_acts")
    reason = models.CharField(_("reason"), max_length=20, choices=Reason)
    at = models.DateTimeField(_("when"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    rows = models.JSONField(_("rows by table"), default=dict)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"#{self.customer_id}"


class ErasedKey(models.Model):
    """Something by which an erased person, or an order of theirs, would be known again: only a keyed digest of it.

    What was told of them until `erased_at` does not come back; who comes again later is somebody new.
    """

    digest = models.CharField(max_length=64, primary_key=True, db_collation="C")
    erased_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:8]


class PrivacyLogPlace(models.Model):
    """How far this database has come in the log outside of it: one row. A restored backup has come less far."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    log_id = models.CharField(max_length=32)
    position = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="shop_privacy_place_one_row"),)

    def __str__(self) -> str:
        return f"{self.log_id} at {self.position}"
