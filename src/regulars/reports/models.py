"""Who gets the monthly review by mail, and which month went last."""

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


@pghistory.track(exclude=["sent_month", "trouble"])
class ReviewMailing(models.Model):
    """The monthly review by mail: one row. `sent_month` is the first day of the month that went last, `trouble` why one did not."""

    class Language(models.TextChoices):
        EN = "en", "English"
        ZH = "zh-hans", "简体中文"

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    recipients = ArrayField(models.EmailField(), verbose_name=_("recipients"), default=list, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=Language, default=Language.EN)
    sent_month = models.DateField(null=True, blank=True)
    trouble = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="reports_reviewmailing_one_row"),)

    def __str__(self) -> str:
        return ", ".join(self.recipients)
