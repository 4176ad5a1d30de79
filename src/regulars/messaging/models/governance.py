"""What holds messages back: caps, quiet hours, addresses that are written to no more."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from regulars.messaging.models.deliveries import Delivery
from regulars.shop.models.consents import Channel as Medium


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Cap(models.Model):
    """How many messages one customer gets at most in so many days.

    Of one `medium` and `tag`, empty for all. Days are the customer's own calendar days, today included, or, when
    `is_rolling`, spans of 24 hours that end now. What is over waits until there is room, as long as its send allows.
    """

    medium = models.CharField(_("channel"), max_length=20, blank=True, choices=Medium)
    tag = models.CharField(_("tag"), max_length=60, blank=True)
    most = models.PositiveSmallIntegerField(_("messages, at most"))
    days = models.PositiveSmallIntegerField(_("in days"), default=1)
    is_rolling = models.BooleanField(_("rolling"), default=False)

    class Meta:
        ordering = ("medium", "tag", "days")
        constraints = (
            models.UniqueConstraint(
                fields=("medium", "tag", "days", "is_rolling"), name="messaging_cap_once"
            ),
            models.CheckConstraint(
                condition=Q(most__gte=1, days__gte=1, days__lte=366), name="messaging_cap_positive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.most} / {self.days}"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class QuietHours(models.Model):
    """When no message of a medium goes out, by the customer's own clock; over midnight where the end comes first."""

    medium = models.CharField(_("channel"), max_length=20, choices=Medium, unique=True)
    begins = models.TimeField(_("from"))
    ends = models.TimeField(_("until"))

    class Meta:
        ordering = ("medium",)
        constraints = (
            models.CheckConstraint(condition=~Q(begins=models.F("ends")), name="messaging_quiet_some_time"),
        )

    def __str__(self) -> str:
        return f"{self.get_medium_display()} {self.begins:%H:%M}–{self.ends:%H:%M}"


@pghistory.track(
    # What staff did; what channels told stands in the ledger.
    pghistory.InsertEvent(condition=pghistory.Q(new__reason="staff")),
    pghistory.DeleteEvent(),
    exclude=["delivery"],
)
class SuppressedAddress(models.Model):
    """An address that is written to no more, whoever has it. It stands here as a keyed digest, which names nobody.

    `delivery` is the message that showed it.
    """

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("The address does not exist")
        COMPLAINT = "complaint", _("Reported as spam")
        STAFF = "staff", _("Entered by staff")

    medium = models.CharField(_("channel"), max_length=20, choices=Medium)
    digest = models.CharField(max_length=64, db_collation="C")
    reason = models.CharField(_("reason"), max_length=20, choices=Reason)
    at = models.DateTimeField()
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("medium", "digest"), name="messaging_suppressed_once"),
        )

    def __str__(self) -> str:
        return f"{self.get_medium_display()} {self.digest[:8]}"
