"""The ways by which messages go out, and how fast."""

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


@pghistory.track(
    exclude=["sealed", "trouble", "trouble_since", "closed_until", "closings", "deaf_trouble", "deaf_since"]
)
class Channel(models.Model):
    """One way by which messages go out: a mail server, a gateway, a list of tasks.

    `kind` is one of `messaging.channels`, `medium` what it reaches people by, as consents name it, empty where nobody is reached
    by the channel itself. `options` can be read by whoever sees the page; secrets are `sealed`. `key` stands in the addresses
    that its provider calls. `cost_minor` is what one message, or one segment of an SMS, costs in the base currency.

    Nothing goes out before `closed_until`: what it was tried with failed for no fault of the message, `closings` times on end.
    Since `deaf_since` its mailbox cannot be read, for the reason `deaf_trouble`: what comes back is not known.
    """

    kind = models.CharField(max_length=30)
    name = models.CharField(_("name"), max_length=60)
    medium = models.CharField(max_length=20, blank=True)
    options = models.JSONField(default=dict)
    sealed = models.TextField(blank=True, default="")
    key = models.CharField(max_length=64, unique=True, editable=False, db_collation="C")
    cost_minor = models.DecimalField(_("cost"), max_digits=14, decimal_places=4, default=0)
    per_minute = models.PositiveIntegerField(_("messages a minute, at most"), null=True, blank=True)
    domain_per_minute = models.PositiveIntegerField(
        _("messages a minute to one domain, at most"), null=True, blank=True
    )
    warm_up_first = models.PositiveIntegerField(_("messages on the first day"), null=True, blank=True)
    warm_up_from = models.DateField(_("first day of the warm-up"), null=True, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    trouble = models.CharField(max_length=500, blank=True, default="")
    trouble_since = models.DateTimeField(null=True, blank=True)
    closed_until = models.DateTimeField(null=True, blank=True)
    closings = models.SmallIntegerField(default=0)
    deaf_trouble = models.CharField(max_length=500, blank=True, default="")
    deaf_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("name",), condition=Q(is_active=True), name="messaging_channel_name_once"
            ),
            models.CheckConstraint(
                condition=~Q(name="") & Q(cost_minor__gte=0), name="messaging_channel_usable"
            ),
            models.CheckConstraint(
                condition=(Q(per_minute=None) | Q(per_minute__gte=1))
                & (Q(domain_per_minute=None) | Q(domain_per_minute__gte=1))
                & (Q(warm_up_first=None) | Q(warm_up_first__gte=1)),
                name="messaging_channel_limits_positive",
            ),
            models.CheckConstraint(
                condition=Q(warm_up_first=None, warm_up_from=None)
                | Q(warm_up_first__isnull=False, warm_up_from__isnull=False),
                name="messaging_channel_warm_up_whole",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Pace(models.Model):
    """How many messages a channel began in a minute or on a day, all told (`domain` empty) or to one domain.

    `planned` are those that wait for it.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="paces", db_index=False)
    domain = models.CharField(max_length=255, blank=True, db_collation="C")
    is_day = models.BooleanField()
    begins_at = models.DateTimeField()
    used = models.IntegerField(default=0)
    planned = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("channel", "is_day", "begins_at", "domain"), name="messaging_pace_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel_id} {self.domain} {self.begins_at}: {self.used}"
