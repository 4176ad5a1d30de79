"""The consent ledger: what each customer allowed and took back."""

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from regulars.shop.models.record import Customer


class Channel(models.TextChoices):
    """A way to reach somebody."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    PHONE = "phone", _("Phone calls")
    WHATSAPP = "whatsapp", "WhatsApp"
    WECOM = "wecom", _("WeCom")
    POST = "post", _("Post")
    PUSH = "push", _("Push messages")
    WEB = "web", _("The shop's own site")


class Purpose(models.TextChoices):
    """What for."""

    MARKETING = "marketing", _("Offers and news")
    SERVICE = "service", _("Questions about orders and service")
    PROFILING = "profiling", _("Personal suggestions from what was bought and looked at")
    ANALYTICS = "analytics", _("Counting visits")


class Consent(models.Model):
    """One statement about one channel and purpose. Never changed: the present state is the latest statement.

    `key` is the sender's own id of the statement, so that one that arrives twice is one. `address` is the e-mail
    or the number it was given for, where it was given for one.
    """

    Channel = Channel
    Purpose = Purpose

    class State(models.TextChoices):
        GRANTED = "granted", _("Allowed")
        PENDING = "pending", _("Waiting for confirmation")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="consents", db_index=False)
    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    state = models.CharField(_("state"), max_length=20, choices=State)
    at = models.DateTimeField(_("when"))
    address = models.CharField(_("for"), max_length=320, blank=True)
    wording = models.CharField(_("wording"), max_length=200, blank=True)
    source = models.CharField(_("source"), max_length=200)
    ip = models.GenericIPAddressField(_("network address"), null=True, blank=True)
    key = models.CharField(max_length=200, unique=True, db_collation="C")
    recorded_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        indexes = (
            models.Index(fields=("customer", "channel", "purpose", "-at"), name="shop_consent_current"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="shop_consent_channel"),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="shop_consent_purpose"),
            models.CheckConstraint(
                condition=Q(state__in=("granted", "pending", "withdrawn")), name="shop_consent_state"
            ),
            models.CheckConstraint(condition=~Q(source="") & ~Q(key=""), name="shop_consent_evidence"),
        )
        triggers: Any = (
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.purpose}: {self.state}"
