"""Messages that a program sends to one customer: a receipt, an answer."""

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from regulars.messaging.models.templates import TemplateVersion
from regulars.shop.models import Customer


class SingleMessage(models.Model):
    """What one customer is told of, by which version of a template, with values of the program's own under `message`."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    values = models.JSONField(_("values"), default=dict)
    created_at = models.DateTimeField()

    class Meta:
        triggers = (pgtrigger.Protect(name="single_stays", operation=pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.customer_id} {self.created_at}"
