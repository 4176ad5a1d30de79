"""The consent ledger: what each customer allowed and took back."""

from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
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
    DINGTALK = "dingtalk", _("DingTalk")
    POST = "post", _("Post")
    PUSH = "push", _("Push messages")
    WEB = "web", _("The shop's own site")


class Purpose(models.TextChoices):
    """What for."""

    MARKETING = "marketing", _("Offers and news")
    SERVICE = "service", _("Questions about orders and service")
    PROFILING = "profiling", _("Personal suggestions from what was bought and looked at")
    ANALYTICS = "analytics", _("Counting visits")


# What people say is its own log; what staff say for them stands in the audit log too.
@pghistory.track(
    pghistory.InsertEvent(condition=pgtrigger.Q(new__by__isnull=False)),
    exclude=["address", "ip", "key", "source", "wording", "recorded_at"],
)
class Consent(models.Model):
    """One statement about one channel and purpose. Never changed: the present state is the latest statement.

    `key` is the sender's own id of the statement, so that one that arrives twice is one. `address` is the e-mail
    or the number it was given for, where it was given for one. `by` is who of the staff wrote it down, and `reason` why.
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
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="", db_default="")
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
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'the consent ledger is never emptied';",
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.purpose}: {self.state}"


@pghistory.track()
class ConsentOffer(models.Model):
    """A channel and purpose that customers are asked about: whether they still are, and whether a yes is confirmed by mail.

    Pairs without a row are as `rules.OFFERED` says.
    """

    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    is_offered = models.BooleanField(_("Customers are asked"), default=True)
    is_confirmed = models.BooleanField(_("A yes counts once it is confirmed by mail"), default=False)

    class Meta:
        ordering = ("channel", "purpose")
        constraints = (
            models.UniqueConstraint(fields=("channel", "purpose"), name="shop_consent_offer_once"),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values) & Q(purpose__in=Purpose.values),
                name="shop_consent_offer_known",
            ),
            models.CheckConstraint(
                condition=Q(is_confirmed=False) | Q(channel="email"), name="shop_consent_offer_confirmed"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.get_purpose_display()}"


@pghistory.track()
class ConsentWording(models.Model):
    """The words that customers agree to, in one version. Never changed: a correction is the next version."""

    channel = models.CharField(_("channel"), max_length=20, choices=Channel)
    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose)
    version = models.PositiveIntegerField(_("version"))
    english = models.TextField(_("in English"), max_length=1_000)
    chinese = models.TextField(_("in Chinese"), max_length=1_000)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("channel", "purpose", "-version")
        constraints = (
            models.UniqueConstraint(
                fields=("channel", "purpose", "version"), name="shop_consent_wording_once"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values)
                & Q(purpose__in=Purpose.values)
                & ~Q(english="")
                & ~Q(chinese=""),
                name="shop_consent_wording_said",
            ),
        )
        triggers: Any = (
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What a statement calls the words that were agreed to."""
        return f"{self.channel}/{self.purpose} v{self.version}"
