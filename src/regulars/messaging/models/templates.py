"""What messages say: templates with their versions, the letterhead, and what was clicked."""

from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.messaging.models.deliveries import Delivery

LANGUAGES = ("en", "zh-hans")


@pghistory.track(exclude=["draft", "draft_at"])
class Template(models.Model):
    """Content of messages of one format.

    `draft` is what is being written, by language `{"en": {"subject", "preheader", "body"}}`; nothing is sent of it. Messages are
    made of versions. Who speaks a language that a version does not has it in the `language` of the template.
    """

    class Format(models.TextChoices):
        EMAIL = "email", pgettext_lazy("format", "E-mail")
        TEXT = "text", pgettext_lazy("format", "SMS and chat")
        TASK = "task", pgettext_lazy("format", "Task for staff")

    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("what it is for"), max_length=500, blank=True)
    format = models.CharField(max_length=10, choices=Format)
    language = models.CharField(_("language"), max_length=10, default="en", choices=settings.LANGUAGES)
    draft = models.JSONField(default=dict)
    draft_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="messaging_template_named"),
            models.CheckConstraint(
                condition=Q(format__in=("email", "text", "task"), language__in=LANGUAGES),
                name="messaging_template_known",
            ),
            models.UniqueConstraint(
                fields=("name",), condition=Q(archived_at=None), name="messaging_template_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """A template as it was published; never changed, because messages were made of it.

    `links` are the addresses of its fixed links by language, in the order of their numbers, null for one that depends on the customer.
    """

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.IntegerField()
    content = models.JSONField()
    links = models.JSONField()
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(fields=("template", "number"), name="messaging_template_version_once"),
        )
        triggers: Any = (
            pgtrigger.Protect(name="template_kept", operation=pgtrigger.Update | pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"


class ShortLink(models.Model):
    """Where the short links of a version's texts lead: an address that the version or the letterhead names, nobody's own."""

    version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    url = models.CharField(max_length=800)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("version", "url"), name="messaging_short_link_once"),)

    def __str__(self) -> str:
        return self.url


@pghistory.track()
class Letterhead(models.Model):
    """What all messages of the shop share, and whether their links and openings are counted: one row."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    website = models.CharField(_("address of the website"), max_length=300, blank=True)
    logo_url = models.CharField(_("address of the logo"), max_length=500, blank=True)
    accent = models.CharField(_("colour of buttons and links"), max_length=7, default="#4f46e5")
    postal_address = models.CharField(_("postal address"), max_length=300, blank=True)
    product_link = models.CharField(_("address of a product's page"), max_length=300, blank=True)
    counts_clicks = models.BooleanField(_("count clicks"), default=True)
    counts_openings = models.BooleanField(_("count openings"), default=False)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="messaging_letterhead_one_row"),)

    def __str__(self) -> str:
        return self.website


class Click(models.Model):
    """Somebody followed a link of a delivery, `times` over; once a link, so that nobody can fill the table by clicking.

    Without a version it was counted by the service that sends. Below zero, `number` stands for the address.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="clicks", db_index=False)
    version = models.ForeignKey(
        TemplateVersion, on_delete=models.PROTECT, related_name="clicks", db_index=False, null=True
    )
    number = models.SmallIntegerField()
    url = models.CharField(max_length=2_000)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.IntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("delivery", "version", "number"), name="messaging_click_once", nulls_distinct=False
            ),
        )
        indexes = (models.Index(fields=("version", "number"), name="messaging_click_link"),)

    def __str__(self) -> str:
        return f"{self.delivery_id} link {self.number}: {self.times}"


class Opening(models.Model):
    """The picture that counts openings was loaded for a delivery: by a reader, or by a program that loads every picture."""

    delivery = models.OneToOneField(
        Delivery, on_delete=models.CASCADE, related_name="opening", primary_key=True
    )
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.IntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.times}"
